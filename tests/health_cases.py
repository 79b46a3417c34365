"""A store with two periods of decisions, for tests of what tells the second from the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import cycle, islice

from appeal_files import corpus
from stored import add_decision, append_decision

from models.prediction import Candidate
from triage import checking
from triage.appeal import Decision
from triage.store import draws
from triage.store.draws import Finding
from triage.store.sessions import Sessions

CITY, ENTERPRISE = "astana", "astana-teplotranzit"
FOREIGN = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit number {}",
    "Zufällige Wörter aus einer anderen Welt, ohne jeden Sinn, zum {}. Mal",
)
"""Texts of which a model knows next to nothing."""

MakeDecision = Callable[..., Decision]


def fill(
    sessions: Sessions,
    make_decision: MakeDecision,
    *,
    since: datetime,
    n: int,
    changed: bool = False,
    city: str = CITY,
    n_wrong: int = 0,
) -> list[Decision]:
    """Store decisions, one an hour, all of them routed, drawn and checked; return them.

    Parameters
    ----------
    changed
        Whether languages, topics, probabilities and texts are others.
    n_wrong
        How many of the checks find the routing wrong.
    """
    made = list(islice(_decisions(make_decision, since, changed=changed), n))
    with sessions.write.begin() as session:
        for number, decision in enumerate(made):
            add_decision(session, city=city, decision=decision)
            [draw] = checking.Drawer(city, 1.0).draw_all(session, [decision])
            append_decision(session, city=city, decision=decision, actor="x", draw=draw)
            finding = Finding(
                checker="aigerim",
                checked_at=decision.decided_at,
                category="housing",
                topic="heating",
                enterprise=ENTERPRISE,
                right=number >= n_wrong,
            )
            draws.record(session, city=city, decision_id=decision.id, finding=finding)
    return made


def _decisions(
    make_decision: MakeDecision, since: datetime, *, changed: bool
) -> Iterator[Decision]:
    languages = cycle(("kk", "kk", "kk", "ru") if changed else ("ru", "ru", "kk", "ru"))
    topics = cycle(("leak", "noise") if changed else ("heating", "leak", "lift"))
    probabilities = cycle((0.61, 0.55, 0.68) if changed else (0.93, 0.97, 0.61, 0.99))
    # Every seventh, so that both periods have texts on the same topics.
    texts = (row["text"] for row in corpus()[::7])
    for number, text in enumerate(texts):
        made = make_decision()
        topic = next(topics)
        yield replace(
            made,
            appeal=replace(
                made.appeal,
                text=FOREIGN[number % 2].format(number) if changed else f"{text} {number}",
            ),
            language=next(languages),
            levels={**made.levels, "topic": (Candidate(topic, 0.9),)},
            route=replace(made.route, enterprise=ENTERPRISE, probability=next(probabilities)),
            decided_at=since + timedelta(hours=number),
        )
