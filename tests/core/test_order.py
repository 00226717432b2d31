"""The order of answers: which one goes on, and which wait for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest

from bot.core.conversation import Conversation
from bot.core.delivery import Patience, collecting, in_a_row, next_in_line
from bot.core.events import Via
from bot.core.outbox import Outbox, Pending, is_first, placed

OLD, MIDDLE, NEW = (Pending(number, 7, requested_at=0, cause_position=1, responder="llm") for number in (100, 200, 300))
WRITTEN = replace(NEW, composed_position=9, sent_ids=(0, 0))
HALF_SENT = replace(WRITTEN, sent_ids=(401, 0))
SHOWN = replace(NEW, begun=True)
COMMAND = replace(OLD, via=Via.ASK)


def outbox(*entries: Pending) -> Outbox:
    """Put entries into an outbox, one after the other."""
    filled: Outbox = ()
    for entry in entries:
        filled = placed(filled, entry)
    return filled


@pytest.mark.parametrize(
    ("entries", "certain", "chosen"),
    [
        pytest.param([NEW, OLD], (), OLD, id="the older one, though it came later"),
        pytest.param([WRITTEN, OLD], {300}, OLD, id="the older one, though the newer one is written"),
        pytest.param([WRITTEN, OLD], (), WRITTEN, id="what may have been sent is looked for first"),
        pytest.param([WRITTEN, OLD], {100}, WRITTEN, id="whatever is known of the older one"),
        pytest.param([HALF_SENT, OLD], {300}, HALF_SENT, id="what is sent in part goes on to its end"),
        pytest.param([SHOWN, OLD], {300}, SHOWN, id="what has begun to be shown goes on to its end"),
        pytest.param(
            [replace(OLD, composed_position=3, sent_ids=(0,)), HALF_SENT],
            {300},
            HALF_SENT,
            id="before any look for another one",
        ),
        pytest.param([COMMAND, NEW], (), COMMAND, id="a command has its place by its id as well"),
        pytest.param(
            [replace(NEW, via=Via.ASK, composed_position=9), OLD],
            (),
            OLD,
            id="there is nothing to look for of a command",
        ),
    ],
)
def test_which_reply_goes_on(entries: Sequence[Pending], certain: Collection[int], chosen: Pending) -> None:
    """What is under way, then what may be, then what waits, by message id."""
    assert next_in_line(outbox(*entries), certain) == chosen


@pytest.mark.parametrize(
    ("entries", "message_id", "first"),
    [
        pytest.param([OLD, NEW], 100, True, id="the oldest"),
        pytest.param([OLD, NEW], 300, False, id="a newer one"),
        pytest.param([OLD, SHOWN], 100, False, id="behind what is under way"),
        pytest.param([COMMAND, NEW], 300, True, id="a command holds nothing up"),
    ],
)
def test_whether_a_reply_is_first(entries: Sequence[Pending], message_id: int, *, first: bool) -> None:
    """Commands have responses of their own, which stand where they were used."""
    assert is_first(outbox(*entries), message_id) is first


def test_messages_in_a_row_are_those_that_stand_in_a_row() -> None:
    """Also where a catch-up brought the first of them last."""
    row = outbox(NEW, replace(MIDDLE, author_id=8), OLD)
    state = Conversation(outbox=row)
    joined = Conversation(outbox=outbox(NEW, MIDDLE, OLD))

    assert in_a_row(state, row[0]) == (OLD,)
    assert in_a_row(joined, joined.outbox[0]) == (OLD, MIDDLE, NEW)


def test_collecting_counts_from_the_newest_request() -> None:
    """And ends five times the setting after the oldest, wherever these stand."""
    patience = Patience(max_age_us=1000, max_attempts=5, together_us=10)
    late_and_early = (replace(OLD, requested_at=100), replace(NEW, requested_at=60))

    assert collecting(late_and_early, 103, patience) == 7
    assert collecting(late_and_early, 108, patience) == 2
    assert collecting((replace(OLD, requested_at=110), late_and_early[1]), 108, patience) == 2
