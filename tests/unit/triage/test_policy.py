from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from triage.policy import Policy


def test_policy_version_changes_with_every_number() -> None:
    policy = Policy()
    changed = [
        replace(policy, **{field.name: getattr(policy, field.name) / 2}) for field in fields(policy)
    ]
    versions = {one.version for one in (policy, *changed)}
    assert len(versions) == 1 + len(fields(policy))
    assert all(len(version) == 12 for version in versions)


def test_policy_version_is_the_same_for_the_same_numbers() -> None:
    assert Policy().version == Policy(target_precision=0.95, confidence=0.90).version


def test_policy_is_not_to_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Policy().target_precision = 0.5  # type: ignore[misc]  # that is the point
