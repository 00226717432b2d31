"""The way of a reply to its thread, event by event, and what a thread is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import events as e
from bot.core.commands import Confirm, NoteForeign
from bot.core.conversation import Conversation
from bot.core.delivery import GiveUp, LookFirst, MoveToThread, OpenThread, Patience, Step, WriteText, next_step
from bot.core.fate import Look, NotYet, Refused, Sighting, Unknown, judge_look
from bot.core.fold import fold
from bot.core.outbox import Pending
from bot.core.reply_record import ReplyRecord
from bot.core.threads import LONGEST_TITLE, UNTITLED, Opened, judge_opening, title_of
from tests.laws.strategies import recorded

PATIENCE = Patience(max_age_us=1_000_000, max_attempts=30)
RECEIVED = e.MessageReceived(message_id=100, author_id=7, sent_at=1)
REQUESTED = e.ReplyRequested(message_id=100, author_id=7, responder="llm", call=e.Call.MENTION)
ASKED = REQUESTED.model_copy(update={"via": e.Via.ASK})
INTENDED = e.ThreadIntended(message_id=100, starter_id=100)
UNKNOWN_STARTER = e.ThreadIntended(message_id=100)
DELAYED = e.ReplyDelayed(message_id=100, part=0, reason="status 500", attempt=2, retry_at=9)
OPENED = e.ThreadOpened(message_id=100, thread_id=100, proof=e.Proof.RESPONSE)
REFUSED = e.ThreadRefused(message_id=100, reason="rate limit")
MOVED = e.ReplyMoved(message_id=100, thread_id=100)
BEGUN = e.ThreadBegun(message_id=100, parent_id=1)


def state_after(*events: e.Event) -> Conversation:
    """Fold events."""
    return fold(recorded(events))


@pytest.mark.parametrize(
    ("events", "certain", "step"),
    [
        ((REQUESTED, INTENDED), True, OpenThread()),
        ((REQUESTED, INTENDED), False, LookFirst()),
        ((REQUESTED, INTENDED, OPENED), True, MoveToThread()),
        ((REQUESTED, INTENDED, OPENED), False, MoveToThread()),
        ((REQUESTED, INTENDED, DELAYED, REFUSED), True, WriteText()),
        (
            (RECEIVED, REQUESTED, INTENDED, e.MessageDeleted(message_id=100)),
            True,
            GiveUp(e.AbandonReason.TRIGGER_DELETED),
        ),
        ((ASKED, UNKNOWN_STARTER), True, OpenThread()),
        ((ASKED, UNKNOWN_STARTER), False, GiveUp(e.AbandonReason.EXPIRED)),
        ((ASKED, UNKNOWN_STARTER, INTENDED), False, OpenThread()),
        ((ASKED, UNKNOWN_STARTER, INTENDED, REFUSED), True, WriteText()),
        ((ASKED, UNKNOWN_STARTER, INTENDED, REFUSED), False, GiveUp(e.AbandonReason.EXPIRED)),
    ],
)
def test_a_reply_goes_to_its_thread_step_by_step(events: tuple[e.Event, ...], step: Step, *, certain: bool) -> None:
    """And is written in its channel where there is none; of a command's only the response's process knows."""
    (entry,) = state_after(*events).outbox

    assert next_step(entry, certain=certain, now=1001, patience=PATIENCE) == step
    assert entry.attempts == 0 or entry.opening


def test_a_moved_reply_is_finished_here_and_begins_there() -> None:
    """A question by a command is a turn of the thread alone; a message stays one of its channel, too."""
    above, asked = (
        state_after(RECEIVED, REQUESTED, INTENDED, OPENED, MOVED),
        state_after(ASKED, INTENDED, OPENED, MOVED),
    )
    inside = state_after(REQUESTED, BEGUN)

    assert (above.outbox, len(above.window), asked.outbox, len(asked.window)) == ((), 1, (), 0)
    (entry,) = inside.outbox
    assert (entry.plain, entry.opening, [turn.message_id for turn in inside.window]) == (True, False, [100])


UNREFERENCED = e.ReplyDelayed(message_id=100, part=0, reason="no reference", attempt=0, retry_at=0, plain=True)
COMPOSED = e.ReplyComposed(message_id=100, responder="llm", parts=2)
SENT = e.ReplySent(message_id=100, part=0, sent_id=201, proof=e.Proof.RESPONSE)
GIVEN_UP = e.ReplyAbandoned(message_id=100, reason=e.AbandonReason.GAVE_UP)


@pytest.mark.parametrize(
    ("events", "there"),
    [
        ((REQUESTED, BEGUN, COMPOSED, SENT, GIVEN_UP), False),
        ((REQUESTED, UNREFERENCED, COMPOSED, SENT, GIVEN_UP), True),
    ],
    ids=["in a thread that was opened for it", "where Discord refused the reference"],
)
def test_what_stands_without_a_reference_is_found_when_it_is_asked_for_again(
    events: tuple[e.Event, ...], *, there: bool
) -> None:
    """By its text, as before it was given up: otherwise it would be sent twice."""
    again = ReplyRecord.of(recorded(events)).asked_again(REQUESTED, "1")
    state = state_after(*events, again)
    (entry,) = state.outbox
    present = frozenset((100, 201, 202) if there else (201, 202))

    verdict = judge_look(state, entry, ("one", "two"), Look((Sighting(202, None, "two"),), present), 0)

    assert verdict.findings == (Confirm(100, 1, 202, e.Proof.HISTORY),)


def test_an_answer_anew_is_not_given_up_because_its_thread_lacks_the_question() -> None:
    """Where a part of it is still to be sent when a process dies."""
    events = (REQUESTED, BEGUN, e.ReplyComposed(message_id=100, responder="llm", parts=1), SENT)
    again = ReplyRecord.of(recorded(events)).asked_again(REQUESTED, "1", anew=True)
    state = state_after(*events, again, e.ReplyComposed(message_id=100, responder="llm", parts=2, generation=2))
    (entry,) = state.outbox

    verdict = judge_look(state, entry, ("one", "two"), Look((Sighting(201, None, "one"),), frozenset((201,))), 0)

    assert (verdict.findings, verdict.certain) == ((), True)


PENDING = Pending(message_id=100, author_id=7, requested_at=0, cause_position=1, opening=True, thread_id=100)
LAST = Pending(message_id=100, author_id=7, requested_at=0, cause_position=1, opening=True, thread_id=100, attempts=2)


@pytest.mark.parametrize(
    ("entry", "outcome", "judged"),
    [
        (PENDING, Opened(100, e.Proof.RESPONSE), OPENED),
        (PENDING, Refused(e.AbandonReason.FORBIDDEN, "rate limit"), REFUSED),
        (PENDING, NotYet("rate limit", 40.0), REFUSED),
        (PENDING, NotYet("no connection"), None),
        (PENDING, Unknown("status 500"), None),
        (LAST, NotYet("no connection"), None),
        (LAST, Unknown("status 500"), e.ThreadRefused(message_id=100, reason="status 500")),
    ],
)
def test_what_an_attempt_says(entry: Pending, outcome: Refused | NotYet | Unknown, judged: e.Event | None) -> None:
    """Opened, refused with the reason, or tried again a few times."""
    assert judge_opening(entry, outcome) == (judged or outcome)


def test_what_the_bot_says_in_a_thread_that_was_there_is_an_answer() -> None:
    """Another process with this token may have opened it; its own earlier words in a thread are none."""
    state = state_after(REQUESTED, BEGUN)
    (entry,) = state.outbox
    look = Look((Sighting(101, None, "hello"),), frozenset((101,)))

    assert judge_look(state, entry, (), look, 0).findings == (NoteForeign(100, 101),)
    assert judge_look(state, entry, (), Look(()), 0).certain


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("How do I open a thread?", "How do I open a thread?"),
        ("  **How** do _I_ ~~open~~ `a`\n\nthread?", "How do I open a thread?"),
        ("# Why?\n> because\n- of *this*", "Why? because of this"),
        ("ask <@7>, <@!8> or <@&9> in <#10> <t:1700000000:R>", "ask , or in"),
        ("<:wave:123> hi </ask:1>", ":wave: hi"),
        ("see [the page](https://example.com) or https://example.com/a_b", "see the page or https://example.com/a_b"),
        ("who did it? ||the butler||", "who did it? …"),
        ("```py\nprint(1)\n``` fails", "print(1) fails"),
        ("snake_case and 2 * 3 * 4", "snake_case and 2 * 3 * 4"),
        ("a\u202eb\u200bc", "abc"),
        ("<@7>", UNTITLED),
        ("**", UNTITLED),
        ("word " * 40, "word " * 18 + "word…"),
        ("x" * 150, "x" * 99 + "…"),
        ("😀" * 80, "😀" * 49 + "…"),
    ],
)
def test_a_thread_is_called_by_its_subject(text: str, title: str) -> None:
    """The first words, as people see them, without marks and mentions."""
    assert title_of(text) == title


@given(st.text(max_size=300))
def test_a_title_is_always_one(text: str) -> None:
    """Discord takes one of 1 to 100 characters, and none of blanks."""
    title = title_of(text)

    assert title.strip() == title != ""
    assert len(title.encode("utf-16-le")) <= 2 * LONGEST_TITLE
    assert title.isprintable() or not title.isascii()
