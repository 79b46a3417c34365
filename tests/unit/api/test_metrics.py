from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

from prometheus_client.parser import text_string_to_metric_families

from api.metrics import Metrics


def _value(metrics: Metrics, name: str, **labels: str) -> float:
    [value] = [
        sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
        if (sample.name, sample.labels) == (name, labels)
    ]
    return value


def test_metrics_tell_how_many_appeals_wait_at_the_time_of_the_scrape() -> None:
    metrics, waiting = Metrics(), ["a", "b"]
    assert _value(metrics, "triage_intake_depth") == 0

    metrics.follow_intake(lambda: len(waiting))

    assert _value(metrics, "triage_intake_depth") == 2
    waiting.clear()
    assert _value(metrics, "triage_intake_depth") == 0


def test_metrics_batches_are_counted_by_size() -> None:
    metrics = Metrics()

    for size in (1, 1, 30):
        metrics.observe_batch(size, 0.01)

    assert _value(metrics, "triage_intake_batch_size_sum") == 32
    assert _value(metrics, "triage_intake_batch_size_bucket", le="1.0") == 2
    assert _value(metrics, "triage_intake_batch_size_bucket", le="32.0") == 3
    assert _value(metrics, "triage_intake_batch_seconds_count") == 3


def test_metrics_follow_what_others_count_without_counting_it_twice() -> None:
    metrics = Metrics()
    follower = SimpleNamespace(outcomes=Counter(), error=None)
    shadow = SimpleNamespace(outcomes=Counter(stored=3))
    metrics.follow_registry(cast("Any", follower), cast("Any", shadow))
    metrics.publish()
    metrics.publish()
    follower.outcomes["swapped"] += 1
    follower.error = ValueError()

    assert _value(metrics, "triage_shadow_decisions_total", outcome="stored") == 3
    assert _value(metrics, "triage_shadow_decisions_total", outcome="dropped") == 0
    assert _value(metrics, "triage_model_swaps_total", outcome="swapped") == 1
    assert _value(metrics, "triage_model_stale") == 1
