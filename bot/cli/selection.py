"""The options with which ``log show`` and ``log export`` choose events, and how they are read."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from bot.cli.options import log_location, masters_of, settings
from bot.cli.points import CHANNEL, MessageType, PointType
from bot.cli.records import TerminalLine, lines
from bot.core.events import Recorded
from bot.core.streams import channel_of, stream_of
from bot.errors import KeyMismatch
from bot.eventlog.archive import Archive, look
from bot.eventlog.codec import event_models
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.moderation.points import Point, channel_with, version_at

Command = Callable[..., Any]

CHUNK = 500
"""The number of events whose words are read in one go."""


class EventType(click.ParamType[str]):
    """The stored name of a type of event."""

    name = "type"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name if there is such a type."""
        known = [model.TYPE for model in event_models()]
        if value not in known:
            near = get_close_matches(str(value), known, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            self.fail(f"there is no type {value!r}.{meant} The types are: {', '.join(known)}.", param, ctx)
        return str(value)


@dataclass(frozen=True, slots=True)
class Selection:
    """The values of the options, as they were typed."""

    stream: str | None = None
    types: tuple[str, ...] = ()
    since: Point | None = None
    until: Point | None = None
    message: Point | None = None

    async def query(self, reader: Reader) -> Query:
        """Return the query for the log; refuse what the log does not have."""
        stream = await self._stream(reader)
        if stream is not None and not await reader.head(stream):
            raise unknown_stream(stream)
        since, first = await _edge(reader, stream, self.since)
        until, end = await _edge(reader, stream, self.until)
        return Query(
            stream=stream,
            types=self.types,
            since=since,
            until=until,
            message_id=self.message.message_id if self.message else None,
            first_version=first,
            last_version=None if end is None else end - 1,
        )

    async def _stream(self, reader: Reader) -> str | None:
        """Return the named stream, or the stream of the channel of a link or message."""
        points = [point for point in (self.since, self.until, self.message) if point is not None]
        streams = {stream_of(point.channel_id) for point in points if point.channel_id is not None}
        streams |= {self.stream} if self.stream is not None else set()
        for point in (self.since, self.until):
            if not streams and point is not None and point.message_id is not None:
                streams.add(stream_of(await channel_with(reader, point.message_id)))
        if len(streams) > 1:
            raise click.UsageError(f"These name several streams: {', '.join(sorted(streams))}.")
        return next(iter(streams), None)


async def _edge(reader: Reader, stream: str | None, point: Point | None) -> tuple[int | None, int | None]:
    """Return the time or the version at which a selection begins, or before which it ends."""
    if point is None or point.moment is not None:
        return (None if point is None else point.moment), None
    if stream is None:
        raise click.UsageError(f"Version {point.version} of which channel? Add --channel or --stream.")
    channel_id = channel_of(stream)
    if channel_id is not None:
        return None, await version_at(reader, channel_id, point)
    if point.version is None:
        raise click.UsageError(f"Messages are in channels, and {stream} is none.")
    head = await reader.head(stream)
    if point.version > head:
        raise click.UsageError(f"{stream} is at version {head}: there is no version {point.version} yet.")
    return None, point.version


def unknown_stream(stream: str) -> click.BadParameter:
    """Return the error for a stream that the log does not have."""
    return click.BadParameter(
        f"there is no stream {stream} in this log: `echoless log stats` lists those there are.",
        param_hint="'--channel'" if channel_of(stream) is not None else "'--stream'",
    )


stream_options = (
    click.option("--channel", "channel_id", type=CHANNEL, help="Only this channel, thread or DM: its id, or a link."),
    click.option("--stream", help="Only this stream, such as guild:123 or bot."),
)
_SELECTING = (
    *stream_options,
    click.option("--type", "types", type=EventType(), multiple=True, help="Only events of this type; may be repeated."),
    click.option(
        "--since",
        type=PointType(),
        help="Only events from then on: a time (local, or with a zone: 2026-08-06T12:00Z), how long ago (10m, 3 days "
        "ago), a message, or with --channel or --stream a version.",
    ),
    click.option("--until", type=PointType(), help="Only events before then."),
    click.option("--message", type=MessageType(), help="Only events about this message and its reply: its id or link."),
)


archive_option = click.option(
    "--archive",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read this file, which `echoless archive` made, and not the log; the log's key opens it.",
)


def chosen_stream(channel_id: int | None, stream: str | None) -> str | None:
    """Return the stream that ``--channel`` or ``--stream`` names; refuse both at once."""
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
        since: Point | None,
        until: Point | None,
        message: Point | None,
        **others: object,
    ) -> object:
        selection = Selection(chosen_stream(channel_id, stream), types, since, until, message)
        return command(selection=selection, **others)

    for option in reversed(_SELECTING):
        option(wrapped)
    return wrapped


@asynccontextmanager
async def reading(
    config_path: Path | None, folder: Path | None, *, words: bool | None, archive: Path | None = None
) -> AsyncIterator[Reader]:
    """Open the log for reading, beside a bot that may write it, or an archive.

    ``words`` tells whether the key is needed. None: the key is used if it exists and fits. An archive's seal is checked
    wherever there is a key.
    """
    location = log_location(settings(config_path, folder))
    if archive is not None:
        reader = await opened_archive(location, archive, words=bool(words)).reader()
        try:
            yield reader
        finally:
            await reader.close()
        return
    try:
        reader = await open_reader(location, words=words is not False)
    except KeyMismatch as error:
        if words:
            raise KeyMismatch(f"{error} Without the words (--no-words) no key is needed.") from error
        reader = await open_reader(location, words=False)
    try:
        yield reader
    finally:
        await reader.close()


def opened_archive(location: Location, path: Path, *, words: bool) -> Archive:
    """Look at an archive under the keys of the log; say so where there is none, and its seal was not checked."""
    try:
        masters = masters_of(location)
    except KeyMismatch as error:
        if words:
            raise KeyMismatch(f"{error} Without the words (--no-words) no key is needed.") from error
        click.echo("There is no key here, so the archive's seal was not checked.", err=True)
        masters = []
    return look(path, masters)


async def oldest_of_newest(reader: Reader, query: Query, limit: int) -> int:
    """Return the position of the oldest of the newest ``limit`` chosen events, without holding them in memory."""
    position = 0
    async for recorded in reader.events(replace(query, newest_first=True), limit=limit):
        position = recorded.position
    return position


async def chosen(reader: Reader, query: Query, *, limit: int, words: bool) -> AsyncIterator[TerminalLine]:
    """Yield the newest ``limit`` chosen events (0: all), oldest first, with their words if ``words``."""
    first_position = await oldest_of_newest(reader, query, limit) if limit else 1
    chunk: list[Recorded] = []
    async for recorded in reader.events(replace(query, after_position=first_position - 1), limit=limit or None):
        chunk.append(recorded)
        if len(chunk) == CHUNK:
            for line in await lines(reader, chunk, words=words):
                yield line
            chunk.clear()
    for line in await lines(reader, chunk, words=words):
        yield line
