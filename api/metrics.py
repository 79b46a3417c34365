"""What Prometheus sees: requests, answers and the model; nothing of any appeal's content."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from triage.appeal import Decision, Versions
from triage.following import KEPT, SWAPPED, Follower
from triage.health import State
from triage.monitoring import HealthWatch, Summary
from triage.shadowing import DROPPED, FAILED, STORED, Shadow

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Others are counted together: a client may send any word as a method."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's own variable, read when it is imported: where workers keep their counts."""


class Metrics:
    """The metrics of one app, in a registry of their own.

    Of several workers on one port, whichever is asked answers for all: counts lie in files that
    all of them read. What the workers know alike, the model and the service's health, is told by
    the one that is asked.

    Attributes
    ----------
    is_shared
        Whether there are other workers, which `publish` is for.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._told = self._registry
        self.is_shared = SHARED_FOLDER in os.environ
        if self.is_shared:
            self._told = CollectorRegistry()
            MultiProcessCollector(self._told)  # type: ignore[no-untyped-call]  # has no types
        self._followed: list[Callable[[], None]] = []
        self._publishing = Lock()
        self._requests = Counter(
            "triage_http_requests",
            "Requests served",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "triage_http_request_seconds",
            "Time to serve a request",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._decisions = Counter(
            "triage_decisions_answered",
            "Decisions given as answers, repeats of the same appeal included",
            ("action", "category", "language"),
            registry=self._registry,
        )
        self._errors = Counter(
            "triage_errors",
            "Requests that the service failed, by the code of their problem",
            ("code",),
            registry=self._registry,
        )
        self._depth = Gauge(
            "triage_intake_depth",
            "Appeals that came in and wait to be decided",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._batch_size = Histogram(
            "triage_intake_batch_size",
            "Appeals decided and stored in one transaction",
            buckets=BATCH_SIZES,
            registry=self._registry,
        )
        self._batch_seconds = Histogram(
            "triage_intake_batch_seconds",
            "Time to decide and store such a batch",
            buckets=BUCKETS,
            registry=self._registry,
        )

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is the template, never the path."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def observe_decision(self, decision: Decision) -> None:
        """Count a decision that is given as an answer."""
        category = decision.chosen("category")
        code = category.code if category else "none"
        self._decisions.labels(decision.action.value, code, decision.language).inc()

    def observe_error(self, code: str) -> None:
        """Count a request that failed through no fault of its sender."""
        self._errors.labels(code).inc()

    def observe_batch(self, size: int, seconds: float) -> None:
        """Count appeals that were decided and stored together."""
        self._batch_size.observe(size)
        self._batch_seconds.observe(seconds)

    def follow_intake(self, depth: Callable[[], int]) -> None:
        """Tell how many appeals wait to be decided."""
        self._followed.append(lambda: self._depth.set(depth()))

    def follow_model(self, versions: Callable[[], Versions | None]) -> None:
        """Tell the model that is loaded at the time of each scrape."""
        self._told.register(_ModelCollector(versions))

    def follow_registry(self, follower: Follower, shadow: Shadow) -> None:
        """Tell how following the registry's aliases went."""
        stale = Gauge(
            "triage_model_stale",
            "1 where the model that should serve could not be loaded",
            registry=self._registry,
            multiprocess_mode="livemax",
        )
        swaps = Counter(
            "triage_model_swaps",
            "Models that were swapped in, or refused",
            ("outcome",),
            registry=self._registry,
        )
        shadows = Counter(
            "triage_shadow_decisions",
            "What became of decisions that the challenger was asked about",
            ("outcome",),
            registry=self._registry,
        )
        self._followed += [
            lambda: stale.set(follower.error is not None),
            _Copied(swaps, follower.outcomes, (SWAPPED, KEPT)),
            _Copied(shadows, shadow.outcomes, (STORED, DROPPED, FAILED)),
        ]

    def follow_health(self, health: HealthWatch) -> None:
        """Tell at each scrape what the service last found of its own health."""
        self._told.register(_HealthCollector(health))

    def publish(self) -> None:
        """Take over what other parts count themselves; workers do it now and then."""
        with self._publishing:
            for publish in self._followed:
                publish()

    def render(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        self.publish()
        return generate_latest(self._told)


class _Copied:
    """Brings a counter up to what another part has counted."""

    def __init__(
        self, counter: Counter, counts: Mapping[str, int], outcomes: Iterable[str]
    ) -> None:
        self._counts = counts
        self._told = dict.fromkeys(outcomes, 0)
        self._by_outcome = {outcome: counter.labels(outcome) for outcome in self._told}

    def __call__(self) -> None:
        for outcome, told in self._told.items():
            now = self._counts.get(outcome, 0)
            self._by_outcome[outcome].inc(now - told)
            self._told[outcome] = now


class _ModelCollector(Collector):
    def __init__(self, versions: Callable[[], Versions | None]) -> None:
        self._versions = versions

    def collect(self) -> Iterator[Metric]:
        found = self._versions()
        info = InfoMetricFamily("triage_model", "The model that decides now")
        if found is not None:
            labels = {
                "name": found.model_name,
                "version": found.model_version,
                "hash": found.model_hash,
            }
            info.add_metric([], labels)
        yield info


class _HealthCollector(Collector):
    """Figures of which there is too little to say are left out, so that no alarm can use them."""

    def __init__(self, health: HealthWatch) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        found = self._health.latest
        if found is None:
            return
        yield from _drifts(found)
        precision = found.audited.precision
        for name, about, value in (
            ("audited_precision", "Precision of what goes unseen, by its checks", precision.value),
            ("audited_precision_low", "Lower end of that precision's interval", precision.low),
            (
                "contract_breaches",
                "Parts of the contract whose precision is under its target for sure",
                float(len(found.audited.breaches)),
            ),
            ("waiting", "Appeals that wait for a person", float(found.n_waiting)),
            ("overdue", "Of them, those that are overdue", float(found.n_overdue)),
            ("health_seconds", "Unix time of these figures", found.computed_at.timestamp()),
        ):
            gauge = GaugeMetricFamily(f"triage_{name}", about)
            if value is not None:
                gauge.add_metric([], value)
            yield gauge


def _drifts(found: Summary) -> Iterator[Metric]:
    labels = ("figure", "window")
    values = GaugeMetricFamily(
        "triage_drift", "How far a figure is from the weeks before", labels=labels
    )
    thresholds = GaugeMetricFamily(
        "triage_drift_threshold", "Above it that is more than chance, and matters", labels=labels
    )
    for window, drifts in found.drifts.items():
        for one in drifts.figures:
            if one.state is State.TOO_FEW or one.value is None or one.threshold is None:
                continue
            values.add_metric([one.name, window], one.value)
            thresholds.add_metric([one.name, window], one.threshold)
    yield values
    yield thresholds
