"""The usage of models: tokens and cost of answers by day, person and channel, and reactions to answers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core.events import (
    AnswerRehearsed,
    ConversationSummarised,
    KeyKind,
    ReactionAdded,
    ReactionRemoved,
    Recorded,
    ReplyAbandoned,
    ReplyComposed,
    ReplyDelayed,
    ReplyRequested,
)
from bot.core.paid import Failed, Paid, model_of
from bot.core.streams import channel_of, stream_of
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.moderation.bars import bars
from bot.moderation.command import ModerationError, Report
from bot.moderation.context import CommandContext
from bot.moderation.display_names import names_of, partners_of
from bot.moderation.points import Point, channel_of_message, parse_point, version_at
from bot.moderation.text import count_text
from bot.money import dollar_text
from bot.times import iso_time

TYPES = tuple(
    event.TYPE
    for event in (
        ReplyRequested,
        ReplyComposed,
        ReplyDelayed,
        ReplyAbandoned,
        ConversationSummarised,
        AnswerRehearsed,
        ReactionAdded,
        ReactionRemoved,
    )
)
UNKNOWN = "unknown"
"""The key for answers whose asker is not known."""


@dataclass(slots=True)
class Sum:
    """The usage of some answers; ``unpriced`` counts those whose cost is not known.

    ``failed`` counts attempts that used tokens and gave no answer, ``rehearsed`` answers that were not sent.
    """

    replies: int = 0
    failed: int = 0
    tokens: int = 0
    cost_micros: int = 0
    unpriced: int = 0
    rehearsed: int = 0

    def add(self, event: Paid) -> None:
        """Add an answer, or a failed attempt."""
        tokens = event.tokens_in + event.tokens_out
        self.replies += isinstance(event, ReplyComposed)
        self.failed += isinstance(event, Failed)
        self.rehearsed += isinstance(event, AnswerRehearsed)
        self.tokens += tokens
        self.cost_micros += event.cost_micros
        self.unpriced += not event.priced

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "replies": self.replies,
            "failed": self.failed,
            "tokens": self.tokens,
            "cost_micros": self.cost_micros,
            "unpriced": self.unpriced,
            "rehearsed": self.rehearsed,
        }

    def __str__(self) -> str:
        flag = f", {self.unpriced:,} unpriced" if self.unpriced else ""
        replies = count_text(self.replies, "reply", "replies")
        failed = f", {count_text(self.failed, 'failed attempt')}" if self.failed else ""
        rehearsed = f", {self.rehearsed:,} rehearsed" if self.rehearsed else ""
        return f"{replies}{failed}{rehearsed}, {self.tokens:,} tokens, {dollar_text(self.cost_micros)}{flag}"


def _sums() -> defaultdict[str, Sum]:
    return defaultdict(Sum)


@dataclass(slots=True)
class Usage:
    """Sums in all, by day (UTC), person, channel and model, and the reactions that were not removed.

    ``moderators`` is what they had composed anew (without its failed attempts) or rehearsed. ``names`` holds the known
    names of people and channels, by id.
    """

    total: Sum = field(default_factory=Sum)
    moderators: Sum = field(default_factory=Sum)
    days: defaultdict[str, Sum] = field(default_factory=_sums)
    people: defaultdict[str, Sum] = field(default_factory=_sums)
    channels: defaultdict[str, Sum] = field(default_factory=_sums)
    models: defaultdict[str, Sum] = field(default_factory=_sums)
    reactions: Counter[str] = field(default_factory=Counter)
    names: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        plain = {"days": self.days, "models": self.models}
        named = {"people": self.people, "channels": self.channels}
        return {
            "total": self.total.to_json(),
            "moderators": self.moderators.to_json(),
            **{name: {key: each.to_json() for key, each in group.items()} for name, group in plain.items()},
            **{
                name: {key: {"name": self.names.get(key), **each.to_json()} for key, each in group.items()}
                for name, group in named.items()
            },
            "reactions": dict(self.reactions),
        }


async def collect(reader: Reader, *, channels: Collection[int] | None = None, since: int | None = None) -> Usage:
    """Return the usage in ``channels`` (None: in all) since a moment (microseconds since the epoch)."""
    found = Usage()
    askers: dict[int, int] = {}
    async for recorded in reader.events(Query(types=TYPES, since=since)):
        channel_id = channel_of(recorded.stream)
        if channel_id is None or (channels is not None and channel_id not in channels):
            continue
        match recorded.event:
            case ReplyRequested(message_id=message_id, author_id=author_id):
                askers[message_id] = author_id
            case ReplyComposed() as event:
                person_id = askers.pop(event.message_id, 0) or await _asker(reader, recorded, event)
                _count(found, recorded, event, channel_id, person_id)
            case ConversationSummarised() as event:
                _count(found, recorded, event, channel_id, 0)
            case AnswerRehearsed() as event:
                _count(found, recorded, event, channel_id, event.moderator_id)
            case ReplyDelayed() | ReplyAbandoned() as event:
                person_id = askers.get(event.message_id, 0) or await _asker(reader, recorded, event)
                _count(found, recorded, event, channel_id, person_id)
            case ReactionAdded(feeling=feeling):
                found.reactions[feeling.value] += 1
            case ReactionRemoved(feeling=feeling):
                found.reactions[feeling.value] -= 1
    # Counts may be below zero: a reaction from before ``since`` may have been removed after it.
    found.reactions = +found.reactions
    people = [int(person) for person in found.people if person != UNKNOWN]
    known = (await names_of(reader, people, channels), await partners_of(reader, [*map(int, found.channels)]))
    found.names = {str(named): name for names in known for named, name in names.items()}
    return found


async def _asker(reader: Reader, recorded: Recorded, event: ReplyComposed | Failed) -> int:
    """Return who asked, also before ``since`` or for a former answer; 0 if not known or if no tokens were used."""
    if not (event.tokens_in or event.tokens_out):
        return 0
    requests = await reader.find(recorded.stream, KeyKind.REQUESTED, event.message_id)
    return next((each.event.author_id for each in requests if isinstance(each.event, ReplyRequested)), 0)


def _count(found: Usage, recorded: Recorded, event: Paid, channel_id: int, person_id: int) -> None:
    model = model_of(event)
    if not model:
        return
    person = str(person_id) if person_id else UNKNOWN
    day = iso_time(recorded.recorded_at)[:10]
    for each in (
        found.total,
        found.days[day],
        found.people[person],
        found.channels[str(channel_id)],
        found.models[model],
        *((found.moderators,) if _of_moderators(event) else ()),
    ):
        each.add(event)


def _of_moderators(event: Paid) -> bool:
    return isinstance(event, AnswerRehearsed) or (isinstance(event, ReplyComposed) and event.generation > 1)


def moderators_line(found: Usage) -> tuple[str, ...]:
    """Return a line about what moderators had composed anew or rehearsed, if they had."""
    return (f"moderators (again, rehearse): {found.moderators}",) if found.moderators.tokens else ()


async def usage(context: CommandContext, channels: Mapping[int, str] | None = None, since: str | None = None) -> Report:
    """Show the usage in ``channels``, given with their names ("": none), or in all (None)."""
    moment = await since_moment(context.reader, channels, parse_point(since, context.clock())) if since else None
    found = await collect(context.reader, channels=channels, since=moment)
    found.names |= {str(channel_id): name for channel_id, name in (channels or {}).items() if name}
    rows = bars("by day:", {shown_day(day): each for day, each in found.days.items()}, _tokens, by_size=False)
    rows += bars("by person:", found.people, _tokens, found.names)
    rows += bars("by channel:", found.channels, _tokens, found.names)
    rows += bars("by model:", found.models, _tokens)
    rows += moderators_line(found)
    if found.reactions:
        rows.append(f"reactions: {', '.join(f'{count} {name}' for name, count in sorted(found.reactions.items()))}")
    if found.total.unpriced:
        rows.append("unpriced: no price in the settings' llm.prices")
    return Report(f"Usage: {found.total}", tuple(rows), found.to_json())


async def since_moment(reader: Reader, channels: Collection[int] | None, point: Point) -> int:
    """Return the moment at which a point begins; ``channels`` are those that are counted (None: all).

    Raises ModerationError for a version if not exactly one channel is counted, and for a message outside of them.
    """
    if point.moment is not None:
        return point.moment
    if point.message_id is not None:
        channel_id = point.channel_id or await channel_of_message(reader, point.message_id)
    elif channels is not None and len(channels) == 1:
        (channel_id,) = channels
    else:
        raise ModerationError(f"Version {point.version} of which channel? Name one, or give a time such as 7d.")
    if channel_id is None or (channels is not None and channel_id not in channels):
        # The same sentence for both, so that nobody learns about messages in other channels.
        raise ModerationError(f"Message {point.message_id} is in no channel that is counted here.")
    version = await version_at(reader, channel_id, point)
    query = Query(stream=stream_of(channel_id), first_version=version)
    events = [recorded async for recorded in reader.events(query, limit=1)]
    return events[0].recorded_at


def _tokens(each: Sum) -> int:
    return each.tokens


def shown_day(day: str) -> str:
    """Return a day (UTC) with its zone, so that it means the same day when somebody types it."""
    return f"{day}Z"
