"""How often each key may ask."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from threading import Lock
from time import monotonic

MINUTE = 60.0


class RateLimit:
    """A bucket of tokens for each key, filled evenly; as many fit in as a minute gives.

    It is kept in the memory of this process: behind several processes a key gets the limit of
    each. Buckets are few, one for each key in force that was used.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key_id: str, per_minute: int) -> int:
        """Take a token: return 0, or the seconds to wait where there is none."""
        now = self._clock()
        with self._lock:
            tokens, at = self._buckets.get(key_id, (float(per_minute), now))
            tokens = min(float(per_minute), tokens + (now - at) * per_minute / MINUTE)
            served = tokens >= 1
            self._buckets[key_id] = (tokens - served, now)
        return 0 if served else ceil((1 - tokens) * MINUTE / per_minute)
