"""What events add to the figures of a channel and an hour."""

from __future__ import annotations

import pytest

from bot.core import events as e
from bot.core.activity import BOUNDS, HOUR, LONGEST, MOST, Forgotten, Measure, Tally, Waiting
from bot.core.streams import BOT_STREAM, guild_stream

AT = 490_000
"""The hour of the first event."""
SECOND = 1_000_000
ASK, ROOM = 7, "channel:5"


def told(*events: e.Event, stream: str = ROOM, apart: int = SECOND) -> Tally:
    """Return what events add that come one after the other."""
    tally = Tally({})
    tally.count(e.Recorded(at, stream, at, AT * HOUR + apart * at, event) for at, event in enumerate(events))
    return tally


def cells(tally: Tally) -> dict[tuple[Measure, str], int]:
    """Return the numbers of the first hour of the channel; there are no others."""
    assert {cell[:2] for cell in tally.cells} <= {(AT, 5)}
    return {cell[2:]: amount for cell, amount in tally.cells.items()}


def received(**more: object) -> e.MessageReceived:
    """Return a message of a person."""
    return e.MessageReceived.model_validate({"message_id": ASK, "author_id": 41, "sent_at": AT * HOUR, **more})


def requested(via: e.Via = e.Via.LIVE) -> e.ReplyRequested:
    """Return the decision to answer it."""
    return e.ReplyRequested(message_id=ASK, author_id=41, responder="r", call=e.Call.MENTION, via=via)


def composed(parts: int = 1, **more: object) -> e.ReplyComposed:
    """Return an answer."""
    return e.ReplyComposed.model_validate({"message_id": ASK, "parts": parts, "responder": "r", **more})


def sent(part: int = 0, generation: int = 1) -> e.ReplySent:
    """Return the arrival of a part."""
    return e.ReplySent(message_id=ASK, part=part, sent_id=100 + part, proof=e.Proof.RESPONSE, generation=generation)


def abandoned(reason: e.AbandonReason, **more: object) -> e.ReplyAbandoned:
    """Return the end of a reply that does not come."""
    return e.ReplyAbandoned.model_validate({"message_id": ASK, "reason": reason, **more})


BEGUN, COMPLETED = e.ReplyBegun(message_id=ASK), e.ReplyCompleted(message_id=ASK)
RETRIED = e.ReplyRetried(message_id=ASK, author_id=41, by="me", asked_at=1)
DELAYED = e.ReplyDelayed(message_id=ASK, part=0, reason="cut", attempt=1, retry_at=1, tokens_in=3, cost_micros=2)
MESSAGE, REPLY = (Measure.MESSAGES, "person"), (Measure.REPLIES, "")


def took(seconds: int) -> tuple[Measure, str]:
    """Return the key of a reply that took so long."""
    return Measure.LATENCY, str(next(bound for bound in BOUNDS if bound >= seconds * SECOND))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([received()], {MESSAGE: 1}, id="a message"),
        pytest.param([received(author="bot")], {(Measure.MESSAGES, "bot"): 1}, id="one of a bot"),
        pytest.param([received(author="self")], {}, id="one of its own that is no reply"),
        pytest.param(
            [e.MessageSkipped(message_id=ASK, reason=e.SkipReason.MUTED)], {(Measure.SKIPPED, "muted"): 1}, id="skipped"
        ),
        pytest.param([requested(), composed(), sent()], {REPLY: 1, took(2): 1}, id="a reply"),
        pytest.param(
            [requested(), composed(3), sent(0), sent(1), sent(2)], {REPLY: 1, took(4): 1}, id="one of several parts"
        ),
        pytest.param([requested(), composed(2), sent(0)], {REPLY: 1}, id="one whose rest is to come"),
        pytest.param(
            [requested(), BEGUN, sent(), composed(), COMPLETED],
            {REPLY: 1, took(4): 1},
            id="one that is shown while it is written",
        ),
        pytest.param([requested(e.Via.CATCHUP), composed(), sent()], {REPLY: 1}, id="one to what was read later"),
        pytest.param([requested(e.Via.WHISPER), composed(), sent()], {REPLY: 1, took(2): 1}, id="one to a command"),
        pytest.param([requested(), RETRIED, composed(), sent()], {REPLY: 1}, id="one that somebody asked for again"),
        pytest.param(
            [requested(), composed(), sent(), RETRIED, composed(generation=2), COMPLETED],
            {REPLY: 1, took(2): 1},
            id="one that was composed anew",
        ),
        pytest.param(
            [requested(), abandoned(e.AbandonReason.EXPIRED), composed(), sent()],
            {(Measure.GIVEN_UP, "expired"): 1, REPLY: 1},
            id="one that arrived after it was given up",
        ),
        pytest.param([requested(), abandoned(e.AbandonReason.TOGETHER)], {}, id="one together with another"),
        pytest.param(
            [composed(model="m", tokens_in=70, tokens_out=30, cost_micros=9, priced=False)],
            {
                (Measure.TOKENS_IN, ""): 70,
                (Measure.TOKENS_OUT, ""): 30,
                (Measure.COST_MICROS, ""): 9,
                (Measure.UNPRICED, ""): 1,
            },
            id="a model's answer",
        ),
        pytest.param([composed(tokens_in=5)], {}, id="tokens of no model, which usage does not count either"),
        pytest.param([DELAYED], {(Measure.TOKENS_IN, ""): 3, (Measure.COST_MICROS, ""): 2}, id="a failed attempt"),
        pytest.param(
            [composed(model="m", tokens_in=10**30)], {(Measure.TOKENS_IN, ""): MOST}, id="a nonsense number of tokens"
        ),
        pytest.param([e.RepliesPaused(by="me")], {}, id="what is not counted"),
    ],
)
def test_events_add(events: list[e.Event], expected: dict[tuple[Measure, str], int]) -> None:
    """In the channel, in the hour of the event."""
    assert cells(told(*events)) == expected


def test_a_message_counts_when_it_was_written() -> None:
    """So that what a catch-up or an import brings is no peak of the hour in which it was read."""
    tally = told(received(sent_at=3 * HOUR + 5, via=e.Via.CATCHUP))

    assert tally.cells == {(3, 5, Measure.MESSAGES, "person"): 1}
    assert tally.seen == [{(3, 5, 41)}]


def test_what_happens_outside_of_channels_is_not_counted() -> None:
    """Apart from the wish to be forgotten, whose receipt may be in any stream."""
    erased = e.WordsErased(reason=e.ErasureReason.PERSON, versions=(e.Span(1, 1),), by="41")
    by_others = erased.model_copy(update={"reason": e.ErasureReason.MODERATOR})
    by_a_program = erased.model_copy(update={"by": "cron"})

    assert told(received(), composed(model="m", tokens_in=1), stream=BOT_STREAM) == Tally({})
    assert told(by_others, by_a_program, erased, stream=guild_stream(9)).forgotten == [Forgotten(41, 2)]


def test_a_reply_after_a_day_says_nothing_of_how_fast_replies_are() -> None:
    """And one before its question, after a clock was set back, neither."""
    late = told(requested(), composed(), sent(), apart=LONGEST)
    early = Tally({ASK: Waiting(received_at=(AT + 1) * HOUR, parts=1)})
    early.count([e.Recorded(9, ROOM, 9, AT * HOUR, sent())])

    assert not [cell for cell in (*late.cells, *early.cells) if cell[2] is Measure.LATENCY]
    assert early.waiting == {}
