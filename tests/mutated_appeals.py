"""Real appeals made hostile, for tests of what `decide` does with them."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from triage.appeal import MAX_TEXT_CHARS, Channel
from triage.config import STARTER_DATA

Mutation = Callable[[str, random.Random], str]

HOSTILE = (
    "\u202e",  # right-to-left override
    "\u2066\u2069",  # isolates
    "\u200b\u200d\u200c\u2060\ufeff",  # zero width
    "\u00ad",  # soft hyphen
    "е\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u030a" * 5,  # combining characters
    "👩‍👩‍👧‍👦🏳️‍🌈🇰🇿🧑🏽‍🚒",
    "ﷺ𝕬𝖘𝖙𝖆𝖓𝖆ﬀﬁ①⑫㎡",
    "\x00",
    "\x1b[31m\x07\x08",
    "\x85\u2028\u2029\x0b\x0c",
    "\ud83d",  # half of a character, as JSON can escape it
    "\U0010ffff\ue000\ufffe",
    "<script>alert(1)</script><b",
    "&#1234;&amp;&lt;&#x110000;&#0;&nosuch;",
    "дом 99999999999999999999 кв 0",
    "№ 1/2/3-4-5-6-7-8-9 корпус ",
    "'; DROP TABLE appeals; --",
    "{{7*7}} ${jndi:ldap://x} %s %n {0} \\",
    "a" * 300,
    "-" * 300 + ".",
    "١٢٣ ½ ²³ Ⅷ 1e999 -0 NaN",
    "مرحبا שלום 你好 ສະບາຍດີ",
    "http://" + "a." * 100 + "kz",
    "+7 (701) 234-56-78 900101300123 4400430000000000",
    " \t\n" * 100,
)

LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяәғқңөұүһіabcdefghijklmnopqrstuvwxyz0123456789 .,!?№-"
LATIN = str.maketrans("асеорхукмтнвіқғңүұһө", "aceopxykmthbiqgnuuho")
LOST = str.maketrans("әғқңөұүһі", "агкноуухи")
STYLES: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.title,
    str.swapcase,
    lambda text: text.translate(LATIN),
    lambda text: text.translate(LOST),
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: unicodedata.normalize("NFKD", text),
    lambda text: text.replace(" ", ""),
    lambda text: " ".join(text),
    lambda text: text[::-1],
    lambda text: text.encode("utf-8", "replace").decode("cp1251", "replace"),
    lambda text: text.encode("utf-16-le", "replace").decode("utf-8", "replace"),
)

LENGTHS = (2_000, 2_000, 2_000, 2_000, 6_000, MAX_TEXT_CHARS, MAX_TEXT_CHARS + 1)
"""How far repeats may go; the last is one too long."""


def flip_characters(text: str, rng: random.Random) -> str:
    letters = list(text)
    for _ in range(rng.randint(1, 8) if letters else 0):
        letters[rng.randrange(len(letters))] = rng.choice(LETTERS)
    return "".join(letters)


def flip_bytes(text: str, rng: random.Random) -> str:
    body = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(rng.randint(1, 4) if body else 0):
        body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    return body.decode("utf-8", rng.choice(("replace", "ignore", "surrogateescape")))


def cut(text: str, rng: random.Random) -> str:
    start, end = sorted(rng.randint(0, len(text)) for _ in range(2))
    return rng.choice((text[start:end], text[:start] + text[end:]))


def repeat(text: str, rng: random.Random) -> str:
    start, end = sorted(rng.randint(0, len(text)) for _ in range(2))
    part = text[start:end] or "а"
    wanted = rng.choice(LENGTHS) if rng.random() < 0.01 else rng.randint(1, 600)
    return (text[:start] + part * (wanted // len(part) + 1))[: max(wanted, 1)]


def shuffle_words(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    rng.shuffle(words)
    return " ".join(words)


def restyle(text: str, rng: random.Random) -> str:
    style = rng.choice(STYLES)
    if rng.random() < 0.5:
        return style(text)
    return " ".join(style(word) if rng.random() < 0.5 else word for word in text.split(" "))


def plant(text: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(text))
        text = text[:at] + rng.choice(HOSTILE) + text[at:]
    return text


MUTATIONS: tuple[Mutation, ...] = (
    flip_characters,
    flip_bytes,
    cut,
    repeat,
    shuffle_words,
    restyle,
    plant,
)


class Mutator:
    """Makes requests of real appeals; the same seed and number always give the same one."""

    def __init__(self, seed: int) -> None:
        lines = (STARTER_DATA / "appeals.jsonl").read_text("utf-8").splitlines()
        self._texts = [json.loads(line)["text"] for line in lines]
        self._seed = seed

    def request(self, number: int) -> dict[str, Any]:
        """Return the fields of one request."""
        rng = random.Random(f"{self._seed}:{number}")
        fields = {"text": self.text(rng)}
        for name, draw in FIELDS.items():
            if rng.random() < 0.05:
                fields[name] = draw(rng, fields["text"])
        return fields

    def requests(self) -> Iterator[dict[str, Any]]:
        return map(self.request, count())

    def text(self, rng: random.Random) -> str:
        """Return one or two appeals, spliced and mutated."""
        text: str = rng.choice(self._texts)
        if rng.random() < 0.2:
            other: str = rng.choice(self._texts)
            text = text[: rng.randint(0, len(text))] + other[rng.randint(0, len(other)) :]
        for _ in range(rng.randint(1, 4)):
            text = rng.choice(MUTATIONS)(text, rng)
        return text


FIELDS: dict[str, Callable[[random.Random, str], Any]] = {
    "address": lambda rng, text: rng.choice((text[:200], "Абая 5", "пр. Мангилик Ел, 55/1", "")),
    "district": lambda rng, text: rng.choice(("esil", "Алматы", "SARYARQA", text[:20], "x")),
    "language": lambda rng, text: rng.choice(("ru", "kk", "mixed", "other", "en")),
    "channel": lambda rng, text: rng.choice([*Channel, "fax"]),
    "coordinates": lambda rng, text: {
        "lat": rng.choice((51.13, rng.uniform(-90, 90), 90, -0.0, 91)),
        "lon": rng.choice((71.43, rng.uniform(-180, 180), 180, 1e-320)),
    },
    "sender": lambda rng, text: rng.choice(("+77012345678", text[:50])),
    "received_at": lambda rng, text: rng.choice(
        ("2026-01-19T08:15:00+05:00", "1970-01-01T00:00:00Z", "2024-02-29T23:59:59.999999Z", "now")
    ),
}
