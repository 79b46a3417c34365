"""As many appeals as are asked for, resampled from the starter corpus and perturbed.

New texts are made of clauses of texts with the same labels, with words lost, exchanged, mistyped or
spelt without Kazakh letters, so that the vocabulary goes on growing and some texts are alike.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from models.text import fold
from training.starter import APPEALS, MORE_APPEALS

SEED = 11
DAYS = 730
LAST = datetime(2026, 3, 1, tzinfo=UTC)
REPEATED = 0.05
"""Share of texts that come again as they are: many report the same thing, or report it twice."""

MISLABELLED = 0.1
"""Share of labels taken from another appeal; without, resampled texts are too easy to learn."""

JOINED, UNKAZAKH = 0.7, 0.15
DROPPED, EXCHANGED, MISTYPED = 0.08, 0.12, 0.03
LETTERS = "абвгдежзиклмнопрстуфхцчшыьэюя"
_CLAUSE = re.compile(r"(?<=[.!?;])\s+")


def write_appeals(path: Path, count: int) -> None:
    """Write appeals as lines of JSON, the earliest first."""
    with path.open("w", encoding="utf-8") as file:
        for record in appeals(count):
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def appeals(count: int) -> Iterator[dict[str, Any]]:
    """Yield appeals with labels and dates."""
    rng = random.Random(SEED)
    lines = [
        line for path in (APPEALS, MORE_APPEALS) for line in path.read_text("utf-8").split("\n")
    ]
    corpus = [json.loads(line) for line in lines if line]
    alike, words = defaultdict(list), defaultdict(list)
    for one in corpus:
        alike[one["topic"], one["enterprise_id"], one["lang"]] += _CLAUSE.split(one["text"])
        words[one["topic"], one["lang"]] += one["text"].split()
    for number in range(count):
        base, labelled = rng.choice(corpus), rng.choice(corpus)
        labels = labelled if rng.random() < MISLABELLED else base
        text = base["text"]
        if rng.random() >= REPEATED:
            clauses = alike[base["topic"], base["enterprise_id"], base["lang"]]
            text = _perturbed(rng, text, clauses, words[base["topic"], base["lang"]])
        yield {
            "id": f"R{number:06}",
            "text": text,
            "topic": labels["topic"],
            "enterprise_id": labels["enterprise_id"],
            "urgent": base["urgent"],
            "received_at": (LAST - timedelta(days=DAYS * (1 - number / count))).isoformat(),
        }


def _perturbed(rng: random.Random, text: str, clauses: list[str], words: list[str]) -> str:
    parts = _CLAUSE.split(text)
    if rng.random() < JOINED:
        kept = rng.sample(parts, max(1, len(parts) // 2 + 1))
        parts = [*kept, *rng.sample(clauses, min(len(clauses), rng.randint(1, 2)))]
        rng.shuffle(parts)
    changed = []
    for word in " ".join(parts).split():
        draw = rng.random()
        if draw < DROPPED:
            continue
        draw -= DROPPED
        if draw < EXCHANGED:
            changed.append(rng.choice(words))
        else:
            changed.append(_mistyped(rng, word) if draw < EXCHANGED + MISTYPED else word)
    joined = " ".join(changed) or text
    return fold(joined) if rng.random() < UNKAZAKH else joined


def _mistyped(rng: random.Random, word: str) -> str:
    """Return a word with a letter lost, doubled or struck beside."""
    at = rng.randrange(len(word))
    return word[:at] + rng.choice(("", 2 * word[at], rng.choice(LETTERS))) + word[at + 1 :]
