from __future__ import annotations

import pytest

from api.ratelimit import RateLimit
from api.security import is_loopback, local_path


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    "path", ["/", "/pages/queue", "/pages/queue?search=снег&lang=kk", "/pages/x#y", "/a//b"]
)
def test_local_path_of_this_site_is_kept(path: str) -> None:
    assert local_path(path, "/home") == path


@pytest.mark.parametrize(
    "path",
    [
        *("", "pages/queue", "https://example.org", "//example.org/x", "///example.org"),
        *("/\\example.org", "\\\\example.org", "javascript:alert(1)", "/\t/example.org", "/a\nb"),
        *(" /", "/x\\y", "http:/x"),
    ],
)
def test_local_path_that_could_lead_away_is_not_taken(path: str) -> None:
    assert local_path(path, "/home") == "/home"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *(("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True)),
        *(("0.0.0.0", False), ("::", False), ("10.0.0.5", False), ("triage.example", False)),
        ("", False),
    ],
)
def test_is_loopback_tells_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_rate_limit_serves_a_minutes_worth_and_then_evenly() -> None:
    clock = _Clock()
    limit = RateLimit(clock)

    assert [limit.take("a", 3) for _ in range(4)] == [0, 0, 0, 20]
    clock.now += 19.9
    assert limit.take("a", 3) == 1
    clock.now += 0.2
    assert [limit.take("a", 3) for _ in range(2)] == [0, 20]


def test_rate_limit_does_not_save_up_more_than_a_minute_gives() -> None:
    clock = _Clock()
    limit = RateLimit(clock)
    limit.take("a", 2)
    clock.now += 3600

    assert [limit.take("a", 2) for _ in range(3)] == [0, 0, 30]


def test_rate_limit_of_one_key_is_not_anothers() -> None:
    limit = RateLimit(_Clock())

    assert [limit.take(key, 1) for key in ("a", "b", "a")] == [0, 0, 60]
