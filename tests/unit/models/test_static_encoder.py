"""The shipped encoder remembers the subwords of words: that must not change any vector."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import models
from models.encoders import StaticEncoder
from models.text import normalise

SHIPPED = Path(models.__file__).parent / "data" / "static"


@cache
def shipped() -> StaticEncoder:
    return StaticEncoder.load(SHIPPED)


@settings(deadline=None)  # the first example loads the encoder
@given(st.text(max_size=60))
@example("нет воды в доме, су жоқ! ya y ay Щ shch ии İ ﬁ кiм? 8-701")
@example("знак, из которого выйдут два: ´a ﷺ ½ ㎏ ¨")
@example("нет\xa0воды\u2003су\u3000жоқ")
def test_static_encode_word_by_word_equals_the_whole_text_in_one_go(text):
    plain = normalise(text)
    _, parts = shipped().parts(plain)
    assert shipped().encode([plain])[0] == pytest.approx(parts.sum(axis=0), abs=1e-5)


def test_static_encode_alone_and_among_others_is_the_same_to_the_last_bit():
    texts = ["нет воды", "", "су жоқ, үйде үшінші күн су жоқ", "¨", "автобус 32 не приехал"]
    together = shipped().encode(texts)
    assert all(
        (shipped().encode([text])[0] == row).all()
        for text, row in zip(texts, together, strict=True)
    )
