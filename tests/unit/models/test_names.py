from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.names import NameEvidence, NameFinder, name_stem, with_evidence

FINDER = NameFinder({"lgov", "rils", "zolotuh", "akkol"}, {"raio", "oblast", "audan"})


@pytest.mark.parametrize(
    "spellings",
    [
        "льгов льгова льгове льговский льговского льговском lgov",
        "рыльск рыльска рыльском рыльский рыльского rylsk",
        "золотухино золотухинский золотухинского",
        "солнцево солнцевский солнцевского",
        "хомутовка хомутовский",
        "ақкөл акколь akkol",
    ],
)
def test_name_stem_cases_adjectives_and_spellings_meet(spellings: str) -> None:
    assert len({name_stem(word) for word in spellings.split()}) == 1


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("Во Льгове нет воды", ["lgov"]),
        ("в льговском районе яма", ["lgov raio"]),
        ("г. Льгов, Льговский район", ["lgov", "lgov raio"]),
        ("Автобус Рыльск - Льгов", ["rils", "lgov"]),
        ("Ақкөл ауданында жарық жоқ", ["akkol audan"]),
        ("v Lgove net vody", ["lgov"]),
        ("Воды нет нигде", []),
        ("", []),
    ],
)
def test_find_names_with_the_kind_that_follows(text: str, mentions: list[str]) -> None:
    assert FINDER.find(text) == mentions


def test_find_longer_word_of_the_same_beginning_is_no_mention() -> None:
    assert NameFinder({"tims"}, set()).find("тимсовещательность") == []


@pytest.fixture
def evidence() -> NameEvidence:
    ratios = np.array([[1.0, -1.0, 0.0], [-2.0, 2.0, 0.0], [-1.0, -1.0, 3.0]], dtype=np.float32)
    return NameEvidence(("lgov", "lgov raio", "rils"), ratios)


def test_evidence_of_several_mentions_is_their_mean(evidence: NameEvidence) -> None:
    found = evidence.of(["Льгов", "Льгов и Рыльск", "Льговский район", "ничего"])
    assert found.tolist() == [[1, -1, 0], [0, -1, 1.5], [-2, 2, 0], [0, 0, 0]]


def test_evidence_kind_that_was_never_seen_counts_as_the_bare_name(evidence: NameEvidence) -> None:
    assert evidence.of(["Рыльский район"]).tolist() == evidence.of(["Рыльск"]).tolist()


def test_with_evidence_raises_whom_the_text_names_and_leaves_the_rest_alone(
    evidence: NameEvidence,
) -> None:
    before = np.array([[0.2, 0.7, 0.1], [0.2, 0.7, 0.1]])
    after = with_evidence(before, 0.5 * evidence.of(["Льгов", "ничего"]))
    odds = after[0, 0] / after[0, 1]
    assert odds == pytest.approx(0.2 / 0.7 * np.exp(0.5 * 2))
    assert after[0].sum() == pytest.approx(1)
    assert after[1].tolist() == before[1].tolist()


@given(
    st.lists(st.floats(0.01, 1), min_size=2, max_size=6).flatmap(
        lambda shares: st.tuples(
            st.just(np.array([shares]) / sum(shares)),
            st.lists(st.floats(-50, 50), min_size=len(shares), max_size=len(shares)),
        )
    )
)
def test_with_evidence_any_ratios_give_a_distribution(
    case: tuple[np.ndarray, list[float]],
) -> None:
    probabilities, ratios = case
    updated = with_evidence(probabilities, np.array([ratios]))
    assert updated.sum() == pytest.approx(1)
    assert (updated >= 0).all()
