"""Which partitions of a divided log a command is about.

There is one rule for all commands. ``--partition`` names it. What names a channel, message or server is about the
partition that holds it. All else is about every partition whose folder is on this machine, one after the other, unless
the command can be about one only: then it is refused without ``--partition``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bot.core.sharding import Sharding
from bot.core.streams import channel_of, guild_of, stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.moderation.points import Point, channel_of_message

ONE_FILE = ("output", "picture", "key_file", "anchor", "archive")
"""Arguments that name a file, or what stands for all of one log. They are about one partition."""

Given = Mapping[str, Any]
"""The arguments of a command by their names."""


def chosen(locations: Sequence[Location], given: Given, partition: int | None, *, several: bool) -> Sequence[int]:
    """Return the partitions that a command is about; ``locations`` are those of all, in their order."""
    count = len(locations)
    if partition is not None and partition >= count:
        raise click.BadParameter(f"the log has {count}, from 0 to {count - 1}.", param_hint="'--partition'")
    if partition is not None or count == 1:
        return (partition or 0,)
    here = {number: location for number, location in enumerate(locations) if location.has_log()}
    named = _named(here, count, given)
    if named is not None:
        return (named,)
    if not several or any(given.get(name) for name in ONE_FILE) or not given.get("target", Path()).is_dir():
        raise click.UsageError(
            f"The log has {count} partitions: say which with --partition N. That of a server is (id >> 22) % {count}."
        )
    return tuple(here) or (0,)


def _named(here: Mapping[int, Location], count: int, given: Given) -> int | None:
    """Return the partition of the channel, message or server that is named; None where none is.

    The first one here stands for what no partition has: the command says that it is not there.
    """
    stream = given.get("stream") or ""
    server_id = given.get("server_id") or guild_of(stream)
    if server_id is not None:
        return Sharding(count).partition_of(server_id)
    points = [value for value in given.values() if isinstance(value, Point)]
    channels = {given.get("channel_id"), channel_of(stream), *(point.channel_id for point in points)} - {None}
    messages = {point.message_id for point in points if point.message_id is not None}
    if not (channels or messages):
        return None
    return asyncio.run(_holder(here, {stream_of(each) for each in channels if each is not None}, messages))


async def _holder(here: Mapping[int, Location], streams: set[str], messages: set[int]) -> int:
    for number, location in here.items():
        reader = await open_reader(location, words=False)
        try:
            held = [await reader.head(stream) for stream in streams]
            if any(held) or any([await channel_of_message(reader, each) for each in messages]):
                return number
        finally:
            await reader.close()
    return min(here, default=0)
