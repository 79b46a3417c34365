from __future__ import annotations

import numpy as np

from models.names import NameEvidence
from training.names import NamedExamples

ENTERPRISES = (
    "Администрация Льговского района",
    "Администрация Рыльского района",
    "Администрация города Льгов",
    "Комитет транспорта",
)
TEXTS = (
    "Во Льгове яма",
    "Льгов, ул. Ленина",
    "Автобус из Льгова не пришёл",
    "Автобус из Рыльска не пришёл",
    "Автобус не пришёл",
    "Яма у дома",
)
TRUE = np.array([2, 2, 3, 3, 3, 0])


def fitted(names: dict[str, tuple[str, ...]] | None = None) -> NameEvidence:
    named = NamedExamples.of(TEXTS, names or {}, ENTERPRISES)
    assert named is not None
    return named.fit(np.arange(len(TEXTS)), TRUE)


def likeliest(evidence: NameEvidence, text: str) -> str:
    return ENTERPRISES[int(evidence.of([text])[0].argmax())]


def test_fit_place_of_which_history_knows_nothing_speaks_for_whom_it_names() -> None:
    assert likeliest(fitted(), "В Рыльском районе нет света") == ENTERPRISES[1]


def test_fit_town_and_its_district_are_told_apart() -> None:
    assert likeliest(fitted(), "Во Льгове нет света") == ENTERPRISES[2]
    assert likeliest(fitted(), "В Льговском районе нет света") == ENTERPRISES[0]


def test_fit_place_in_nearly_every_text_counts_little() -> None:
    enterprises = ("Управа города Курска", "Управа города Льгов")
    texts = [*["В Курске яма"] * 30, *["Курская область, Льгов"] * 3, "Льгов"]
    named = NamedExamples.of(texts, {}, enterprises)
    assert named is not None
    evidence = named.fit(np.arange(len(texts)), np.array([0] * 30 + [1] * 4))
    kursk, lgov = evidence.of(["Курск"])[0], evidence.of(["Льгов"])[0]
    assert kursk[0] - kursk[1] < (lgov[1] - lgov[0]) / 2


def test_fit_registry_names_stand_for_a_label_that_says_nothing() -> None:
    named = NamedExamples.of(
        TEXTS, {"A-1": ("Аппарат района «Рыльск»", "«Рыльск» ауданы")}, ("A-1", "A-2")
    )
    assert named is not None
    evidence = named.fit(np.arange(0), np.full(len(TEXTS), -1))
    first, second = evidence.of(["Рыльск ауданында жарық жоқ"])[0]
    assert first > second == 0


def test_of_labels_without_proper_names_is_none() -> None:
    assert NamedExamples.of(TEXTS, {}, ("e1", "e2")) is None
    assert NamedExamples.of(TEXTS, {}, ("Комитет транспорта", "Комитет культуры")) is None


def test_out_of_fold_own_label_does_not_speak_for_a_text() -> None:
    named = NamedExamples.of(TEXTS, {}, ENTERPRISES)
    assert named is not None
    everything = np.arange(len(TEXTS))
    splits = [(everything[everything != row], np.array([row])) for row in everything]
    changed = TRUE.copy()
    changed[0] = 3
    before, after = (named.out_of_fold(splits, labels)[0] for labels in (TRUE, changed))
    assert before.tolist() == after.tolist()
    assert before[0].tolist() != fitted().of([TEXTS[0]])[0].tolist()
