from __future__ import annotations

import json
from pathlib import Path

import pytest
from appeal_files import corpus
from tokenizers import Tokenizer, models

from models.encoders import TOKENIZER
from training.distil.tokeniser import CYRILLIC, LATIN, make_tokeniser, spelling_normalizer
from training.encoders import STATIC_FOLDER

KEYS = Path(__file__).parent / "data" / "distil_keys.tsv"
PIECES = [
    ("<s>", 0.0),
    ("▁дорог", -3.0),
    ("▁жоқ", -4.0),
    ("▁жок", -5.0),
    ("Лар", -6.0),
    ("▁road", -2.0),
]


def unigram() -> Tokenizer:
    return Tokenizer(models.Unigram([("<unk>", -20.0), *PIECES], 0))


def word_piece() -> Tokenizer:
    pieces = ["[UNK]", "дорог", "жоқ", "##лар", "road"]
    numbers = {piece: number for number, piece in enumerate(pieces)}
    return Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))


def byte_pairs() -> Tokenizer:
    pieces = ["<unk>", "▁дорог", "▁жоқ", "лар", "▁road"]
    return Tokenizer(models.BPE({piece: number for number, piece in enumerate(pieces)}, []))


def keys() -> list[tuple[str, str]]:
    lines = KEYS.read_text(encoding="utf-8").splitlines()[1:]
    return [
        (key, spelling.strip())
        for key, spellings in (line.split("\t") for line in lines)
        for spelling in spellings.split("|")
    ]


@pytest.mark.parametrize(("key", "spelling"), keys())
def test_spelling_normalizer_spelling_meets_its_key(key: str, spelling: str) -> None:
    assert spelling_normalizer().normalize_str(spelling) == key


def test_spelling_normalizer_is_that_of_the_shipped_encoder() -> None:
    made = make_tokeniser(unigram(), ["вода"]).tokenizer
    shipped = json.loads((STATIC_FOLDER / TOKENIZER).read_text(encoding="utf-8"))
    for part in ("normalizer", "pre_tokenizer"):
        assert json.loads(made.to_str())[part] == shipped[part]


def test_latin_letters_each_have_one_cyrillic_letter() -> None:
    assert len(LATIN) == len(CYRILLIC) == len(set(LATIN))


@pytest.mark.parametrize("teacher", [unigram(), word_piece(), byte_pairs()])
def test_make_tokeniser_takes_the_cyrillic_pieces_of_any_teacher(teacher: Tokenizer) -> None:
    vocabulary = make_tokeniser(teacher, ["вода"]).tokenizer.get_vocab()
    assert vocabulary.keys() >= {"▁дорог", "▁жок", "лар"}
    assert not vocabulary.keys() & {"▁жоқ", "▁road", "▁роад", "<s>", "[UNK]"}


def test_make_tokeniser_spellings_of_one_piece_add_up() -> None:
    model = json.loads(make_tokeniser(unigram(), ["вода"]).tokenizer.to_str())["model"]
    scores = dict(model["vocab"])
    assert scores["▁дорог"] == -3.0
    assert scores["▁жок"] == -3.69  # log(exp(-4) + exp(-5))


def test_make_tokeniser_frequent_long_words_become_pieces() -> None:
    texts = ["Батарея яма"] * 2 + ["батарея, батарея яма"] * 2 + ["подъезд"] * 2
    student = make_tokeniser(unigram(), texts)
    assert student.tokenizer.encode("БАТАРЕЯ").tokens == ["▁батарея"]
    assert len(student.tokenizer.encode("подъезд").tokens) > 1
    number = student.tokenizer.token_to_id("▁батарея")
    assert student.surfaces[number - 1] == "батарея"


def test_make_tokeniser_surfaces_are_those_of_the_pieces_in_order() -> None:
    texts = [row["text"] for row in corpus()[:300]]
    student = make_tokeniser(unigram(), texts)
    size = student.tokenizer.get_vocab_size()
    assert len(student.surfaces) == size - 1
    for number, surface in enumerate(student.surfaces, start=1):
        piece = student.tokenizer.id_to_token(number)
        key = student.tokenizer.normalizer.normalize_str(surface)
        assert piece in {key, "▁" + key, surface}


def test_make_tokeniser_texts_have_no_unknown_piece_but_other_alphabets() -> None:
    tokenizer = make_tokeniser(unigram(), ["вода"]).tokenizer
    for row in corpus()[:500]:
        assert 0 not in tokenizer.encode(row["text"]).ids
    assert 0 in tokenizer.encode("水").ids


def test_make_tokeniser_size_is_kept_to_and_letters_stay() -> None:
    texts = [row["text"] for row in corpus()[:500]]
    tokenizer = make_tokeniser(unigram(), texts, size=100).tokenizer
    assert tokenizer.get_vocab_size() == 100
    assert 0 not in tokenizer.encode("съешь ещё этих мягких булок").ids
