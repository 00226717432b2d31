"""What holds for every history, possible or not: the fold never raises, and a snapshot is as good as the past."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise, permutations

from hypothesis import example, given
from hypothesis import strategies as st

from bot.core import commands as c
from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.decider import _caused, _foresee, decide, decide_all
from bot.core.fold import copy, evolve, fold
from bot.core.window import WINDOW
from bot.eventlog import snapshots
from bot.eventlog.codec import decode, encode_event
from tests.laws.strategies import COMMANDS, HISTORIES, recorded


def restored(state: Conversation) -> Conversation:
    """Send a state through the stored form of a snapshot."""
    found = snapshots._decode(*snapshots.encode(state), state.version)
    assert found is not None
    return found


def said(message_id: int) -> e.MessageReceived:
    """Somebody posts a message."""
    return e.MessageReceived(message_id=message_id, author_id=7, sent_at=1)


@given(HISTORIES)
def test_a_snapshot_and_the_tail_are_the_fold_of_all(events: list[e.Event]) -> None:
    """At every cut, field for field."""
    history = recorded(events)
    whole = fold(history)

    for cut in range(len(history) + 1):
        head = fold(history[:cut])
        assert fold(history[cut:], head) == whole
        assert restored(head) == head
        assert fold(history[cut:], restored(head)) == whole


@given(HISTORIES, st.sets(st.integers(0, 59)))
def test_events_that_can_not_be_read_are_counted_wherever_they_lie(events: list[e.Event], unread: set[int]) -> None:
    """The fold takes them as everything else: it never raises, and a snapshot at any place changes nothing."""
    odd = e.Unreadable(stored=e.Form("reply.dreamt", 1), why=e.Unread.TYPE)
    history = [one._replace(event=odd) if at in unread else one for at, one in enumerate(recorded(events))]
    whole = fold(history)

    assert whole.unreadable == sum(one.event is odd for one in history)
    assert whole.version == len(history)
    for cut in range(0, len(history), 7):
        assert fold(history[cut:], restored(fold(history[:cut]))) == whole


@given(HISTORIES)
def test_a_fold_is_its_steps(events: list[e.Event]) -> None:
    """Folding many events at once, on one copy of the state, gives what evolving one by one does."""
    history = recorded(events)

    assert reduce(evolve, history, Conversation()) == fold(history)


@given(HISTORIES)
def test_what_is_stored_of_events_folds_to_the_same(events: list[e.Event]) -> None:
    """Nothing that the fold looks at is lost on the way to the disk."""
    stored = [decode(event.TYPE, event.V, encode_event(event).decode()) for event in events]

    assert stored == events
    assert fold(recorded(stored)) == fold(recorded(events))


@given(HISTORIES)
def test_evolving_changes_nothing_that_it_is_given(events: list[e.Event]) -> None:
    """Neither the state nor the event: whoever holds an older state may go on from it."""
    state, seen = Conversation(), []
    for one in recorded(events):
        before, stored = restored(state), one.event.model_dump_json()
        seen.append((state, before))
        after = evolve(state, one)
        assert one.event.model_dump_json() == stored
        assert evolve(before, one) == after
        state = after

    assert [held for held, _ in seen] == [copy for _, copy in seen]


@given(HISTORIES)
def test_versions_count_and_some_numbers_never_fall(events: list[e.Event]) -> None:
    """The watermark and the counters."""
    states = [fold(recorded(events[:cut])) for cut in range(len(events) + 1)]

    assert [state.version for state in states] == list(range(len(events) + 1))
    for field in ("watermark_id", "received", "sent", "skipped", "abandoned", "foreign"):
        for before, after in pairwise(getattr(state, field) for state in states):
            assert before <= after


@given(HISTORIES)
def test_the_window_is_in_order_and_the_outbox_has_an_entry_a_message(events: list[e.Event]) -> None:
    """After every event."""
    state = Conversation()
    for one in recorded(events):
        state = evolve(state, one)
        ids = [turn.message_id for turn in state.window]
        assert ids == sorted(set(ids))
        assert len(ids) <= WINDOW
        waiting = [entry.message_id for entry in state.outbox]
        assert len(waiting) == len(set(waiting))


@given(HISTORIES)
def test_what_is_under_way_is_first_and_what_waits_stands_by_message_id(events: list[e.Event]) -> None:
    """After every event; what is under way keeps its place until it is finished."""
    state = Conversation()
    for one in recorded(events):
        before = [entry.message_id for entry in state.outbox if entry.under_way]
        state = evolve(state, one)
        under_way = [entry.message_id for entry in state.outbox if entry.under_way]
        waiting = [entry.message_id for entry in state.outbox if not entry.under_way]
        assert [entry.message_id for entry in state.outbox] == under_way + sorted(waiting)
        if not isinstance(one.event, e.ReplyRetried):
            still = [message_id for message_id in before if message_id in under_way]
            assert under_way[: len(still)] == still


@given(st.lists(st.integers(0, 200), min_size=WINDOW - 4, max_size=WINDOW + 40))
def test_the_window_holds_the_newest_messages_however_they_arrive(ids: list[int]) -> None:
    """A catch-up brings older messages after newer ones, and an audit any in between."""
    state = fold(recorded([said(message_id) for message_id in ids]))

    assert [turn.message_id for turn in state.window] == sorted(set(ids))[-WINDOW:]


def test_parts_confirmed_in_any_order_end_a_reply() -> None:
    """Response and echo race each other."""
    asked = e.ReplyRequested(message_id=1, author_id=7, responder="rules", call=e.Call.DM)
    composed = e.ReplyComposed(message_id=1, parts=4, responder="rules")
    parts = [e.ReplySent(message_id=1, part=part, sent_id=10 + part, proof=e.Proof.ECHO) for part in range(4)]

    first, *others = (fold(recorded([said(1), asked, composed, *order])) for order in permutations(parts))
    assert all(end == first for end in others)
    assert first.outbox == ()


@given(HISTORIES, COMMANDS)
def test_deciding_never_raises_and_what_it_decides_can_be_stored_and_folded(
    events: list[e.Event], command: c.Command
) -> None:
    """For every state and command; the same every time."""
    state = fold(recorded(events))
    drafts = decide(state, command)

    assert decide(restored(state), command) == drafts
    for draft in drafts:
        assert decode(draft.event.TYPE, draft.event.V, encode_event(draft.event).decode()) == draft.event
    after = fold(recorded([*events, *(draft.event for draft in drafts)]))
    assert after.version == len(events) + len(drafts)


_TAKEN_BACK = frozenset(
    (
        "version",
        "window",
        "rewound_version",
        "persona_position",
        "persona_changed_version",
        "model_position",
        "model_changed_version",
        "summary_position",
        "summary_upto_id",
    )
)


@given(HISTORIES)
def test_a_rewind_leaves_everything_but_what_was_kept_in_mind(events: list[e.Event]) -> None:
    """It never re-sends and never re-reads; persona and summary go back with what was said."""
    state = fold(recorded(events))
    drafts = decide(state, c.Rewind(by="owner", to_version=0, then=c.Remembered()))
    drafts += decide(state, c.Undo("owner", state.rewound_version, c.Remembered(tuple(state.window)), c.Remembered()))
    drafts += decide(state, c.Reset(by="owner"))
    after = fold(recorded([*events, *(draft.event for draft in drafts)]))

    for field in Conversation.__slots__:
        if field not in _TAKEN_BACK:
            assert getattr(after, field) == getattr(state, field)


def one_by_one(state: Conversation, commands: list[c.Command]) -> list[e.Drafts]:
    """Decide commands, each on a state that shows all before it."""
    own, decided = copy(state), []
    for command in commands:
        drafts = decide(own, command)
        _foresee(own, [draft.event for draft in drafts])
        decided.append(tuple(map(_caused, drafts)))
    return decided


UNASKED = st.builds(lambda number: c.Receive(said(number), e.Body()), st.integers(1, 3) | st.integers(1, 3 * WINDOW))
MIXED = st.lists(st.booleans().flatmap(lambda asks: COMMANDS if asks else UNASKED), max_size=20)
MANY = st.permutations(range(1, 2 * WINDOW)).map(
    lambda numbers: [c.Receive(said(number), e.Body()) for number in numbers]
)
RUNS = MIXED | st.builds(lambda many, mixed: [*many, *mixed], MANY, MIXED)


@given(HISTORIES | st.lists(st.integers(1, 6).map(said), min_size=1, max_size=6), RUNS)
@example([], [c.Receive(said(6), e.Body(), e.Call.MENTION), c.Receive(said(7), e.Body(), original_id=6)])
def test_commands_together_are_decided_as_one_by_one(events: list[e.Event], commands: list[c.Command]) -> None:
    """Messages that ask nothing are put into the state late, which no decision can tell: also not in a full window."""
    state = fold(recorded(events))
    before = copy(state)

    decided = decide_all(state, commands)

    assert state == before
    if len(commands) > 1:
        assert decided == one_by_one(state, commands)
