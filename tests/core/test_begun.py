"""Replies that are shown while they are written: what comes next, what is found, what the fold keeps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest

from bot.core import events as e
from bot.core.addressing import Nonce, nonce_of, parse_nonce
from bot.core.conversation import Conversation
from bot.core.delivery import (
    EditPart,
    Finish,
    GiveUp,
    LookFirst,
    Patience,
    RemovePart,
    SendPart,
    Step,
    TakeShown,
    WriteText,
    in_a_row,
    next_step,
)
from bot.core.fate import Sighting, found_parts
from bot.core.fold import fold
from bot.core.outbox import Pending

PATIENT = Patience(max_age_us=1000, max_attempts=5)
BEGUN = Pending(100, 7, requested_at=0, cause_position=2, responder="llm", asked_position=1, begun=True)
SHOWN = replace(BEGUN, sent_ids=(201,))
WRITTEN = replace(BEGUN, composed_position=9, sent_ids=(201, 202))

UNASKED = replace(SHOWN, surplus_ids=(203,), trigger_deleted=True)

REQUESTED = e.ReplyRequested(message_id=100, author_id=7, responder="llm", call=e.Call.MENTION)
STARTED, WHOLE = e.ReplyBegun(message_id=100), e.ReplyCompleted(message_id=100)
BEGUN_ANEW = e.ReplyBegun(message_id=100, generation=2)


def sent(part: int, generation: int = 1) -> e.ReplySent:
    """Return that a part is in Discord, as message 201 or later."""
    return e.ReplySent(message_id=100, part=part, sent_id=201 + part, proof=e.Proof.RESPONSE, generation=generation)


def composed(parts: int, generation: int = 1) -> e.ReplyComposed:
    """Return that a text is there."""
    return e.ReplyComposed(message_id=100, parts=parts, responder="llm", generation=generation)


def folded(*events: e.Event) -> Conversation:
    """Fold events at positions 1, 2, 3..."""
    return fold(e.Recorded(at, "channel:1", at, 1000 + at, event) for at, event in enumerate(events, 1))


@pytest.mark.parametrize(
    ("entry", "certain", "settled", "step"),
    [
        pytest.param(BEGUN, True, (), WriteText(), id="nothing is shown yet"),
        pytest.param(SHOWN, True, (), WriteText(), id="a part is shown"),
        pytest.param(SHOWN, False, (), LookFirst(), id="of a process before"),
        pytest.param(WRITTEN, True, (), EditPart(0, 201), id="written"),
        pytest.param(WRITTEN, True, {201}, EditPart(1, 202), id="the first part says it"),
        pytest.param(WRITTEN, True, {201, 202}, Finish(), id="every part says it"),
        pytest.param(replace(WRITTEN, sent_ids=(201, 0)), True, {201}, SendPart(1), id="the rest is not there"),
        pytest.param(replace(WRITTEN, sent_ids=(0, 202)), True, (), SendPart(0), id="in the order of the parts"),
        pytest.param(replace(WRITTEN, surplus_ids=(203,)), True, {201, 202}, RemovePart(203), id="one too many"),
        pytest.param(replace(WRITTEN, surplus_ids=(203,)), True, {201, 202, 203}, Finish(), id="which is gone"),
        pytest.param(replace(WRITTEN, attempts=5), True, (), GiveUp(e.AbandonReason.GAVE_UP), id="tried often"),
        pytest.param(replace(BEGUN, requested_at=-5000), True, (), GiveUp(e.AbandonReason.EXPIRED), id="too late"),
        pytest.param(replace(SHOWN, requested_at=-5000), True, (), WriteText(), id="late, and somebody reads it"),
        pytest.param(replace(SHOWN, stopped=True), True, (), TakeShown(), id="stopped"),
        pytest.param(replace(SHOWN, stopped=True), False, (), LookFirst(), id="stopped in a process before"),
        pytest.param(replace(WRITTEN, stopped=True), True, {201, 202}, Finish(), id="stopped as it was written"),
        pytest.param(UNASKED, False, (), LookFirst(), id="the question is deleted"),
        pytest.param(UNASKED, True, (), RemovePart(201), id="what is shown goes"),
        pytest.param(UNASKED, True, {201}, RemovePart(203), id="all of it"),
        pytest.param(UNASKED, True, {201, 203}, GiveUp(e.AbandonReason.TRIGGER_DELETED), id="and then it ends"),
        pytest.param(
            replace(UNASKED, generation=2), True, (), GiveUp(e.AbandonReason.TRIGGER_DELETED), id="an earlier one stays"
        ),
        pytest.param(
            replace(UNASKED, generation=2, sent_ids=(201, 0)), True, (), RemovePart(201), id="unless it is written over"
        ),
    ],
)
def test_what_comes_next(entry: Pending, certain: bool, settled: Collection[int], step: Step) -> None:  # noqa: FBT001
    """What is shown is edited until it says what was composed."""
    assert next_step(entry, certain=certain, now=1, patience=PATIENT, settled=settled) == step


def sightings(*ids: int, reply_to: int | None = 100) -> list[Sighting]:
    """Return messages of the bot."""
    return [Sighting(message_id, reply_to, "text") for message_id in ids]


@pytest.mark.parametrize(
    ("entry", "texts", "seen", "found"),
    [
        pytest.param(BEGUN, (), sightings(201, 202), {0: 201, 1: 202}, id="however many there are"),
        pytest.param(SHOWN, (), sightings(201, 202), {1: 202}, id="but those that are known"),
        pytest.param(WRITTEN, ("a", "b"), sightings(201, 202, 203), {2: 203}, id="more than the answer needs"),
        pytest.param(BEGUN, (), sightings(201, reply_to=None), {}, id="whose is not to be told"),
    ],
)
def test_what_is_found(entry: Pending, texts: Sequence[str], seen: list[Sighting], found: dict[int, int]) -> None:
    """The reference alone tells: the text was another one at every moment."""
    assert found_parts(entry, texts, seen, trigger_there=False, taken=()) == found


def test_it_is_answered_alone() -> None:
    """What was asked meanwhile is not part of what is being written."""
    state = folded(REQUESTED, STARTED, REQUESTED.model_copy(update={"message_id": 101}))

    assert in_a_row(state, state.outbox[0]) == (state.outbox[0],)


def test_it_ends_when_it_is_completed() -> None:
    """Neither the last part nor the text is the end."""
    events = (REQUESTED, STARTED, sent(0), composed(1))

    assert [entry.sent_ids for entry in folded(*events).outbox] == [(201,)]
    assert folded(*events, WHOLE).outbox == ()


def test_its_messages_become_turns_when_they_have_a_text() -> None:
    """Before, nobody could say what they say."""
    events = (REQUESTED, STARTED, sent(0))

    assert not folded(*events).window
    (turn,) = folded(*events, composed(2)).window
    assert (turn.message_id, turn.role, turn.position, turn.part) == (201, e.Role.BOT, 4, 0)
    assert [turn.part for turn in folded(*events, composed(2), sent(1)).window] == [0, 1]


def test_parts_that_it_does_not_need_are_surplus() -> None:
    """They are no turns, whether they were known before the text or after it."""
    before = folded(REQUESTED, STARTED, sent(0), sent(1), composed(1))
    after = folded(REQUESTED, STARTED, sent(0), composed(1), sent(1))

    for state in (before, after):
        (entry,) = state.outbox
        assert (entry.sent_ids, entry.surplus_ids) == ((201,), (202,))
        assert [turn.message_id for turn in state.window] == [201]


def test_failed_attempts_count_until_it_is_written() -> None:
    """A part that was shown makes no model better."""
    delayed = e.ReplyDelayed(message_id=100, part=0, reason="cut", attempt=1, retry_at=9)

    assert folded(REQUESTED, STARTED, delayed, sent(0)).outbox[0].attempts == 1
    assert folded(REQUESTED, STARTED, delayed, sent(0), composed(1)).outbox[0].attempts == 0


class TestAnew:
    """The answer is composed anew, into the messages of the one before."""

    ANEW = e.ReplyRetried(message_id=100, author_id=7, by="1", asked_at=1, sent_ids=(201,), begun=True, generation=2)

    def test_its_turns_say_the_new_text(self) -> None:
        """Of the same messages."""
        state = folded(REQUESTED, composed(1), sent(0), self.ANEW, composed(2, 2), sent(1, 2))

        assert [(turn.message_id, turn.position, turn.part) for turn in state.window] == [(201, 5, 0), (202, 5, 1)]
        assert [entry.sent_ids for entry in state.outbox] == [(201, 202)]

    def test_what_a_rewind_took_away_stays_away(self) -> None:
        """Composing anew is no undo."""
        rewound = e.ConversationRewound(by="1", to=0, window=())
        before = folded(REQUESTED, composed(1), sent(0), rewound, self.ANEW, sent(1, 2), composed(2, 2))
        after = folded(REQUESTED, composed(1), sent(0), rewound, self.ANEW, composed(2, 2), sent(1, 2))

        assert not before.window
        assert not after.window

    def test_a_part_that_was_shown_while_it_was_written_becomes_a_turn(self) -> None:
        """Like one that was sent when the text was there; the answer of before had no such part."""
        state = folded(REQUESTED, composed(1), sent(0), self.ANEW, sent(1, 2), composed(2, 2))

        assert [(turn.message_id, turn.position, turn.part) for turn in state.window] == [(201, 6, 0), (202, 6, 1)]

    def test_one_of_which_nothing_was_ever_sent_becomes_turns(self) -> None:
        """Its question is there, and nothing was rewound."""
        received = e.MessageReceived(message_id=100, author_id=7, author=e.Author.PERSON, sent_at=1, via=e.Via.LIVE)
        given_up = e.ReplyAbandoned(message_id=100, reason=e.AbandonReason.FORBIDDEN)
        anew = self.ANEW.model_copy(update={"sent_ids": (0,)})
        state = folded(received, REQUESTED, composed(1), given_up, anew, sent(0, 2), composed(1, 2))

        assert [(turn.message_id, turn.position) for turn in state.window] == [(100, 1), (201, 7)]

    def test_once_it_is_shown_a_further_part_may_be_in_discord(self) -> None:
        """Until it is composed: so after a kill somebody looks, and the messages count as some of the new answer."""
        before = folded(REQUESTED, composed(1), sent(0), self.ANEW)
        begun = folded(REQUESTED, composed(1), sent(0), self.ANEW, BEGUN_ANEW)
        grown = folded(REQUESTED, composed(1), sent(0), self.ANEW, BEGUN_ANEW, sent(1, 2))
        whole = folded(REQUESTED, composed(1), sent(0), self.ANEW, BEGUN_ANEW, sent(1, 2), composed(2, 2))

        entries = [state.outbox[0] for state in (before, begun, grown, whole)]
        assert [entry.sent_ids for entry in entries] == [(201,), (201, 0), (201, 202, 0), (201, 202)]
        assert [entry.awaited for entry in entries] == [True, False, False, False]
        assert [entry.partly_shown for entry in entries] == [False, True, True, False]

    def test_its_messages_have_keys_and_nonces_of_their_own(self) -> None:
        """Those of a part that was deleted meanwhile are used up."""
        assert sent(1).key() != sent(1, 2).key()
        assert parse_nonce(nonce_of(100, 1)) == Nonce(100, 1)
        assert parse_nonce(nonce_of(100, 1, 2)) == Nonce(100, 1, 2)
        assert len(nonce_of(2**63 - 1, 9999, 10)) <= 25
