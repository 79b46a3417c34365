"""What Prometheus sees: requests, answers and the model; nothing of any appeal's content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from triage.appeal import Decision, Versions
from triage.following import KEPT, SWAPPED, Follower
from triage.health import State
from triage.monitoring import HealthWatch, Summary
from triage.shadowing import DROPPED, FAILED, STORED, Shadow

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Others are counted together: a client may send any word as a method."""

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one app, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
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

    def follow_model(self, versions: Callable[[], Versions | None]) -> None:
        """Tell the model that is loaded at the time of each scrape."""
        self._registry.register(_ModelCollector(versions))

    def follow_registry(self, follower: Follower, shadow: Shadow) -> None:
        """Tell at each scrape how following the registry's aliases went."""
        self._registry.register(_RegistryCollector(follower, shadow))

    def follow_health(self, health: HealthWatch) -> None:
        """Tell at each scrape what the service last found of its own health."""
        self._registry.register(_HealthCollector(health))

    def render(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._registry)


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


class _RegistryCollector(Collector):
    def __init__(self, follower: Follower, shadow: Shadow) -> None:
        self._follower = follower
        self._shadow = shadow

    def collect(self) -> Iterator[Metric]:
        stale = GaugeMetricFamily(
            "triage_model_stale", "1 where the model that should serve could not be loaded"
        )
        stale.add_metric([], float(self._follower.error is not None))
        yield stale
        yield _counted(
            "triage_model_swaps",
            "Models that were swapped in, or refused",
            self._follower.outcomes,
            (SWAPPED, KEPT),
        )
        yield _counted(
            "triage_shadow_decisions",
            "What became of decisions that the challenger was asked about",
            self._shadow.outcomes,
            (STORED, DROPPED, FAILED),
        )


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


def _counted(name: str, about: str, counts: Mapping[str, int], outcomes: Iterable[str]) -> Metric:
    family = CounterMetricFamily(name, about, labels=("outcome",))
    for outcome in outcomes:
        family.add_metric([outcome], counts.get(outcome, 0))
    return family
