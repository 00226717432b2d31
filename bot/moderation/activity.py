"""The figures of what went on in a time: in all, by hour or day (UTC), and by channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from bot.core.activity import Measure
from bot.core.events import Author
from bot.moderation.text import count_text
from bot.money import dollar_text
from bot.times import HOUR, MINUTE, SECOND, iso_time, span

AN_HOUR, A_DAY = 1, 24
"""Lengths of slots, in hours."""
_APART = 2 ** (1 / 4)
"""Between the bounds of two latencies (:data:`bot.core.activity.BOUNDS`)."""


@dataclass(slots=True)
class Figures:
    """What went on; ``messages`` and ``people`` are without bots. ``latency`` counts replies by upper bound (µs).

    ``replies`` are those whose first part was sent, ``unpriced`` answers and attempts whose cost is not known.
    """

    messages: int = 0
    people: int = 0
    replies: int = 0
    bot_messages: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    unpriced: int = 0
    latency: Counter[int] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)

    def add(self, measure: str, label: str, amount: int) -> None:
        """Add a number of the table; a measure of a newer release is passed over."""
        match measure:
            case Measure.MESSAGES if label == Author.PERSON:
                self.messages += amount
            case Measure.MESSAGES:
                self.bot_messages += amount
            case Measure.REPLIES:
                self.replies += amount
            case Measure.LATENCY:
                self.latency[int(label)] += amount
            case Measure.SKIPPED:
                self.skipped[label] += amount
            case Measure.GIVEN_UP:
                self.given_up[label] += amount
            case Measure.TOKENS_IN:
                self.tokens_in += amount
            case Measure.TOKENS_OUT:
                self.tokens_out += amount
            case Measure.COST_MICROS:
                self.cost_micros += amount
            case Measure.UNPRICED:
                self.unpriced += amount

    def join(self, other: Figures) -> None:
        """Add the figures of another slot or channel, apart from people, who may be the same."""
        self.messages += other.messages
        self.replies += other.replies
        self.bot_messages += other.bot_messages
        self.tokens_in += other.tokens_in
        self.tokens_out += other.tokens_out
        self.cost_micros += other.cost_micros
        self.unpriced += other.unpriced
        self.latency += other.latency
        self.skipped += other.skipped
        self.given_up += other.given_up

    @property
    def tokens(self) -> int:
        """Return the tokens of questions and answers."""
        return self.tokens_in + self.tokens_out

    def within(self, share: float) -> int | None:
        """Return the time within which this share of the replies came (µs), None without any; about 10 % exact."""
        left = share * self.latency.total()
        for bound, count in sorted(self.latency.items()):
            if left <= count:
                lower = bound / _APART
                return round(lower + (bound - lower) * left / count)
            left -= count
        return None

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        half, most = self.within(0.5), self.within(0.95)
        return {
            "messages": self.messages,
            "people": self.people,
            "replies": self.replies,
            "bot_messages": self.bot_messages,
            "latency_ms": {"p50": half and half // 1000, "p95": most and most // 1000, "count": self.latency.total()},
            "skipped": dict(self.skipped),
            "given_up": dict(self.given_up),
            "tokens": self.tokens,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "cost_micros": self.cost_micros,
            "unpriced": self.unpriced,
        }

    def __str__(self) -> str:
        counts = (
            count_text(self.messages, "message"),
            count_text(self.people, "person", "people"),
            count_text(self.replies, "reply", "replies"),
            *((f"{self.skipped.total():,} skipped",) if self.skipped else ()),
            *((f"{self.given_up.total():,} given up",) if self.given_up else ()),
        )
        return ", ".join(counts)

    def speed(self) -> str:
        """Return how soon replies came, "" without any."""
        half, most = self.within(0.5), self.within(0.95)
        return "" if half is None or most is None else f"half within {brief_span(half)}, 95 % within {brief_span(most)}"

    def spent(self) -> str:
        """Return tokens and cost, "" without any."""
        flag = f", {self.unpriced:,} unpriced" if self.unpriced else ""
        return f"{self.tokens:,} tokens, {dollar_text(self.cost_micros)}{flag}" if self.tokens else ""


class Wanted(NamedTuple):
    """What is counted: ``channels`` (None: all), from the hour of ``since`` to that of ``until`` (moments).

    ``step`` is the length of a slot in hours.
    """

    channels: frozenset[int] | None
    since: int
    until: int
    step: int = A_DAY

    @property
    def hours(self) -> tuple[int, int]:
        """Return the first and the last hour since the epoch."""
        return self.since // HOUR, self.until // HOUR


@dataclass(slots=True)
class Activity:
    """Figures in all, by slot and by channel. A slot is known by the hour it begins with; empty ones are missing."""

    wanted: Wanted
    total: Figures = field(default_factory=Figures)
    slots: dict[int, Figures] = field(default_factory=dict)
    channels: dict[int, Figures] = field(default_factory=dict)

    def every_slot(self) -> Iterator[tuple[int, Figures]]:
        """Yield the slots from the first one with something to the end of the time, also the empty ones."""
        if self.slots:
            last = max(self.wanted.hours[1], *self.slots)
            for hour in range(min(self.slots), last + 1, self.wanted.step):
                yield hour, self.slots.get(hour) or Figures()

    def to_json(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return it for machines; ``names`` holds the known ones of channels."""
        slots = "hours" if self.wanted.step == AN_HOUR else "days"
        return {
            "since": iso_time(self.wanted.hours[0] * HOUR),
            "until": iso_time((self.wanted.hours[1] + 1) * HOUR),
            "total": self.total.to_json(),
            slots: {slot_name(hour, self.wanted.step): each.to_json() for hour, each in sorted(self.slots.items())},
            "channels": {
                str(channel_id): {"name": names.get(str(channel_id)), **each.to_json()}
                for channel_id, each in self.channels.items()
            },
        }


class CountActivity(Protocol):
    """Counts what is wanted; ``progress`` is called with the number of finished events and that of all."""

    def __call__(self, wanted: Wanted, progress: Callable[[int, int], object] = ..., /) -> Awaitable[Activity]:
        """Return the figures."""


def slot_name(hour: int, step: int) -> str:
    """Return the name of a slot: its day, or its hour, in UTC, as somebody can type it."""
    iso = iso_time(hour * HOUR)
    return f"{iso[:10]} {iso[11:16]}Z" if step == AN_HOUR else f"{iso[:10]}Z"


def brief_span(length: int) -> str:
    """Return a length of time for people, to two digits below a minute: ``0.41 s``, ``12 s``, ``3 min 20 s``."""
    if length >= MINUTE:
        return span(length)
    seconds = length / SECOND
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"  # noqa: PLR2004 - two digits
