from __future__ import annotations

from itertools import product
from string import Formatter

import pytest

from triage import messages
from triage.appeal import Bilingual
from triage.rules import Need

KAZAKH_LETTERS = set("әғқңөұүһі")
ALL = [*messages.REASONS.items(), *messages.RULES.items(), *messages.QUESTIONS.items()]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize(("code", "message"), ALL, ids=[code for code, _ in ALL])
def test_message_is_there_in_both_languages_with_the_same_placeholders(
    code: str, message: Bilingual
) -> None:
    assert code
    assert message.ru.strip() == message.ru != ""
    assert message.kk.strip() == message.kk != ""
    assert not KAZAKH_LETTERS & set(message.ru.lower())
    assert KAZAKH_LETTERS & set(message.kk.lower())
    assert placeholders(message.ru) == placeholders(message.kk)


def test_tell_fills_both_languages() -> None:
    message = Bilingual("не ниже {target}", "{target} төмен емес")
    assert messages.tell(message, target="95 %") == Bilingual("не ниже 95 %", "95 % төмен емес")


def test_fill_puts_each_language_into_its_own() -> None:
    message = Bilingual("Не хватает: {what}", "Керек: {what}")
    filled = messages.fill(message, what=Bilingual("дом", "үй"))
    assert filled == Bilingual("Не хватает: дом", "Керек: үй")


def test_questions_are_there_for_all_that_a_rule_may_need() -> None:
    assert messages.QUESTIONS.keys() == set(Need)


def test_percent_never_rounds_up() -> None:
    shares = {0.0: "0,0", 1.0: "100,0", 0.29: "29,0", 0.58: "58,0", 0.9499: "94,9", 0.9999: "99,9"}
    assert {share: messages.percent(share) for share in shares} == {
        share: f"{text} %" for share, text in shares.items()
    }


def test_percent_every_threshold_that_can_be_is_written_as_it_is() -> None:
    for whole, tenth in product(range(100), range(10)):
        share = round((whole * 10 + tenth) / 1000, 3)
        assert messages.percent(share) == f"{whole},{tenth} %"
