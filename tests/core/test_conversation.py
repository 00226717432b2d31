"""What each event does to a conversation, as one table: given these events, then this is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest

from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.events import Role
from bot.core.fold import fold
from bot.core.outbox import Pending
from bot.core.window import WINDOW, Turn

ABANDONED = e.ReplyAbandoned(message_id=100, reason=e.AbandonReason.GAVE_UP)
EDITED = e.MessageEdited(message_id=100, author_id=7, edited_at=5)
DELETED = e.MessageDeleted(message_id=100)
PAUSED = e.RepliesPaused(by="moderator")
RESUMED = e.RepliesResumed(by="moderator")
FORBIDDEN = e.HistoryForbidden()
GONE = e.ChannelDeleted()
RETRIED = e.ReplyRetried(
    message_id=100, author_id=7, by="owner", asked_at=1, responder="rules", composed_at=3, sent_ids=(201, 0)
)

RETRIED_UNWRITTEN = e.ReplyRetried(message_id=100, author_id=7, by="owner", asked_at=1)


def said(
    message_id: int = 100, author: e.Author = e.Author.PERSON, via: e.Via = e.Via.LIVE, author_id: int = 7
) -> e.MessageReceived:
    """Somebody posts."""
    return e.MessageReceived(message_id=message_id, author_id=author_id, author=author, sent_at=1, via=via)


def asked(message_id: int = 100, via: e.Via = e.Via.LIVE) -> e.ReplyRequested:
    """Request a reply."""
    return e.ReplyRequested(message_id=message_id, author_id=7, responder="rules", call=e.Call.DM, via=via)


def wrote(parts: int = 2, message_id: int = 100, generation: int = 1) -> e.ReplyComposed:
    """Compose a reply."""
    return e.ReplyComposed(message_id=message_id, parts=parts, responder="rules", generation=generation)


def sent(part: int, sent_id: int, message_id: int = 100) -> e.ReplySent:
    """Get a part into Discord."""
    return e.ReplySent(message_id=message_id, part=part, sent_id=sent_id, proof=e.Proof.RESPONSE)


def delayed(attempt: int, retry_at: int) -> e.ReplyDelayed:
    """Fail an attempt."""
    return e.ReplyDelayed(message_id=100, part=0, reason="timeout", attempt=attempt, retry_at=retry_at)


def caught_up(upto: int) -> e.CatchupCompleted:
    """Complete a catch-up."""
    return e.CatchupCompleted(after=0, upto=upto, count=1)


def person(message_id: int, position: int) -> Turn:
    """Expect a person's turn."""
    return Turn(message_id, 7, Role.PERSON, position)


def pending(requested_at: int = 1001, cause_position: int = 1, **more: object) -> Pending:
    """Expect an entry of the outbox."""
    return Pending(100, 7, requested_at, cause_position, **{"responder": "rules", **more})  # type: ignore[arg-type]  # as each row says


class Case(NamedTuple):
    """Given events at positions 1, 2, 3..., then these fields of the state."""

    given: Sequence[e.Event]
    then: Mapping[str, object]


WINDOWS = {
    "a message becomes a turn": Case([said()], {"window": (person(100, 1),), "received": 1, "outbox": ()}),
    "a bot's and a webhook's turns are another bot's": Case(
        [said(1, e.Author.BOT), said(2, e.Author.WEBHOOK)],
        {"window": (Turn(1, 7, Role.OTHER_BOT, 1), Turn(2, 7, Role.OTHER_BOT, 2))},
    ),
    "our own message is our turn": Case([said(1, e.Author.SELF)], {"window": (Turn(1, 7, Role.BOT, 1),)}),
    "an older message is placed before a newer one": Case(
        [said(30), said(10), said(20)], {"window": (person(10, 2), person(20, 3), person(30, 1))}
    ),
    "a message twice is one turn, the first": Case(
        [said(10), said(20), said(10)], {"window": (person(10, 1), person(20, 2)), "received": 3}
    ),
    "the oldest message leaves a full window": Case(
        [said(number) for number in range(1, WINDOW + 2)],
        {"window": tuple(person(number, number) for number in range(2, WINDOW + 2))},
    ),
    "a message older than a full window does not enter": Case(
        [*(said(number) for number in range(2, WINDOW + 2)), said(1)],
        {"window": tuple(person(number, number - 1) for number in range(2, WINDOW + 2))},
    ),
    "an older message in the middle takes the oldest one's place": Case(
        [*(said(2 * number) for number in range(1, WINDOW + 1)), said(5)],
        {
            "window": (
                person(4, 2),
                person(5, WINDOW + 1),
                *(person(2 * number, number) for number in range(3, WINDOW + 1)),
            )
        },
    ),
    "an edit moves a turn to its new words": Case(
        [said(10), said(100), EDITED], {"window": (person(10, 1), person(100, 3))}
    ),
    "an edit of our own reply leads to the new words alone": Case(
        [asked(), wrote(), sent(0, 201), sent(1, 202), e.MessageEdited(message_id=202, author_id=9, edited_at=5)],
        {"window": (Turn(201, 0, Role.BOT, 2, 0), Turn(202, 0, Role.BOT, 5, 0))},
    ),
    "an edit of an unknown message changes nothing": Case([said(10), EDITED], {"window": (person(10, 1),)}),
    "a deleted message leaves the window": Case([said(10), said(100), DELETED], {"window": (person(10, 1),)}),
    "a part of a reply is our turn, with the reply's words": Case(
        [said(), asked(), wrote(), sent(1, 202), sent(0, 201)],
        {"window": (person(100, 1), Turn(201, 0, Role.BOT, 3, 0), Turn(202, 0, Role.BOT, 3, 1)), "sent": 2},
    ),
    "a part that nothing is known of is counted alone": Case([sent(0, 201)], {"window": (), "sent": 1, "outbox": ()}),
    "a part before its text is counted alone": Case(
        [asked(), sent(0, 201)], {"window": (), "sent": 1, "outbox": (pending(),)}
    ),
    "a part beyond the reply's parts is counted alone": Case(
        [asked(), wrote(2), sent(2, 201), sent(-1, 201)],
        {"window": (), "sent": 2, "outbox": (pending(cause_position=2, composed_position=2, sent_ids=(0, 0)),)},
    ),
}

OUTBOXES = {
    "a request enters the outbox": Case([asked()], {"outbox": (pending(),)}),
    "a request remembers how its message came": Case(
        [asked(via=e.Via.CATCHUP)], {"outbox": (pending(via=e.Via.CATCHUP),)}
    ),
    "what waits stands by message id, however it was requested": Case(
        [asked(300), asked(200, via=e.Via.CATCHUP), asked(250, via=e.Via.AUDIT)],
        {
            "outbox": (
                Pending(200, 7, 1002, 2, "rules", via=e.Via.CATCHUP),
                Pending(250, 7, 1003, 3, "rules", via=e.Via.AUDIT),
                Pending(300, 7, 1001, 1, "rules"),
            )
        },
    ),
    "what is composed waits like anything else": Case(
        [asked(), wrote(1), asked(50)],
        {"outbox": (Pending(50, 7, 1003, 3, "rules"), pending(cause_position=2, composed_position=2, sent_ids=(0,)))},
    ),
    "what is sent in part goes on before what is older": Case(
        [asked(), wrote(), sent(0, 201), asked(50)],
        {
            "outbox": (
                pending(cause_position=3, composed_position=2, sent_ids=(201, 0)),
                Pending(50, 7, 1004, 4, "rules"),
            )
        },
    ),
    "a part that arrives puts its reply first": Case(
        [asked(), wrote(), asked(50), sent(0, 201)],
        {
            "outbox": (
                pending(cause_position=4, composed_position=2, sent_ids=(201, 0)),
                Pending(50, 7, 1003, 3, "rules"),
            )
        },
    ),
    "what begins to be shown is first": Case(
        [asked(), asked(50), e.ReplyBegun(message_id=100)],
        {"outbox": (pending(cause_position=3, begun=True), Pending(50, 7, 1002, 2, "rules"))},
    ),
    "a request twice is one entry, the first": Case([asked(), asked()], {"outbox": (pending(),)}),
    "an edit leads a reply to the new words": Case([asked(), EDITED], {"outbox": (pending(asked_position=2),)}),
    "a deletion marks the reply": Case([asked(), DELETED], {"outbox": (pending(trigger_deleted=True),)}),
    "a text makes room for its parts": Case(
        [asked(), wrote(3)], {"outbox": (pending(cause_position=2, composed_position=2, sent_ids=(0, 0, 0)),)}
    ),
    "a text ends the attempts to write it": Case(
        [asked(), delayed(2, 99), wrote(1)],
        {"outbox": (pending(cause_position=3, composed_position=3, sent_ids=(0,)),)},
    ),
    "a text for nothing changes nothing": Case([wrote()], {"outbox": ()}),
    "a failed attempt is counted with its next time": Case(
        [asked(), delayed(2, 99)], {"outbox": (pending(cause_position=2, attempts=2, retry_at=99),)}
    ),
    "a part that arrives ends the attempts at it": Case(
        [asked(), wrote(), delayed(2, 99), sent(0, 201)],
        {"outbox": (pending(cause_position=4, composed_position=2, sent_ids=(201, 0)),)},
    ),
    "the last part ends the reply": Case([asked(), wrote(), sent(0, 201), sent(1, 202)], {"outbox": (), "sent": 2}),
    "parts may arrive in any order": Case([asked(), wrote(), sent(1, 202), sent(0, 201)], {"outbox": ()}),
    "one reply's end leaves the others": Case(
        [asked(300), asked(), wrote(1), sent(0, 201)], {"outbox": (Pending(300, 7, 1001, 1, "rules"),)}
    ),
    "an abandoned reply leaves the outbox": Case([asked(), ABANDONED], {"outbox": (), "abandoned": 1}),
    "a retried reply is back in its place": Case(
        [
            asked(50),
            asked(),
            ABANDONED,
            asked(300),
            e.ReplyRetried(message_id=100, author_id=7, by="owner", asked_at=1),
        ],
        {
            "outbox": (
                Pending(50, 7, 1001, 1, "rules"),
                Pending(100, 7, 1005, 5, asked_position=1),
                Pending(300, 7, 1004, 4, "rules"),
            ),
            "abandoned": 1,
        },
    ),
    "a retried reply of which a part is there goes on before another one begins": Case(
        [asked(50), asked(300), wrote(2, 300), sent(0, 401, 300), RETRIED],
        {
            "outbox": (
                Pending(300, 7, 1002, 4, "rules", composed_position=3, sent_ids=(401, 0)),
                pending(1005, 5, asked_position=1, composed_position=3, sent_ids=(201, 0)),
                Pending(50, 7, 1001, 1, "rules"),
            ),
        },
    ),
    "a reply retried twice is one entry": Case(
        [RETRIED, RETRIED], {"outbox": (pending(1002, 2, asked_position=1, composed_position=3, sent_ids=(201, 0)),)}
    ),
}

MARKS = {
    "nothing is known at first": Case([], {"version": 0, "watermark_id": 0, "paused": False, "deleted": False}),
    "a live message moves the watermark": Case([said(100)], {"watermark_id": 100}),
    "a caught-up message moves the watermark": Case([said(100, via=e.Via.CATCHUP)], {"watermark_id": 100}),
    "a message ahead of the catch-up leaves the watermark": Case(
        [said(50), said(100, via=e.Via.AHEAD)], {"watermark_id": 50}
    ),
    "a message that an audit found leaves the watermark": Case([said(100, via=e.Via.AUDIT)], {"watermark_id": 0}),
    "an older message leaves the watermark": Case([said(100), said(50)], {"watermark_id": 100}),
    "a completed catch-up moves the watermark": Case([caught_up(100)], {"watermark_id": 100}),
    "a completed catch-up never moves it back": Case([said(100), caught_up(50)], {"watermark_id": 100}),
    "replies are paused": Case([PAUSED], {"paused": True}),
    "replies are resumed": Case([PAUSED, RESUMED], {"paused": False}),
    "a channel is gone": Case([said(), GONE], {"deleted": True}),
    "a message in a channel that was gone brings it back": Case([GONE, said()], {"deleted": False}),
    "history is forbidden": Case([FORBIDDEN], {"history_forbidden": True}),
    "a completed catch-up shows that history may be read": Case(
        [FORBIDDEN, caught_up(1)], {"history_forbidden": False}
    ),
    "a skipped message is counted": Case(
        [e.MessageSkipped(message_id=100, reason=e.SkipReason.MUTED)], {"skipped": 1, "outbox": ()}
    ),
    "an answer of another process is counted": Case(
        [asked(), e.ForeignReplySeen(message_id=100, sent_id=300)], {"foreign": 1, "outbox": (pending(),)}
    ),
    "what is no conversation's fact moves the version alone": Case(
        [
            e.CatchupStarted(after=0),
            e.BotStarted(release="1", host="h", pid=1),
            e.BotStopped(reason="signal"),
            e.GatewayReady(session="s", guilds=1),
            e.GatewayResumed(session="s"),
            e.GatewayLost(),
            e.GapFound(channel_id=1, missing=1, deleted=0),
        ],
        {field: getattr(Conversation(), field) for field in Conversation.__slots__ if field != "version"},
    ),
}

CASES = WINDOWS | OUTBOXES | MARKS


def recorded(events: Sequence[e.Event]) -> list[e.Recorded]:
    """Record events at positions and versions 1, 2, 3..., a thousand and one microseconds after the epoch and on."""
    return [e.Recorded(place, "channel:1", place, 1000 + place, event) for place, event in enumerate(events, 1)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_fold(case: Case) -> None:
    """Each event, each branch; every event is one version."""
    state = fold(recorded(case.given))

    assert {"version": len(case.given), **case.then} == {
        "version": state.version,
        **{field: getattr(state, field) for field in case.then},
    }


def test_a_request_points_at_the_words_that_asked() -> None:
    """The event that caused a request is the message, whose position is where its words are."""
    request = e.Recorded(6, "channel:1", 1, 1000, asked(), causation=5)

    assert fold([request]).outbox == (Pending(100, 7, 1000, 6, "rules", asked_position=5),)


@pytest.mark.parametrize(
    ("sent_ids", "next_part", "untouched"),
    [((), None, True), ((0, 0), 0, True), ((5, 0), 1, False), ((0, 5), 0, False), ((5, 6), None, False)],
)
def test_what_is_left_to_send(sent_ids: tuple[int, ...], next_part: int | None, *, untouched: bool) -> None:
    """The first part not known to be sent is next."""
    entry = pending(composed_position=2, sent_ids=sent_ids)

    assert (entry.next_part, entry.untouched, entry.composed) == (next_part, untouched, True)


def test_looking_into_a_conversation() -> None:
    """Turns and pending replies are found by message id."""
    state = fold(recorded([said(10), said(100), said(30), asked(100), asked(30)]))

    assert state.turn(30) == person(30, 3)
    assert [state.turn(message_id) for message_id in (9, 11, 101)] == [None, None, None]
    assert state.pending(30) == Pending(30, 7, 1005, 5, "rules")
    assert state.pending(10) is None
