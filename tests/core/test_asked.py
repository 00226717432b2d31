"""Questions by a command: what comes next for their answers, and what of them is remembered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.delivery import (
    CUT,
    TOKEN_MICROSECONDS,
    GiveUp,
    LookFirst,
    Patience,
    SendPart,
    Step,
    WriteText,
    in_a_row,
    in_one_part,
    next_step,
)
from bot.core.fold import fold
from bot.core.outbox import Pending

PATIENT = Patience(max_age_us=2 * TOKEN_MICROSECONDS, max_attempts=5)
ASKED = Pending(100, 7, requested_at=0, cause_position=2, responder="rules", asked_position=1, via=e.Via.ASK)
WRITTEN = replace(ASKED, composed_position=3, sent_ids=(0,))
POSTED = replace(ASKED, via=e.Via.LIVE)
WHISPERED = replace(ASKED, via=e.Via.WHISPER)
LATE = TOKEN_MICROSECONDS + 1


@pytest.mark.parametrize(
    ("entry", "certain", "now", "patience", "step"),
    [
        pytest.param(ASKED, True, 1, PATIENT, WriteText(), id="asked just now"),
        pytest.param(WRITTEN, True, 1, PATIENT, SendPart(0), id="written"),
        pytest.param(ASKED, True, LATE, PATIENT, GiveUp(e.AbandonReason.EXPIRED), id="after the token's time"),
        pytest.param(WRITTEN, True, LATE, PATIENT, GiveUp(e.AbandonReason.EXPIRED), id="written too late"),
        pytest.param(POSTED, True, LATE, PATIENT, WriteText(), id="a message may wait longer"),
        pytest.param(ASKED, True, 3, Patience(2, 5), GiveUp(e.AbandonReason.EXPIRED), id="after the settings' time"),
        pytest.param(ASKED, False, 1, PATIENT, GiveUp(e.AbandonReason.EXPIRED), id="by another process"),
        pytest.param(WRITTEN, False, 1, PATIENT, GiveUp(e.AbandonReason.UNKNOWN_FATE), id="maybe shown by another"),
        pytest.param(WHISPERED, False, 1, PATIENT, GiveUp(e.AbandonReason.EXPIRED), id="whispered"),
        pytest.param(POSTED, False, 1, PATIENT, LookFirst(), id="a message is looked for"),
    ],
)
def test_what_comes_next(entry: Pending, certain: bool, now: int, patience: Patience, step: Step) -> None:  # noqa: FBT001
    """Nothing is looked for, and nothing is sent by a process that does not hold the response."""
    assert next_step(entry, certain=certain, now=now, patience=patience) == step


def test_a_question_is_answered_alone() -> None:
    """Its response would be left without an answer."""
    posted, later = replace(POSTED, message_id=99), replace(POSTED, message_id=101)
    state = Conversation(outbox=(posted, ASKED, later))

    assert in_a_row(state, posted) == (posted,)
    assert in_a_row(state, ASKED) == (ASKED,)


def remembered(via: e.Via, *ends: e.Event) -> Conversation:
    """Return what is left of a question, its empty response and how it ended."""
    events: list[e.Event] = [
        e.MessageReceived(message_id=100, author_id=7, sent_at=1, via=via),
        *ends,
        e.MessageReceived(message_id=201, author_id=99, author=e.Author.SELF, kind=20, sent_at=1),
    ]
    recorded = (e.Recorded(number, "channel:1", number, 0, event, 1, 1) for number, event in enumerate(events, 1))
    return fold(recorded)


def requested(via: e.Via) -> e.ReplyRequested:
    """Return the decision to answer it."""
    return e.ReplyRequested(message_id=100, author_id=7, responder="rules", call=e.Call.ASK, via=via)


COMPOSED = e.ReplyComposed(message_id=100, parts=1, responder="rules")


@pytest.mark.parametrize(("via", "turns"), [(e.Via.ASK, [(100, 1), (201, 3)]), (e.Via.WHISPER, [])])
def test_what_is_remembered(via: e.Via, turns: list[tuple[int, int]]) -> None:
    """A whisper is recorded and no turn; the watermark is a matter of messages."""
    sent = e.ReplySent(message_id=100, part=0, sent_id=201, proof=e.Proof.RESPONSE)

    state = remembered(via, requested(via), COMPOSED, sent)

    assert [(turn.message_id, turn.position) for turn in state.window] == turns
    assert (state.outbox, state.watermark_id, state.received, state.sent) == ((), 201, 2, 1)


@pytest.mark.parametrize("via", [e.Via.ASK, e.Via.WHISPER])
@pytest.mark.parametrize(
    "ends",
    [
        pytest.param((e.MessageSkipped(message_id=100, reason=e.SkipReason.NO_ANSWER),), id="skipped"),
        pytest.param((e.ReplyAbandoned(message_id=100, reason=e.AbandonReason.POISON),), id="not written"),
        pytest.param((COMPOSED, e.ReplyAbandoned(message_id=100, reason=e.AbandonReason.UNKNOWN_FATE)), id="not shown"),
    ],
)
def test_what_was_not_answered_was_never_said(via: e.Via, ends: tuple[e.Event, ...]) -> None:
    """Nobody reads the question in the channel, and what the response says in place of an answer is none."""
    decided = () if isinstance(ends[0], e.MessageSkipped) else (requested(via),)

    assert not remembered(via, *decided, *ends).window


def test_a_message_that_is_given_up_stays_said() -> None:
    """Everybody reads it in the channel."""
    given_up = e.ReplyAbandoned(message_id=100, reason=e.AbandonReason.POISON)

    state = remembered(e.Via.LIVE, requested(e.Via.LIVE), given_up)

    assert [turn.message_id for turn in state.window] == [100]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("yes", ("yes",)),
        ("a" * 2000, ("a" * 2000,)),
        ("word " * 401, (("word " * ((2000 - len(CUT)) // 5)).rstrip() + CUT,)),
    ],
)
def test_one_part(text: str, parts: tuple[str, ...]) -> None:
    """A longer text is cut where a word ends, with a note."""
    assert in_one_part(text) == parts
    assert all(len(part) <= 2000 for part in parts)
