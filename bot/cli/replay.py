"""``echoless replay``: the state of a channel at a version or a time, rebuilt from the log alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from bot.cli.options import config_option, folder_option
from bot.cli.output import say_json
from bot.cli.replay_calls import ReplayTarget
from bot.cli.replay_commands import ReplayGroup
from bot.cli.replay_options import channel_of_points, channel_option, point_option
from bot.cli.replay_view import print_state
from bot.cli.selection import reading, unknown_stream
from bot.core.streams import stream_of
from bot.eventlog.reader import Reader
from bot.moderation.command import ModerationError
from bot.moderation.history import state_at
from bot.moderation.points import Point, version_at
from bot.moderation.replayed import Replayed


@click.group(invoke_without_command=True, subcommand_metavar="[COMMAND [ARGS]...]", cls=ReplayGroup)
@config_option
@folder_option
@channel_option
@point_option
@click.option("--words", is_flag=True, help="Show what people and the bot wrote; needs the key.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; the same call on the same log gives the same.")
@click.pass_context
def replay(
    ctx: click.Context,
    *,
    config_path: Path | None,
    folder: Path | None,
    channel_id: int | None,
    at: Point | None,
    words: bool,
    as_json: bool,
) -> None:
    """Show what the bot knew of a channel, now or at any time; its commands see, explain, rewind and repair.

    The state is folded from the log: Discord, the clock and the responder are never asked, and nothing is written or
    sent. The commands that change something are carried out by the bot where one runs on this log.
    """
    if ctx.invoked_subcommand is not None:
        return
    channel = channel_of_points(ReplayTarget.of(config_path, folder, as_json=as_json), channel_id, at)

    async def run() -> Replayed:
        async with reading(config_path, folder, words=words) as reader:
            return await _replayed(reader, channel, at, words=words)

    state = asyncio.run(run())
    if as_json:
        say_json(state.to_json())
    else:
        print_state(state)


async def _replayed(reader: Reader, channel_id: int, at: Point | None, *, words: bool) -> Replayed:
    stream = stream_of(channel_id)
    if not await reader.head(stream):
        raise unknown_stream(stream)
    try:
        version = None if at is None else await version_at(reader, channel_id, at)
    except ModerationError as error:
        raise click.BadParameter(str(error), param_hint="'--at'") from error
    return await state_at(reader, channel_id, version, words=words)
