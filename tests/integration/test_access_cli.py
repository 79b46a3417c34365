from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from api.cli import app
from api.cli_access import check_guarded, first_link
from triage.access import Access
from triage.config import Settings, load_settings
from triage.errors import InvalidSettingsError
from triage.keys import ApiKeys
from triage.roles import Role
from triage.signin import SignIn
from triage.store.sessions import Sessions, make_engine, make_sessions

PASSWORD = "correct horse battery"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, sqlite_home: Path) -> Settings:
    monkeypatch.delenv("TRIAGE_DATABASE_URL", raising=False)
    monkeypatch.setenv("TRIAGE_HOME", str(sqlite_home))
    return load_settings()


@pytest.fixture
def stored(settings: Settings) -> Sessions:
    return make_sessions(make_engine(settings.store_url))


@pytest.fixture
def access(stored: Sessions, settings: Settings) -> Access:
    return Access(stored, settings.city)


@pytest.fixture
def _log_as_before() -> Iterator[None]:
    """`serve` sends the whole process's log to a stream that ends with the test."""
    yield
    structlog.reset_defaults()


def _triage(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=stdin)


def test_people_add_prints_a_link_that_signs_in(stored: Sessions, access: Access) -> None:
    added = _triage("people", "add", "Әйгерім", "--role", "supervisor")

    assert added.exit_code == 0, added.output
    token = added.stdout.strip().removeprefix("http://127.0.0.1:8109/pages/link/")
    signing = SignIn(stored, "astana", access)
    found = signing.principal(signing.by_link(token))
    assert found is not None
    assert (found[0].name, found[0].role) == ("Әйгерім", "supervisor")


def test_people_list_tells_role_and_way_in(access: Access) -> None:
    access.add_person("aigerim", Role.ADMIN, actor="tests", subject="42")
    access.add_person("timur", Role.INTAKE, actor="tests")
    access.set_active("timur", False, actor="tests")

    assert _triage("people", "list").stdout.splitlines() == [
        "aigerim\tadmin\toidc\tactive",
        "timur\tintake\tlink\tinactive",
    ]


def test_people_password_is_read_and_checked(stored: Sessions, access: Access) -> None:
    access.add_person("aigerim", Role.ADMIN, actor="tests")

    short = _triage("people", "password", "aigerim", stdin="short\nshort\n")
    done = _triage("people", "password", "aigerim", stdin=f"{PASSWORD}\n{PASSWORD}\n")

    assert short.exit_code == 1
    assert "12" in short.stderr
    assert done.exit_code == 0
    assert PASSWORD not in done.output
    assert SignIn(stored, "astana", access).by_password("aigerim", PASSWORD, address="")


@pytest.mark.parametrize(
    "arguments",
    [
        ("people", "link", "nobody"),
        ("people", "add", "a:b", "--role", "intake"),
        ("keys", "revoke", "nothing"),
    ],
)
def test_access_command_that_can_not_be_done_says_why(
    access: Access, arguments: tuple[str, ...]
) -> None:
    result = _triage(*arguments)

    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")


def test_keys_are_added_listed_and_revoked(stored: Sessions, settings: Settings) -> None:
    added = _triage("keys", "add", "crm", "--role", "intake", "--per-minute", "30")

    keys = ApiKeys(stored, settings.city)
    key = keys.find(added.stdout.strip())
    assert (key.name, key.role, key.per_minute) == ("crm", "intake", 30)
    assert key.created_by.startswith("cli")
    assert _triage("keys", "revoke", key.id).exit_code == 0
    listed = _triage("keys", "list").stdout
    assert listed == f"{key.id}\tcrm\tintake\t30\trevoked\n"
    assert added.stdout.strip() not in listed


def test_first_link_is_the_local_admins_until_there_is_a_password(
    settings: Settings, access: Access
) -> None:
    links = [first_link(settings, access) for _ in range(2)]

    assert [(one.name, one.role) for one in access.everybody()] == [("admin", "admin")]
    assert all(link and link.startswith("http://127.0.0.1:8109/pages/link/") for link in links)
    access.set_password("admin", PASSWORD, actor="admin")
    assert first_link(settings, access) is None


def test_first_link_is_not_made_beside_others(settings: Settings, access: Access) -> None:
    access.add_person("aigerim", Role.ADMIN, actor="tests")

    assert first_link(settings, access) is None
    assert [one.name for one in access.everybody()] == ["aigerim"]


def test_guard_lets_no_service_beyond_loopback_without_a_password(
    settings: Settings, access: Access
) -> None:
    beyond = settings.model_copy(update={"host": "0.0.0.0"})
    access.add_person("aigerim", Role.ADMIN, actor="tests")
    access.add_person("timur", Role.SUPERVISOR, actor="tests")
    access.set_password("timur", PASSWORD, actor="tests")

    with pytest.raises(InvalidSettingsError, match="triage people password"):
        check_guarded(beyond, access)
    check_guarded(settings, access)
    check_guarded(beyond.model_copy(update={"oidc_issuer": "https://id.example"}), access)
    access.set_password("aigerim", PASSWORD, actor="tests")
    check_guarded(beyond, access)


@pytest.mark.usefixtures("_log_as_before")
def test_serve_beyond_loopback_without_a_password_ends_with_a_word(
    access: Access, settings: Settings, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAGE_MODEL", str(model_folder))

    result = _triage("serve", "--host", "0.0.0.0")

    assert result.exit_code == 1
    assert "triage people add NAME --role admin" in result.stderr
    assert list(access.everybody()) == []
