"""The judge's order: which answers went before others that they had to wait for, and which had not to wait."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.core import commands as c
from bot.core import events as e
from bot.demo.judge import Fault
from tests.demo.test_judge import FIRST, PERSON, SECOND, composed, judged, posted, received, reply

THIRD = 30


def asked(message_id: int, via: e.Via = e.Via.LIVE) -> c.Receive:
    """Record a question."""
    return received(message_id, via, call=e.Call.DM)


def sent(message_id: int, sent_id: int, part: int = 0, proof: e.Proof = e.Proof.RESPONSE) -> c.Confirm:
    """Record a part of an answer."""
    return c.Confirm(message_id, part, sent_id, proof)


def again(message_id: int, *sent_ids: int, composed_at: int = 0) -> c.Retry:
    """Have an answer tried again."""
    event = e.ReplyRetried(
        message_id=message_id, author_id=PERSON, by="1", asked_at=1, sent_ids=sent_ids, composed_at=composed_at
    )
    return c.Retry(event)


DELAYED = c.Delay(SECOND, 0, "rate limit", 1, 9)
GIVEN_UP = c.Abandon(FIRST, e.AbandonReason.GAVE_UP)
OVERTAKEN = [(Fault.OUT_OF_ORDER, FIRST)]


@pytest.mark.parametrize(
    ("commands", "faults"),
    [
        pytest.param(
            [asked(SECOND), asked(FIRST), composed(SECOND, 1), sent(SECOND, 50), composed(FIRST, 1), sent(FIRST, 51)],
            OVERTAKEN,
            id="the older one waited when the newer one was composed",
        ),
        pytest.param(
            [asked(SECOND), composed(SECOND, 1), asked(FIRST), sent(SECOND, 50), composed(FIRST, 1), sent(FIRST, 51)],
            [],
            id="the newer one may have been on its way",
        ),
        pytest.param(
            [
                *(asked(SECOND), composed(SECOND, 1), asked(FIRST), DELAYED),
                *(sent(SECOND, 50), composed(FIRST, 1), sent(FIRST, 51)),
            ],
            OVERTAKEN,
            id="the newer one was tried again while the older one waited",
        ),
        pytest.param(
            [
                *(asked(SECOND), composed(SECOND, 1), asked(FIRST), DELAYED),
                *(sent(SECOND, 50, proof=e.Proof.HISTORY), composed(FIRST, 1), sent(FIRST, 51)),
            ],
            [],
            id="a look found the newer one, which may have been sent the first time",
        ),
        pytest.param(
            [
                *(asked(SECOND), c.Begin(SECOND), asked(FIRST), composed(SECOND, 1), sent(SECOND, 50)),
                *(c.Complete(SECOND), composed(FIRST, 1), sent(FIRST, 51)),
            ],
            [],
            id="the newer one had begun to be shown",
        ),
        pytest.param(
            [
                *(asked(FIRST), GIVEN_UP, asked(SECOND), composed(SECOND, 1), sent(SECOND, 50)),
                *(again(FIRST), composed(FIRST, 1), sent(FIRST, 51)),
            ],
            [],
            id="the older one was given up meanwhile",
        ),
        pytest.param(
            [
                *(asked(FIRST), asked(SECOND), composed(SECOND, 1), sent(SECOND, 50), GIVEN_UP),
                *(again(FIRST), composed(FIRST, 1), sent(FIRST, 51)),
            ],
            OVERTAKEN,
            id="the older one was given up afterwards",
        ),
        pytest.param(
            [
                *(asked(FIRST, e.Via.ASK), asked(SECOND), composed(SECOND, 1), sent(SECOND, 50)),
                *(composed(FIRST, 1), sent(FIRST, 51)),
            ],
            [],
            id="the older one answers a command",
        ),
    ],
)
async def test_a_newer_answer_goes_before_an_older_one(
    tmp_path: Path, commands: Sequence[c.Command], faults: Sequence[tuple[Fault, int]]
) -> None:
    """Only where the older one did not wait, or the newer one could not be called back."""
    messages = [posted(FIRST), posted(SECOND), reply(50, SECOND), reply(51, FIRST)]

    verdict = await judged(tmp_path, messages, commands)

    assert [(problem.fault, problem.message_id) for problem in verdict.problems] == faults
    assert verdict.out_of_order == len(faults)


async def test_pairs_of_answers_are_counted(tmp_path: Path) -> None:
    """Two that went before a third are two."""
    commands = [asked(THIRD), asked(SECOND), asked(FIRST)]
    for sent_id, question in enumerate((SECOND, THIRD, FIRST), 50):
        commands += [composed(question, 1), sent(question, sent_id)]  # type: ignore[list-item]  # commands of all kinds
    messages = [posted(FIRST), posted(SECOND), posted(THIRD), reply(50, SECOND), reply(51, THIRD), reply(52, FIRST)]

    verdict = await judged(tmp_path, messages, commands)

    assert (verdict.out_of_order, verdict.lost, verdict.doubled) == (2, 0, 0)
    assert {problem.what for problem in verdict.problems} == {
        f"the answer to message {SECOND} went before",
        f"the answer to message {THIRD} went before",
    }


HALF: Sequence[c.Command] = (asked(SECOND), composed(SECOND, 2), sent(SECOND, 50), asked(FIRST), composed(FIRST, 1))


@pytest.mark.parametrize(
    ("commands", "faults"),
    [
        pytest.param([*HALF, sent(FIRST, 51), sent(SECOND, 52, 1)], [(Fault.OUT_OF_ORDER, SECOND)], id="torn"),
        pytest.param(
            [
                *HALF[:-1],
                c.Abandon(SECOND, e.AbandonReason.GAVE_UP),
                *(HALF[-1], sent(FIRST, 51), again(SECOND, 50, 0, composed_at=3), sent(SECOND, 52, 1)),
            ],
            [],
            id="given up in between",
        ),
    ],
)
async def test_an_answer_goes_on_to_its_end(
    tmp_path: Path, commands: Sequence[c.Command], faults: Sequence[tuple[Fault, int]]
) -> None:
    """Nobody's answer begins between two parts of another."""
    messages = [posted(FIRST), posted(SECOND), reply(50, SECOND), reply(51, FIRST), reply(52, SECOND, 1)]

    verdict = await judged(tmp_path, messages, commands)

    assert [(problem.fault, problem.message_id) for problem in verdict.problems] == faults
