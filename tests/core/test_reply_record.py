"""What events say of one reply: how it stands, what asks for it again, what a message of the bot is of it."""

from __future__ import annotations

import pytest

from bot.core import events as e
from bot.core.addressing import Nonce
from bot.core.commands import Confirm, NoteForeign
from bot.core.reply_record import ReplyRecord

QUESTION, PERSON = 100, 7

REQUESTED = e.ReplyRequested(message_id=QUESTION, author_id=PERSON, responder="llm", call=e.Call.MENTION)
EDITED = e.MessageEdited(message_id=QUESTION, author_id=PERSON, edited_at=5)
BEGUN, WHOLE = e.ReplyBegun(message_id=QUESTION), e.ReplyCompleted(message_id=QUESTION)
BEGUN_ANEW = e.ReplyBegun(message_id=QUESTION, generation=2)
GIVEN_UP = e.ReplyAbandoned(message_id=QUESTION, reason=e.AbandonReason.GAVE_UP)
JOINED = e.ReplyAbandoned(message_id=QUESTION, reason=e.AbandonReason.TOGETHER, together_with=99)


def composed(parts: int, generation: int = 1) -> e.ReplyComposed:
    """Return that a text is there."""
    return e.ReplyComposed(message_id=QUESTION, parts=parts, responder="llm", generation=generation)


def sent(part: int, sent_id: int, generation: int = 1) -> e.ReplySent:
    """Return that a part is in Discord."""
    return e.ReplySent(message_id=QUESTION, part=part, sent_id=sent_id, proof=e.Proof.ECHO, generation=generation)


def asked(generation: int = 1) -> e.ReplyRetried:
    """Return that somebody asked again."""
    return e.ReplyRetried(message_id=QUESTION, author_id=PERSON, by="1", asked_at=1, generation=generation)


def record(*events: e.Event) -> ReplyRecord:
    """Return what events at positions 11, 12, 13... say, each caused by the one before it."""
    return ReplyRecord.of(
        e.Recorded(at, "channel:1", at, 1000 + at, event, causation=at - 1) for at, event in enumerate(events, 11)
    )


@pytest.mark.parametrize(
    ("events", "written", "complete"),
    [
        pytest.param([REQUESTED], False, False, id="requested"),
        pytest.param([REQUESTED, composed(2), sent(0, 201)], True, False, id="a part is missing"),
        pytest.param([REQUESTED, composed(2), sent(0, 201), sent(1, 202)], True, True, id="all parts are there"),
        pytest.param([REQUESTED, BEGUN, sent(0, 201), composed(1)], True, False, id="it may show an earlier text"),
        pytest.param([REQUESTED, BEGUN, sent(0, 201), composed(1), WHOLE], True, True, id="it shows the text"),
        pytest.param(
            [REQUESTED, BEGUN, sent(0, 201), composed(1), WHOLE, sent(1, 202)], True, True, id="one too many came late"
        ),
        pytest.param([REQUESTED, BEGUN, sent(0, 201), composed(1), WHOLE, asked()], True, False, id="asked for again"),
        pytest.param([REQUESTED, composed(1), sent(0, 201), asked(2)], False, False, id="the next answer is to come"),
        pytest.param(
            [REQUESTED, composed(1), sent(0, 201), asked(2), composed(1, 2)], True, False, id="to be written into it"
        ),
        pytest.param(
            [REQUESTED, composed(1), sent(0, 201), asked(2), composed(1, 2), WHOLE], True, True, id="and it is"
        ),
    ],
)
def test_how_far_it_is(events: list[e.Event], *, written: bool, complete: bool) -> None:
    """An answer that was shown while it was written is complete once that is recorded."""
    found = record(*events)

    assert (found.written, found.complete) == (written, complete)


@pytest.mark.parametrize(
    ("events", "anew", "expected"),
    [
        pytest.param([REQUESTED, GIVEN_UP], False, {"asked_at": 10}, id="never written"),
        pytest.param([REQUESTED, EDITED, GIVEN_UP], False, {"asked_at": 12}, id="its question was edited"),
        pytest.param(
            [REQUESTED, composed(2), sent(1, 202), GIVEN_UP],
            False,
            {"asked_at": 10, "composed_at": 12, "sent_ids": (0, 202)},
            id="what is there is not sent again",
        ),
        pytest.param(
            [REQUESTED, BEGUN, sent(0, 201), sent(1, 202), GIVEN_UP],
            False,
            {"asked_at": 10, "sent_ids": (201, 202), "begun": True},
            id="given up while it was shown",
        ),
        pytest.param(
            [REQUESTED, BEGUN, sent(0, 201), sent(1, 202), composed(1), WHOLE],
            False,
            {"asked_at": 10, "composed_at": 15, "sent_ids": (201,), "begun": True, "surplus": (202,)},
            id="it had a part too many",
        ),
        pytest.param(
            [REQUESTED, composed(1), sent(0, 201)],
            True,
            {"asked_at": 10, "sent_ids": (201,), "begun": True, "generation": 2},
            id="composed anew",
        ),
        pytest.param(
            [REQUESTED, composed(1), sent(0, 201), asked(2), sent(1, 202, 2), GIVEN_UP],
            False,
            {"asked_at": 10, "sent_ids": (201, 202), "begun": True, "generation": 2},
            id="the next one was given up while it was shown",
        ),
        pytest.param(
            [REQUESTED, composed(1), sent(0, 201), asked(2), BEGUN_ANEW, sent(1, 202, 2), GIVEN_UP],
            False,
            {"asked_at": 10, "sent_ids": (201, 202, 0), "begun": True, "generation": 2},
            id="a further part may be there",
        ),
        pytest.param(
            [REQUESTED, composed(1), sent(0, 201), asked(2), composed(1, 2), WHOLE],
            True,
            {"asked_at": 10, "sent_ids": (201,), "begun": True, "generation": 3},
            id="composed anew once more",
        ),
    ],
)
def test_it_is_asked_for_again(events: list[e.Event], expected: dict[str, object], *, anew: bool) -> None:
    """What was composed stays, and what is in Discord; the next answer goes into the same messages."""
    again = record(*events).asked_again(REQUESTED, "1", anew=anew)

    base = e.ReplyRetried(message_id=QUESTION, author_id=PERSON, by="1", responder="llm", asked_at=0)
    assert again == base.model_copy(update=expected)


FOREIGN = NoteForeign(QUESTION, 300)


@pytest.mark.parametrize(
    ("events", "about", "command"),
    [
        pytest.param([composed(1), sent(0, 300)], Nonce(QUESTION, 0), None, id="it is known"),
        pytest.param([], None, FOREIGN, id="nothing was composed"),
        pytest.param([composed(1), sent(0, 201)], None, FOREIGN, id="all parts are known"),
        pytest.param([composed(1), sent(0, 201)], Nonce(QUESTION, 0), FOREIGN, id="another one is that part"),
        pytest.param(
            [composed(2), sent(0, 201)], None, Confirm(QUESTION, 1, 300, e.Proof.HISTORY), id="the first one missing"
        ),
        pytest.param(
            [composed(2)], Nonce(QUESTION, 1), Confirm(QUESTION, 1, 300, e.Proof.ECHO), id="its nonce says which"
        ),
        pytest.param(
            [BEGUN, composed(1), sent(0, 201)],
            None,
            Confirm(QUESTION, 1, 300, e.Proof.HISTORY),
            id="it may have been shown with more",
        ),
        pytest.param(
            [composed(1), sent(0, 201)],
            Nonce(QUESTION, 1, 2),
            Confirm(QUESTION, 1, 300, e.Proof.ECHO, 2),
            id="of an answer composed anew",
        ),
    ],
)
def test_a_message_of_the_bot_about_a_reply_that_nobody_works_on(
    events: list[e.Event], about: Nonce | None, command: Confirm | NoteForeign | None
) -> None:
    """Given up here and in Discord after all, or another process's."""
    assert record(*events).take(QUESTION, 300, about) == command


@pytest.mark.parametrize(
    ("events", "other"),
    [([REQUESTED, JOINED], 99), ([REQUESTED, GIVEN_UP], 0), ([REQUESTED, JOINED, asked()], 0), ([REQUESTED], 0)],
)
def test_it_may_be_answered_together_with_another(events: list[e.Event], other: int) -> None:
    """Until somebody asks for it again."""
    assert record(*events).together_with == other


def test_the_newest_event_says_how_it_stands() -> None:
    """Others add to it: an edit, a delay, a text."""
    stands = [record(REQUESTED, EDITED), record(REQUESTED, composed(1)), record(REQUESTED, GIVEN_UP, asked())]

    assert [each.newest for each in stands] == [REQUESTED, REQUESTED, asked()]
    assert record().newest is None
