import asyncio
from threading import Event

import pytest

from triage.appeal import Appeal
from triage.errors import AppealConflictError, IntakeClosedError, ModelNotReadyError
from triage.intake import MAX_BATCH, GroupCommit
from triage.submission import Submission


def submission(number):
    return Submission(Appeal(text=f"нет воды {number}"), "ikomek")


class Rounds:
    """Answers with the appeal's text, and remembers the size of each round."""

    def __init__(self):
        self.sizes = []
        self.may_go_on = Event()
        self.began = Event()

    def decide(self, submissions):
        self.sizes.append(len(submissions))
        self.began.set()
        assert self.may_go_on.wait(10)
        return [one.appeal.text for one in submissions]


async def started(intake, rounds, n):
    """Have a first submission being decided, and so many wait behind it."""
    first = asyncio.create_task(intake.submit(submission(0)))
    await asyncio.to_thread(rounds.began.wait, 10)
    others = [asyncio.create_task(intake.submit(submission(at))) for at in range(1, n + 1)]
    while intake.depth < n:
        await asyncio.sleep(0)
    return [first, *others]


def test_submit_alone_waits_for_nobody():
    rounds = Rounds()
    rounds.may_go_on.set()
    intake = GroupCommit(rounds.decide)
    assert asyncio.run(intake.submit(submission(7))) == "нет воды 7"
    assert rounds.sizes == [1]
    intake.close()


def test_submit_what_comes_during_a_round_is_the_next_one():
    rounds, seen = Rounds(), []
    intake = GroupCommit(rounds.decide)
    intake.observed_by(lambda size, seconds: seen.append((size, seconds >= 0)))

    async def play():
        tasks = await started(intake, rounds, 5)
        rounds.may_go_on.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(play()) == [f"нет воды {number}" for number in range(6)]
    assert rounds.sizes == [1, 5]
    assert seen == [(1, True), (5, True)]
    assert intake.depth == 0
    intake.close()


def test_submit_more_than_a_round_takes_goes_into_several():
    rounds = Rounds()
    intake = GroupCommit(rounds.decide)

    async def play():
        tasks = await started(intake, rounds, 2 * MAX_BATCH + 1)
        rounds.may_go_on.set()
        await asyncio.gather(*tasks)

    asyncio.run(play())
    assert rounds.sizes == [1, MAX_BATCH, MAX_BATCH, 1]
    intake.close()


def test_submit_each_gets_its_own_outcome():
    refusal = AppealConflictError("другое")
    intake = GroupCommit(lambda some: [refusal if "2" in one.appeal.text else one for one in some])

    async def play():
        asked = [intake.submit(submission(number)) for number in (1, 2, 3)]
        return await asyncio.gather(*asked, return_exceptions=True)

    first, second, third = asyncio.run(play())
    assert (first, third) == (submission(1), submission(3))
    assert second is refusal
    intake.close()


def test_submit_round_that_fails_as_a_whole_answers_all_and_the_next_one_goes_on():
    failing = True

    def decide(submissions):
        if failing:
            raise ModelNotReadyError("no model is loaded")
        return submissions

    intake = GroupCommit(decide)
    with pytest.raises(ModelNotReadyError):
        asyncio.run(intake.submit(submission(1)))
    failing = False
    assert asyncio.run(intake.submit(submission(2))) == submission(2)
    intake.close()


def test_submit_client_that_left_costs_the_others_nothing():
    rounds = Rounds()
    intake = GroupCommit(rounds.decide)

    async def play():
        first, gone, last = await started(intake, rounds, 2)
        gone.cancel()
        rounds.may_go_on.set()
        return await asyncio.gather(first, last)

    assert asyncio.run(play()) == ["нет воды 0", "нет воды 2"]
    intake.close()


def test_close_answers_what_waits_and_takes_no_more():
    rounds = Rounds()
    intake = GroupCommit(rounds.decide)

    async def play():
        tasks = await started(intake, rounds, 3)
        rounds.may_go_on.set()
        await asyncio.to_thread(intake.close)
        with pytest.raises(IntakeClosedError):
            await intake.submit(submission(9))
        return await asyncio.gather(*tasks)

    assert len(asyncio.run(play())) == 4


def test_close_before_anything_came_returns():
    intake = GroupCommit(list)
    intake.close()
    with pytest.raises(IntakeClosedError):
        asyncio.run(intake.submit(submission(1)))
