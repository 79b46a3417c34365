from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from training.benchmark.baselines import (
    Baseline,
    BaselineUnavailableError,
    choose,
    fasttext,
    prefix_svm,
    signalen,
)

TEXTS = {
    "water": ("нет воды в доме", "воды нет совсем", "в доме нет холодной воды"),
    "snow": ("снег во дворе не убран", "двор в снегу", "уберите снег со двора"),
}
PAIRS = [(text, label) for label, texts in TEXTS.items() for text in texts for _ in range(10)]
TRAIN = tuple(np.array(side, dtype=object) for side in zip(*PAIRS, strict=True))
TEST = (
    np.array(["почему нет воды?", "снега во дворе по колено"], dtype=object),
    np.array(["water", "snow"], dtype=object),
)
BASELINES = {"signalen": signalen, "fasttext": fasttext, "prefix_svm": prefix_svm}
LIBRARIES = {"signalen": "snowballstemmer", "fasttext": "fasttext"}


@pytest.mark.parametrize("name", BASELINES)
def test_baseline_learns_what_a_few_words_mean(name: str) -> None:
    if name in LIBRARIES:
        pytest.importorskip(LIBRARIES[name])
    chosen = choose(BASELINES[name], (TRAIN[0], TRAIN[1]), TEST)
    assert chosen.best[:, 0].tolist() == ["water", "snow"]
    assert np.isnan(chosen.probability).all() == (name == "prefix_svm")


@pytest.mark.parametrize("name", BASELINES)
def test_baseline_answers_the_same_each_time_with_one_value_a_class(name: str) -> None:
    if name in LIBRARIES:
        pytest.importorskip(LIBRARIES[name])
    once, again = (BASELINES[name](*map(list, TRAIN), ["вода", ""]) for _ in range(2))
    assert once.classes == ("snow", "water")
    assert once.values.shape == (2, 2)
    assert np.array_equal(once.values, again.values)
    if once.probable:
        assert once.values[0].sum() == pytest.approx(1, abs=1e-4)


def test_choose_fits_on_labelled_texts_alone() -> None:
    seen: list[str] = []

    def remembering(texts: Any, labels: Any, judged: Any) -> Any:
        seen.extend(texts)
        return prefix_svm(texts, labels, judged)

    labels = TRAIN[1].copy()
    labels[:5] = None
    baseline: Baseline = remembering
    choose(baseline, (TRAIN[0], labels), TEST)
    assert seen == TRAIN[0][5:].tolist()


@pytest.mark.parametrize(("name", "library"), LIBRARIES.items())
def test_baseline_without_its_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str, library: str
) -> None:
    real = builtins.__import__

    def without(wanted: str, *rest: Any) -> Any:
        if wanted == library:
            raise ImportError(wanted)
        return real(wanted, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BaselineUnavailableError, match=r"pip install 'appeal-triage\[benchmark\]'"):
        BASELINES[name](["a"], ["b"], ["c"])
