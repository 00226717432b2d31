"""Laws of rewinds and undos, whatever is said, edited and deleted between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from bot.core import commands as c
from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.decider import decide
from bot.core.fold import fold
from bot.core.place_settings import MODEL, PERSONA
from tests.laws.strategies import recorded

Step = tuple[str, int]

IDS = st.integers(1, 12)
TALK = st.tuples(st.sampled_from(["say", "edit", "delete", "persona", "model", "summary"]), IDS)
BACK = st.one_of(st.tuples(st.just("rewind"), st.integers(0, 40)), st.just(("reset", 0)))
UNDO: st.SearchStrategy[Step] = st.just(("undo", 0))


def play(steps: Iterable[Step], events: Sequence[e.Event] = ()) -> list[e.Event]:
    """Return the events of a channel in which all this happens, after those before."""
    said = list(events)
    for what, number in steps:
        state = fold(recorded(said))
        said += [draft.event for draft in decide(state, _command(what, number, state, said))]
    return said


def _command(what: str, number: int, state: Conversation, events: Sequence[e.Event]) -> c.Command:
    about = (event for event in events if isinstance(event, e.MessageReceived | e.MessageDeleted))
    seen = {event.message_id: type(event) for event in about}
    match what:
        case "say" if number not in seen:
            return c.Receive(e.MessageReceived(message_id=number, author_id=7, sent_at=1), e.Body())
        case "edit" if seen.get(number) is e.MessageReceived:
            return c.Edit(e.MessageEdited(message_id=number, author_id=7, edited_at=1), e.Body())
        case "delete" if seen.get(number) is e.MessageReceived:
            return c.Delete(number)
        case "persona":
            return c.Choose(PERSONA, "7", "a pirate" if number % 2 else "")
        case "model":
            return c.Choose(MODEL, "7", "openai:tiny" if number % 2 else "")
        case "summary":
            event = e.ConversationSummarised(upto=number, turns=1, previous=state.summary_position)
            return c.Summarise(event, e.Body())
        case "rewind":
            to = number % (len(events) + 1)
            return c.Rewind("7", to, remembered(events, to))
        case "reset":
            return c.Reset("7")
        case "undo" if state.rewound_version:
            at = state.rewound_version
            before = fold(recorded(events[: at - 1]))
            return c.Undo("7", at, remembered(events, at - 1), remembered(events, at), before.rewound_version)
    return c.Record(e.RepliesResumed(by="7"))  # which changes nothing


def remembered(events: Sequence[e.Event], version: int) -> c.Remembered:
    """Return what was known at a version, without what was deleted since."""
    state = fold(recorded(events[:version]))
    deleted = {event.message_id for event in events[version:] if isinstance(event, e.MessageDeleted)}
    window = tuple(turn for turn in state.window if turn.message_id not in deleted)
    return c.Remembered(
        window, state.persona_position, state.summary_position, state.summary_upto_id, state.model_position
    )


def known(events: Sequence[e.Event]) -> tuple[object, ...]:
    """Return all that a rewind touches."""
    return (*remembered(events, len(events)), fold(recorded(events)).rewound_version)


@given(st.lists(st.one_of(TALK, BACK, UNDO), max_size=25), st.lists(BACK, min_size=1, max_size=4))
def test_as_many_undos_as_rewinds_give_what_was_known_before(before: list[Step], back: list[Step]) -> None:
    """Rewinds that changed nothing are none."""
    events = play(before)
    rewound = play(back, events)
    changes = [event for event in rewound[len(events) :] if not isinstance(event, e.PlaceSettingRestored)]

    assert known(play([("undo", 0)] * len(changes), rewound)) == known(events)


@given(st.lists(st.one_of(TALK, BACK, UNDO), max_size=40))
def test_when_all_is_taken_back_it_is_as_if_nothing_had_been_rewound(steps: list[Step]) -> None:
    """What was said between the rewinds is there, what was deleted is not; and a further undo changes nothing."""
    events = play(steps)
    undone = play([("undo", 0)] * len(steps), events)
    never = play(step for step in steps if step[0] in {"say", "delete"})

    state = fold(recorded(undone))
    assert state.rewound_version == 0
    assert [turn.message_id for turn in state.window] == [turn.message_id for turn in fold(recorded(never)).window]
    assert play([("undo", 0)], undone) == undone


@given(st.lists(st.one_of(TALK, BACK, UNDO), max_size=40))
def test_a_rewind_that_is_recorded_changes_something(steps: list[Step]) -> None:
    """So each undo takes back what somebody saw change."""
    events = play(steps)

    for version, event in enumerate(events, 1):
        if isinstance(event, e.ConversationReset) or (isinstance(event, e.ConversationRewound) and not event.undoes):
            restored = len(list(takewhile(lambda next_: isinstance(next_, e.PlaceSettingRestored), events[version:])))
            assert known(events[: version - 1])[:-1] != known(events[: version + restored])[:-1]
