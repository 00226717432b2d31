"""The options and arguments of ``echoless replay``: channels, messages and points in time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bot.cli.options import config_option, folder_option
from bot.cli.replay_calls import Target
from bot.cli.selection import LARGEST_ID, DiscordId
from bot.moderation import ModerationError
from bot.moderation.points import parse_point

Command = Callable[..., Any]

ALL = "all"
"""What stands for every message that a command may be about."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message, and the channel it is in where its link told."""

    message_id: int
    channel_id: int | None = None


class MessageType(click.ParamType[MessageRef | None]):
    """A message's id or link; with ``or_all`` also the word ``all``, which is None."""

    name = "message"

    def __init__(self, *, or_all: bool = False) -> None:
        self._or_all = or_all

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> MessageRef | None:
        """Return the message that ``value`` names."""
        if isinstance(value, MessageRef):
            return value
        text = str(value).strip()
        if self._or_all and text.lower() == ALL:
            return None
        if text.isascii() and text.isdecimal() and 0 < int(text) <= LARGEST_ID:
            return MessageRef(int(text))
        point = _link(text)
        if point is None:
            self.fail(f"{text!r} is no message: give its id, or its link as Discord copies it.", param, ctx)
        return point


class PointType(click.ParamType[str]):
    """A point in a channel's history; a time without an offset is local time, as everywhere on the command line."""

    name = "version|time|message"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the point for Moderation to read."""
        text = str(value).strip()
        try:
            parse_point(text, 0)
        except ModerationError as error:
            self.fail(str(error).replace("(UTC)", "(local time)"), param, ctx)
        return _with_offset(text)


def _with_offset(text: str) -> str:
    if text.isdecimal():
        return text
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError, OSError):
        return text


def _link(text: str) -> MessageRef | None:
    try:
        point = parse_point(text, 0)
    except ModerationError:
        return None
    return MessageRef(point.message_id, point.channel_id) if point.message_id and point.channel_id else None


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object; ids as text, times in UTC.")
channel_option = click.option(
    "--channel", "channel_id", type=DiscordId(), help="The channel, thread or DM; a message's link names it, too."
)


def targeted(command: Command) -> Command:
    """Give a command the options that name its log and the form of its answer, as one argument ``target``.

    What is said before the command's name, as in ``echoless replay --log DIR state``, counts where the command itself
    does not say it.
    """

    @functools.wraps(command)
    def wrapped(*, config_path: Path | None, folder: Path | None, as_json: bool, **others: Any) -> object:  # noqa: ANN401
        before = _before()
        target = Target.of(
            config_path or before.get("config_path"),
            folder or before.get("folder"),
            as_json=as_json or before.get("as_json", False),
        )
        return command(target=target, **others)

    for option in (json_option, folder_option, config_option):
        option(wrapped)
    return wrapped


def channel_of_call(channel_id: int | None, *texts: MessageRef | str | None) -> int:
    """Return the channel that ``--channel`` or the links name; refuse none, and several."""
    named = {channel_id or _before().get("channel_id")}
    for text in texts:
        found = text if isinstance(text, MessageRef) else _link(text) if text else None
        named.add(found.channel_id if found else None)
    channels = {channel for channel in named if channel is not None}
    if len(channels) > 1:
        raise click.UsageError(f"These name several channels: {', '.join(map(str, sorted(channels)))}.")
    if not channels:
        raise click.UsageError("Missing option '--channel': `echoless log stats` lists the channels there are.")
    return channels.pop()


def channel_said_before() -> int | None:
    """Return the channel named before the command's name."""
    found: int | None = _before().get("channel_id")
    return found


def _before() -> dict[str, Any]:
    parent = click.get_current_context().parent
    return parent.params if parent is not None else {}
