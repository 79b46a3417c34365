"""Rounds of faults, made and survived: each test of a fault has a short one and long ones."""

from __future__ import annotations

import pytest
from results_page import RELIABILITY

COMMAND = "pytest -m soak tests/reliability/test_faults.py"
FAULT = "fault"
ROUNDS = 5
ONCE = "once"


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # reports of xdist's workers come to who started them
        config.pluginmanager.register(FaultCounter())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker(FAULT):
        rounds = (f"round{number}" for number in range(1, ROUNDS + 1))
        soaked = (pytest.param(name, marks=pytest.mark.soak) for name in rounds)
        metafunc.parametrize("fault_round", [ONCE, *soaked], indirect=True)


@pytest.fixture(autouse=True)
def fault_round(request: pytest.FixtureRequest) -> None:
    """Name the fault in the reports of a long round."""
    marker = request.node.get_closest_marker(FAULT)
    if marker is not None and request.param != ONCE:
        request.node.user_properties.append((FAULT, *marker.args))


class FaultCounter:
    """Counts the long rounds of one session, and records them at its end."""

    def __init__(self) -> None:
        self._survived: dict[str, dict[str, bool]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        fault = dict(report.user_properties).get(FAULT)
        # A round that is skipped was not made.
        if isinstance(fault, str) and (report.failed or (report.passed and report.when == "call")):
            rounds = self._survived.setdefault(fault, {})
            rounds[report.nodeid] = rounds.get(report.nodeid, True) and report.passed

    def pytest_sessionfinish(self) -> None:
        for fault, rounds in self._survived.items():
            figures = {"rounds": len(rounds), "survived": sum(rounds.values())}
            RELIABILITY.record("faults", fault, figures, command=COMMAND)
