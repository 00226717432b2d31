"""The options and arguments of ``echoless replay``: channels, messages and points in time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bot.cli.options import config_option, folder_option
from bot.cli.points import CHANNEL, PointType
from bot.cli.replay_calls import ReplayTarget
from bot.moderation.points import Point

Command = Callable[..., Any]


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object; ids as text, times in UTC.")
channel_option = click.option(
    "--channel",
    "channel_id",
    type=CHANNEL,
    help="The channel, thread or DM: its id, or a link. A message names its channel itself.",
)
point_option = click.option(
    "--at",
    type=PointType(),
    help="A version, a time (local, or with a zone: 2026-08-06T12:00Z), how long ago, or a message.  [default: now]",
)


def targeted(command: Command) -> Command:
    """Give a command the options for its log and the form of its answer, as one argument ``target``.

    Options before the command's name, as in ``echoless replay --log DIR state``, count unless the command has them,
    too.
    """

    @functools.wraps(command)
    def wrapped(*, config_path: Path | None, folder: Path | None, as_json: bool, **others: Any) -> object:  # noqa: ANN401
        before = _before()
        target = ReplayTarget.of(
            config_path or before.get("config_path"),
            folder or before.get("folder"),
            as_json=as_json or before.get("as_json", False),
        )
        return command(target=target, **others)

    config_option(wrapped)
    json_option(wrapped)
    return folder_option(wrapped)


def channel_of_points(target: ReplayTarget, channel_id: int | None, *points: Point | None) -> int:
    """Return the channel named by ``--channel``, a link or a message; refuse none and several.

    Raises ModerationError when the log does not know the message.
    """
    given = [point for point in points if point is not None]
    named = {channel_id, *(point.channel_id for point in given)}
    if named == {None}:
        messages = [point.message_id for point in given if point.message_id is not None]
        named |= set(asyncio.run(target.channels_with(messages))) if messages else set()
    return _one_of(named)


def _one_of(named: set[int | None]) -> int:
    channels = {channel for channel in named if channel is not None}
    if len(channels) > 1:
        raise click.UsageError(f"These name several channels: {', '.join(map(str, sorted(channels)))}.")
    if not channels:
        raise click.UsageError("Missing option '--channel': `echoless log stats` lists the channels there are.")
    return channels.pop()


def said_before(name: str) -> Any:  # noqa: ANN401 - the option's
    """Return the value of an option before the command's name, None if it was not given."""
    return _before().get(name)


def _before() -> dict[str, Any]:
    parent = click.get_current_context().parent
    return parent.params if parent is not None else {}
