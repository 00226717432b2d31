"""What goes on, by channel and hour (UTC): messages, people, replies and how soon they came, what got none, cost. Pure.

Events become increments, and increments are added up. So events may be counted in any batches, one after the other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from bot.core import events as e
from bot.core.paid import Paid, model_of
from bot.core.streams import channel_of

HOUR = 3_600_000_000
"""Microseconds."""
LONGEST = 24 * HOUR
"""A reply that takes longer says nothing of how fast replies are, and is not waited for."""
MOST = 2**40
"""The most that one event adds, so that a nonsense number of tokens leaves sums within 64 bits."""
BOUNDS = tuple(round(1000 * 2 ** (step / 4)) for step in range(107))
"""The upper bounds of the latencies that are counted together, in microseconds: from 1 ms to a day, 19 % apart."""
_BOUND_NAMES = tuple(map(str, BOUNDS))


class Measure(StrEnum):
    """What is counted; the label says of which kind, "" where there are no kinds."""

    MESSAGES = "messages"
    """By author: those of people and, apart from them, those of other bots and webhooks."""
    REPLIES = "replies"
    """Replies whose first part is in Discord."""
    LATENCY = "latency"
    """Replies to what came live, by the bound of the time from the question's recording to the last part's."""
    SKIPPED = "skipped"
    """By reason."""
    GIVEN_UP = "given up"
    """By reason."""
    TOKENS_IN = "tokens in"
    TOKENS_OUT = "tokens out"
    COST_MICROS = "cost in micros"
    UNPRICED = "unpriced"


Cell: TypeAlias = tuple[int, int, Measure, str]
"""One number of the table: hour since the epoch, channel, measure, label."""
Seen: TypeAlias = tuple[int, int, int]
"""Hour since the epoch, channel, and a person who wrote something there and then."""


class Forgotten(NamedTuple):
    """A person had themselves forgotten by the event at ``position``: from then on nobody knows who it was."""

    person_id: int
    position: int


@dataclass(slots=True)
class Waiting:
    """A live question whose reply is not whole yet; ``parts`` is 0 until it is composed."""

    received_at: int
    begun: bool = False
    parts: int = 0
    sent: int = 0

    @property
    def whole(self) -> bool:
        """Tell whether the last part is in Discord. One that is shown while it is written is completed by an event."""
        return not self.begun and 0 < self.parts <= self.sent


@dataclass(slots=True)
class Tally:
    """What some events add. ``waiting`` is that of before, by message, and is changed.

    ``seen`` has one set more than ``forgotten`` has people: who was seen before each of these, and after the last.
    """

    waiting: dict[int, Waiting]
    cells: defaultdict[Cell, int] = field(default_factory=lambda: defaultdict(int))
    seen: list[set[Seen]] = field(default_factory=lambda: [set()])
    forgotten: list[Forgotten] = field(default_factory=list)

    def count(self, events: Iterable[e.Recorded]) -> None:
        """Count events, in their order; of those outside of channels only who had themselves forgotten."""
        channel = cache(channel_of)
        for recorded in events:
            counted = _COUNTED.get(type(recorded.event))
            if counted is not None:
                channel_id = channel(recorded.stream)
                if channel_id is not None or counted is _erased:
                    counted(self, channel_id or 0, recorded, recorded.event)

    def add(self, recorded: e.Recorded, channel_id: int, measure: Measure, label: str = "") -> None:
        """Add one to the number of the hour in which an event was recorded."""
        self.cells[recorded.recorded_at // HOUR, channel_id, measure, label] += 1

    def ended(self, recorded: e.Recorded, channel_id: int, message_id: int) -> None:
        """Count how long a reply took that is whole now."""
        question = self.waiting.pop(message_id)
        length = recorded.recorded_at - question.received_at
        if 0 <= length <= LONGEST:
            self.add(recorded, channel_id, Measure.LATENCY, _BOUND_NAMES[bisect_left(BOUNDS, length)])


_Count: TypeAlias = Callable[[Tally, int, e.Recorded, Any], None]


def _received(tally: Tally, channel_id: int, _recorded: e.Recorded, event: e.MessagePosted) -> None:
    author = event.author
    if author is e.Author.SELF:
        return
    # When it was written, not when it was read: a catch-up or an import brings what is older.
    hour = event.sent_at // HOUR
    tally.cells[hour, channel_id, Measure.MESSAGES, author] += 1
    if author is e.Author.PERSON:
        tally.seen[-1].add((hour, channel_id, event.author_id))


def _skipped(tally: Tally, channel_id: int, recorded: e.Recorded, event: e.MessageSkipped) -> None:
    tally.add(recorded, channel_id, Measure.SKIPPED, event.reason)


def _requested(tally: Tally, _channel_id: int, recorded: e.Recorded, event: e.ReplyRequested) -> None:
    if event.via in _LIVE:
        # Recorded in one append with the question. Where a thread was opened for the answer, it is requested once more.
        tally.waiting.setdefault(event.message_id, Waiting(recorded.recorded_at))


def _begun(tally: Tally, _channel_id: int, _recorded: e.Recorded, event: e.ReplyBegun) -> None:
    if (question := tally.waiting.get(event.message_id)) is not None:
        question.begun = True


def _composed(tally: Tally, channel_id: int, recorded: e.Recorded, event: e.ReplyComposed) -> None:
    _paid(tally, channel_id, recorded, event)
    if (question := tally.waiting.get(event.message_id)) is not None:
        question.parts = event.parts


def _sent(tally: Tally, channel_id: int, recorded: e.Recorded, event: e.ReplySent) -> None:
    if event.part == 0:
        tally.add(recorded, channel_id, Measure.REPLIES)
    if (question := tally.waiting.get(event.message_id)) is not None:
        question.sent += 1
        if question.whole:
            tally.ended(recorded, channel_id, event.message_id)


def _completed(tally: Tally, channel_id: int, recorded: e.Recorded, event: e.ReplyCompleted) -> None:
    if event.message_id in tally.waiting:
        tally.ended(recorded, channel_id, event.message_id)


def _abandoned(tally: Tally, channel_id: int, recorded: e.Recorded, event: e.ReplyAbandoned) -> None:
    _paid(tally, channel_id, recorded, event)
    tally.waiting.pop(event.message_id, None)
    # One that is answered together with another message is not given up.
    if event.reason is not e.AbandonReason.TOGETHER:
        tally.add(recorded, channel_id, Measure.GIVEN_UP, event.reason)


def _retried(tally: Tally, _channel_id: int, _recorded: e.Recorded, event: e.ReplyRetried) -> None:
    # How long it takes now is up to whoever asked for it again.
    tally.waiting.pop(event.message_id, None)


def _paid(tally: Tally, channel_id: int, recorded: e.Recorded, event: Paid) -> None:
    if model_of(event):
        hour = recorded.recorded_at // HOUR
        for measure, amount in (
            (Measure.TOKENS_IN, event.tokens_in),
            (Measure.TOKENS_OUT, event.tokens_out),
            (Measure.COST_MICROS, event.cost_micros),
            (Measure.UNPRICED, not event.priced),
        ):
            if amount:
                tally.cells[hour, channel_id, measure, ""] += min(amount, MOST)


def _erased(tally: Tally, _channel_id: int, recorded: e.Recorded, event: e.WordsErased) -> None:
    if event.reason is e.ErasureReason.PERSON and event.by.isascii() and event.by.isdecimal():
        tally.forgotten.append(Forgotten(int(event.by), recorded.position))
        tally.seen.append(set())


_LIVE = frozenset((e.Via.LIVE, e.Via.AHEAD, e.Via.ASK, e.Via.WHISPER))
_COUNTED: Mapping[type[e.Event], _Count] = {
    **dict.fromkeys(e.POSTED, _received),
    e.MessageSkipped: _skipped,
    e.ReplyRequested: _requested,
    e.ReplyBegun: _begun,
    e.ReplyComposed: _composed,
    e.ReplySent: _sent,
    e.ReplyCompleted: _completed,
    e.ReplyDelayed: _paid,
    e.ReplyAbandoned: _abandoned,
    e.ReplyRetried: _retried,
    e.ConversationSummarised: _paid,
    e.AnswerRehearsed: _paid,
    e.WordsErased: _erased,
}
TYPES = tuple(_COUNTED)
"""The types of events that are counted."""
