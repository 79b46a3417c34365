from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from models import folder
from models.heads import Heads
from training.errors import TrainingError
from training.suggest import POOL, suggest
from triage.config import STARTER_DATA


@pytest.fixture(scope="module")
def model(model_folder):
    return folder.load(model_folder)


@pytest.fixture(scope="module")
def texts():
    with (STARTER_DATA / "appeals.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in islice(lines, 1_000, 1_400)]


def test_suggest_gives_as_many_as_asked_for_the_most_doubtful_first(model, texts):
    found = suggest(model, texts, 20)
    doubts = [one.doubt for one in found]
    assert len({one.row for one in found}) == 20
    assert doubts == sorted(doubts, reverse=True)
    assert all(one.first.probability >= one.second.probability for one in found)


def test_suggest_is_more_doubtful_than_the_average(model, texts):
    picked = np.mean([one.doubt for one in suggest(model, texts, 20)])
    everything = np.mean([one.doubt for one in suggest(model, texts, len(texts))])
    assert picked > everything


def test_suggest_repeated_text_is_picked_once(model, texts):
    unlike, budget = texts[: 2 * POOL], 5
    doubtful = suggest(model, unlike, 1)[0]
    copies = [unlike[doubtful.row]] * 30
    found = suggest(model, [*copies, *unlike], budget)
    assert sum(one.row < len(copies) for one in found) <= 1


def test_suggest_same_seed_gives_the_same(model, texts):
    assert suggest(model, texts, 10, seed=3) == suggest(model, texts, 10, seed=3)


def test_suggest_small_budget_of_few_texts_gives_them_all(model, texts):
    assert len(suggest(model, texts[:3], 10)) == 3


def test_suggest_text_without_a_known_word_is_passed_over(model, texts):
    assert suggest(model, ["🥶🥶🥶", texts[0]], 2)[0].row == 1


def test_suggest_level_that_the_model_lacks_says_so(model, texts):
    heads = {level: head for level, head in model.heads.items() if level != "topic"}
    with pytest.raises(TrainingError, match="can't tell one topic"):
        suggest(replace(model, heads=Heads(heads)), texts, 5)
