"""Laws of the chain of replies: it is a path, it ends, and holds nothing of other branches or of what was taken out."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from bot.core import events as e
from bot.core.fold import fold
from bot.core.reply_chain import Link, chain_of, link_of
from tests.laws.strategies import recorded
from tests.laws.test_rewind_laws import BACK, IDS, TALK, UNDO, play

LINKS = st.dictionaries(st.integers(1, 30), st.builds(Link, st.integers(-1, 30), st.booleans()))
"""Any links at all: also some in a circle, to a later message, to a message that nobody knows."""


def above(newest_id: int, links: Mapping[int, Link]) -> list[int]:
    """Return the messages that somebody finds who goes up from reply to reply, as long as each is older."""
    found = [newest_id]
    while found[-1] in links and 0 < links[found[-1]].answers < found[-1]:
        found.append(links[found[-1]].answers)
    return found


@given(st.integers(1, 30), LINKS, st.integers(0, 10))
def test_a_chain_is_a_path_without_what_is_not_told(newest_id: int, links: dict[int, Link], most: int) -> None:
    """Every message of it is on the way up, in this order, and none on that way is missing but what is not told."""
    chain = chain_of(newest_id, links, most)

    way = above(newest_id, links)[:most]
    known = [each for each in way if each in links]
    assert list(chain.ids) == [each for each in reversed(known) if links[each].told]
    assert chain.wanted == next((each for each in way if each not in links), 0)


@given(st.integers(1, 30), LINKS, st.integers(0, 10))
def test_looking_up_ends(newest_id: int, links: dict[int, Link], most: int) -> None:
    """After at most as many look-ups as there may be messages, each of another message."""
    known, looked = dict[int, Link](), list[int]()
    while wanted := chain_of(newest_id, known, most).wanted:
        looked.append(wanted)
        known[wanted] = links.get(wanted, Link(told=False))

    assert len(looked) == len(set(looked)) <= most


@given(st.integers(1, 30), st.integers(1, 30), LINKS)
def test_two_chains_meet_once_and_stay_together(first_id: int, second_id: int, links: dict[int, Link]) -> None:
    """So branches don't mix: what both hold is what came before they parted."""
    whole = {each: links.get(each, Link()) for each in range(1, 31)}
    one, other = chain_of(first_id, whole, 30).ids, chain_of(second_id, whole, 30).ids

    shared = [each for each in one if each in other]
    assert shared == list(one[: len(shared)]) == list(other[: len(shared)])


@given(st.lists(st.one_of(TALK, BACK, UNDO), max_size=25), st.dictionaries(IDS, IDS))
def test_what_a_rewind_or_a_deletion_took_out_is_in_no_chain(
    steps: list[tuple[str, int]], replies: dict[int, int]
) -> None:
    """A few messages all fit into the window, so a chain holds nothing that the window lacks."""
    events = [_replying(event, replies) for event in play(steps)]
    history = recorded(events)
    state = fold(history)
    said = {each.event.message_id: each for each in history if isinstance(each.event, e.MessageReceived)}
    deleted = {event.message_id for event in events if isinstance(event, e.MessageDeleted)}
    links = {each: link_of(state, (each,), said[each]) if each in said else Link(told=False) for each in range(13)}

    for newest_id in said:
        ids = set(chain_of(newest_id, links, 64).ids) - deleted
        assert ids <= {turn.message_id for turn in state.window}


def _replying(event: e.Event, replies: Mapping[int, int]) -> e.Event:
    if isinstance(event, e.MessageReceived):
        return event.model_copy(update={"reply_to": replies.get(event.message_id)})
    return event
