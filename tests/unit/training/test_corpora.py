"""The two corpora that the starter model is fitted on are apart, and both cover the taxonomy."""

from collections import Counter

import pandas as pd
import pytest

from training.data import read_examples
from training.splits import near_duplicate_groups
from training.starter import APPEALS, MORE_APPEALS
from triage.citydata import load_city
from triage.config import STARTER_DATA


@pytest.fixture(scope="module")
def first() -> pd.DataFrame:
    return read_examples([str(APPEALS)]).table


@pytest.fixture(scope="module")
def second() -> pd.DataFrame:
    return read_examples([str(MORE_APPEALS)]).table


def test_second_corpus_has_no_near_duplicate(first: pd.DataFrame, second: pd.DataFrame) -> None:
    groups = near_duplicate_groups([*first["text"], *second["text"]])
    of_second = groups[len(first) :]
    assert not set(of_second) & set(groups[: len(first)])
    assert len(set(of_second)) == len(second)


def test_second_corpus_has_voices_of_its_own(first: pd.DataFrame, second: pd.DataFrame) -> None:
    assert not set(first["voice"]) & set(second["voice"])


def test_second_corpus_covers_topics_and_languages(second: pd.DataFrame) -> None:
    per_topic = Counter(second["topic"])
    assert per_topic.keys() == load_city(STARTER_DATA).taxonomy.topics.keys()
    assert min(per_topic.values()) >= 40
    shares = second["language"].value_counts(normalize=True)
    assert shares["kk"] > 0.4
    assert shares["mixed"] > 0.1
