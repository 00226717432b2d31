"""Posts: what the fold makes of them, which of the bot's messages are theirs, and their keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import events as e
from bot.core.commands import Abandon, Confirm
from bot.core.fate import Look, Sighting, found_parts, judge_look
from bot.core.fold import fold
from bot.core.named_keys import digest_of, numbers_of
from bot.core.outbox import Pending
from bot.core.window import Turn

MINUTE = 60_000 << 22
ID = 1_000 * MINUTE
POSTED = e.PostRequested(message_id=ID, author_id=7, reply_to=100, key_digest=digest_of("k"))
COMPOSED = e.ReplyComposed(message_id=ID, parts=2, responder="")
ENTRY = Pending(
    ID, 7, requested_at=1001, cause_position=2, composed_position=2, sent_ids=(0, 0), posted=True, reply_to_id=100
)
SENT = [e.ReplySent(message_id=ID, part=part, sent_id=ID + 1 + part, proof=e.Proof.RESPONSE) for part in (0, 1)]


def recorded(*events: e.Event) -> list[e.Recorded]:
    """Record events at positions and versions 1, 2, 3..."""
    return [e.Recorded(place, "channel:1", place, 1000 + place, event) for place, event in enumerate(events, 1)]


def test_a_post_is_composed_from_its_beginning_and_ends_as_turns_of_the_bot() -> None:
    """Its own id is no turn. One without a reference goes on plain."""
    state = fold(recorded(POSTED, COMPOSED))
    assert state.outbox == (ENTRY,)
    alone = fold(recorded(POSTED.model_copy(update={"reply_to": 0}), COMPOSED))
    assert alone.outbox == (replace(ENTRY, reply_to_id=0, plain=True),)

    state = fold(recorded(POSTED, COMPOSED, *SENT))
    assert state.outbox == ()
    assert tuple(state.window) == tuple(Turn(ID + 1 + part, 0, e.Role.BOT, 2, part) for part in (0, 1))


LOOKS = {
    "both, by their texts": ([(ID + 5, 100, "one"), (ID + 6, 100, "two")], {0: ID + 5, 1: ID + 6}),
    "one that lost its reference": ([(ID + 5, None, "one")], {0: ID + 5}),
    "sent while this machine's clock was ahead": ([(ID - MINUTE, 100, "one")], {0: ID - MINUTE}),
    "nothing of long before": ([(ID - 3 * MINUTE, 100, "one")], {}),
    "nothing with another text": ([(ID + 5, 100, "three")], {}),
    "nothing in reply to another message": ([(ID + 5, 99, "one")], {}),
    "each message once": ([(ID + 5, 100, "one"), (ID + 6, 100, "one")], {0: ID + 5}),
}


@pytest.mark.parametrize(("seen", "found"), LOOKS.values(), ids=LOOKS)
def test_the_parts_of_a_post_are_found(seen: Sequence[tuple[int, int | None, str]], found: dict[int, int]) -> None:
    """A message has several replies of the bot, so that a reference alone says nothing."""
    sightings = [Sighting(*each) for each in seen]
    assert found_parts(ENTRY, ("one", "two"), sightings, trigger_there=True, taken=()) == found


def test_a_post_of_unknown_fate_is_sent_again_only_if_a_look_could_find_it() -> None:
    """What was found is recorded. A history that can't be read, long after the request, leaves its fate unknown."""
    state, look = fold(recorded(POSTED, COMPOSED)), Look((Sighting(ID + 5, 100, "one"),))
    verdict = judge_look(state, ENTRY, ("one", "two"), look, 10**9)
    assert verdict.certain
    assert verdict.findings == (Confirm(ID, 0, ID + 5, e.Proof.HISTORY),)
    verdict = judge_look(state, ENTRY, ("one", "two"), Look((), readable=False), 10**9)
    assert verdict.findings == (Abandon(ID, e.AbandonReason.UNKNOWN_FATE),)


@given(st.text(min_size=1), st.text(min_size=1))
def test_keys_are_never_cut(one: str, other: str) -> None:
    """Two keys are the same exactly when their texts are; each is two numbers that SQLite can hold."""
    assert (digest_of(one) == digest_of(other)) is (one == other)
    assert (numbers_of(digest_of(one)) == numbers_of(digest_of(other))) is (one == other)
    assert all(-(2**63) <= number < 2**63 for number in numbers_of(digest_of(one)))
