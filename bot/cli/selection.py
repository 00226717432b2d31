"""Which events a command is about: the options that ``log show`` and ``log export`` share, and how they are read."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from bot.cli.moments import Moment
from bot.cli.options import log_location, settings
from bot.cli.records import Line, lines
from bot.conversations import stream_of
from bot.core.events import Recorded
from bot.errors import KeyMismatch
from bot.eventlog.codec import event_models
from bot.eventlog.log import open_reader
from bot.eventlog.reader import Query, Reader

Command = Callable[..., Any]

CHUNK = 500
"""Events whose words are fetched in one go."""

LARGEST_ID = 2**63 - 1


class DiscordId(click.IntRange):
    """A Discord id."""

    name = "id"

    def __init__(self) -> None:
        super().__init__(1, LARGEST_ID)

    def _describe_range(self) -> str:
        return "a Discord id"


class EventType(click.ParamType[str]):
    """The stored name of a type of event."""

    name = "type"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return a name that there is."""
        known = [model.TYPE for model in event_models()]
        if value not in known:
            near = get_close_matches(str(value), known, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            self.fail(f"there is no type {value!r}.{meant} The types are: {', '.join(known)}.", param, ctx)
        return str(value)


@dataclass(frozen=True, slots=True)
class Selection:
    """What the options chose; ``since`` and ``until`` in microseconds since the epoch."""

    stream: str | None = None
    types: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    message_id: int | None = None

    def query(self, *, after: int = 0, newest_first: bool = False) -> Query:
        """Return the log's query for it."""
        return Query(
            stream=self.stream,
            types=self.types,
            after=after,
            since=self.since,
            until=self.until,
            message_id=self.message_id,
            newest_first=newest_first,
        )

    async def check(self, reader: Reader) -> None:
        """Refuse a stream that the log does not have."""
        if self.stream is not None and not await reader.head(self.stream):
            raise unknown_stream(self.stream)


def unknown_stream(stream: str) -> click.BadParameter:
    """Return the refusal of a stream that the log does not have."""
    return click.BadParameter(
        f"there is no stream {stream} in this log: `echoless log stats` lists those there are.",
        param_hint="'--channel'" if stream.startswith("channel:") else "'--stream'",
    )


stream_options = (
    click.option("--channel", "channel_id", type=DiscordId(), help="Only the channel, thread or DM with this id."),
    click.option("--stream", help="Only this stream, such as guild:123 or bot."),
)
_SELECTING = (
    *stream_options,
    click.option("--type", "types", type=EventType(), multiple=True, help="Only events of this type; may be repeated."),
    click.option(
        "--since", type=Moment(), help="Only events from then on: 2026-08-06T12:00, or how long ago: 10m, 3d."
    ),
    click.option("--until", type=Moment(), help="Only events before then."),
    click.option("--message", "message_id", type=DiscordId(), help="Only events about this message and its reply."),
)


def chosen_stream(channel_id: int | None, stream: str | None) -> str | None:
    """Return the stream that ``--channel`` or ``--stream`` name; refuse both at once."""
    if channel_id is not None and stream is not None:
        raise click.UsageError("--channel and --stream exclude each other: a channel is the stream channel:ID.")
    return stream if channel_id is None else stream_of(channel_id)


def selecting(command: Command) -> Command:
    """Give a command the options that choose events, as one argument ``selection``."""

    @functools.wraps(command)
    def wrapped(
        *,
        channel_id: int | None,
        stream: str | None,
        types: tuple[str, ...],
        since: int | None,
        until: int | None,
        message_id: int | None,
        **others: object,
    ) -> object:
        selection = Selection(chosen_stream(channel_id, stream), types, since, until, message_id)
        return command(selection=selection, **others)

    for option in reversed(_SELECTING):
        option(wrapped)
    return wrapped


@asynccontextmanager
async def reading(config_path: Path | None, folder: Path | None, *, words: bool) -> AsyncIterator[Reader]:
    """Open the log for reading, beside a bot that writes it; ``words`` tells whether its key is needed."""
    location = log_location(settings(config_path, folder))
    try:
        reader = await open_reader(location, words=words)
    except KeyMismatch as error:
        raise KeyMismatch(f"{error} Without the words (--no-words) no key is needed.") from error
    try:
        yield reader
    finally:
        await reader.close()


async def oldest_of_newest(reader: Reader, selection: Selection, limit: int) -> int:
    """Return the position at which the newest ``limit`` chosen events begin; they need not fit into memory."""
    position = 0
    async for recorded in reader.events(selection.query(newest_first=True), limit=limit):
        position = recorded.position
    return position


async def chosen(reader: Reader, selection: Selection, *, limit: int, words: bool) -> AsyncIterator[Line]:
    """Yield the newest ``limit`` chosen events (0: all) in chronological order, with their words if wanted."""
    first = await oldest_of_newest(reader, selection, limit) if limit else 1
    chunk: list[Recorded] = []
    async for recorded in reader.events(selection.query(after=first - 1), limit=limit or None):
        chunk.append(recorded)
        if len(chunk) == CHUNK:
            for line in await lines(reader, chunk, words=words):
                yield line
            chunk.clear()
    for line in await lines(reader, chunk, words=words):
        yield line
