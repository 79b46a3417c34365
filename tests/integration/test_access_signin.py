from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from access_checks import PASSWORD, Clock

from triage.access import LINK, Access
from triage.errors import InvalidLinkError, SignInFailedError, TooManyFailuresError
from triage.roles import Role
from triage.signin import FAILURES_BY_ADDRESS, FAILURES_BY_NAME, SESSION, SignIn
from triage.store.sessions import Sessions


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(sessions: Sessions, clock: Clock) -> Access:
    return Access(sessions, "astana", clock)


@pytest.fixture
def signing(sessions: Sessions, access: Access, clock: Clock) -> SignIn:
    return SignIn(sessions, "astana", access, clock=clock)


def _fail(signing: SignIn, name: str, address: str = "192.0.2.1") -> None:
    with pytest.raises(SignInFailedError):
        signing.by_password(name, "not the password", address=address)


def test_link_signs_in_once(access: Access, signing: SignIn) -> None:
    access.add_person("aigerim", Role.SUPERVISOR, actor="tests")
    link = access.new_link("aigerim", actor="tests")

    token = signing.by_link(link)

    found = signing.principal(token)
    assert found is not None
    assert (found[0].name, found[0].role, found[0].kind) == ("aigerim", "supervisor", "person")
    with pytest.raises(InvalidLinkError):
        signing.by_link(link)


def test_link_used_by_many_at_once_lets_one_in(access: Access, signing: SignIn) -> None:
    access.add_person("aigerim", Role.SUPERVISOR, actor="tests")
    link = access.new_link("aigerim", actor="tests")

    def use(_: int) -> bool:
        try:
            signing.by_link(link)
        except InvalidLinkError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(use, range(6))) == 1


def test_link_of_before_ends_with_a_new_one(access: Access, signing: SignIn) -> None:
    access.add_person("aigerim", Role.SUPERVISOR, actor="tests")
    old = access.new_link("aigerim", actor="tests")
    access.new_link("aigerim", actor="tests")

    with pytest.raises(InvalidLinkError):
        signing.whose_link(old)


def test_link_and_session_run_out(access: Access, signing: SignIn, clock: Clock) -> None:
    access.add_person("aigerim", Role.SUPERVISOR, actor="tests")
    token = signing.by_link(access.new_link("aigerim", actor="tests"))
    link = access.new_link("aigerim", actor="tests")

    clock.forward(seconds=(SESSION - timedelta(seconds=1)).total_seconds())
    assert signing.principal(token) is not None
    clock.forward(seconds=1)
    assert signing.principal(token) is None
    clock.forward(seconds=(LINK - SESSION).total_seconds())
    with pytest.raises(InvalidLinkError):
        signing.by_link(link)


def test_failures_under_a_name_make_it_wait(access: Access, signing: SignIn, clock: Clock) -> None:
    access.add_person("aigerim", Role.SUPERVISOR, actor="tests")
    access.set_password("aigerim", PASSWORD, actor="tests")
    for number in range(FAILURES_BY_NAME):
        _fail(signing, "aigerim", f"192.0.2.{number}")
    clock.forward(minutes=5)

    with pytest.raises(TooManyFailuresError) as raised:
        signing.by_password("aigerim", PASSWORD, address="198.51.100.7")

    assert raised.value.retry_after == 600
    clock.forward(seconds=raised.value.retry_after)
    assert signing.by_password("aigerim", PASSWORD, address="198.51.100.7")


def test_failures_from_an_address_make_it_wait_whatever_the_name(
    signing: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each failure hashes a password, and there are many here; how it fails is not the question.
    monkeypatch.setattr("triage.signin.verify_password", lambda kept, password: False)
    for number in range(FAILURES_BY_ADDRESS):
        _fail(signing, f"name {number}")

    with pytest.raises(TooManyFailuresError):
        signing.by_password("another", "password", address="192.0.2.1")
    _fail(signing, "another", "192.0.2.2")


def test_failures_at_once_are_counted_before_they_are_known(
    access: Access, signing: SignIn
) -> None:
    access.add_person("aigerim", Role.SUPERVISOR, actor="tests")

    def attempt(_: int) -> str:
        try:
            signing.by_password("aigerim", "guess", address="192.0.2.1")
        except (SignInFailedError, TooManyFailuresError) as error:
            return error.code
        return "signed in"

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(attempt, range(FAILURES_BY_NAME + 3)))

    assert codes.count("sign_in_failed") == FAILURES_BY_NAME
    assert codes.count("too_many_failures") == 3


def test_failures_are_forgiven_by_success(access: Access, signing: SignIn) -> None:
    access.add_person("aigerim", Role.SUPERVISOR, actor="tests")
    access.set_password("aigerim", PASSWORD, actor="tests")
    for _ in range(2):
        for _ in range(FAILURES_BY_NAME - 1):
            _fail(signing, "aigerim")
        assert signing.by_password("aigerim", PASSWORD, address="192.0.2.1")


def test_password_changed_ends_other_sessions(access: Access, signing: SignIn) -> None:
    access.add_person("aigerim", Role.SUPERVISOR, actor="tests")
    mine, other = (signing.by_link(access.new_link("aigerim", actor="tests")) for _ in range(2))
    signing.change_password(mine, "", PASSWORD)

    assert signing.principal(mine) is not None
    assert signing.principal(other) is None
    with pytest.raises(SignInFailedError):
        signing.change_password(mine, "not the current one", PASSWORD * 2)
    signing.change_password(mine, PASSWORD, PASSWORD * 2)
    assert signing.by_password("aigerim", PASSWORD * 2, address="")


def test_person_deactivated_is_out_at_once(access: Access, signing: SignIn) -> None:
    access.add_person("aigerim", Role.SUPERVISOR, actor="tests")
    access.set_password("aigerim", PASSWORD, actor="tests")
    token = signing.by_password("aigerim", PASSWORD, address="")

    access.set_active("aigerim", False, actor="tests")

    assert signing.principal(token) is None
    with pytest.raises(SignInFailedError):
        signing.by_password("aigerim", PASSWORD, address="")
