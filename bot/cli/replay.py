"""``echoless replay``: the state of a channel as of a version or a moment, rebuilt from the log alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from bot.cli.moments import VersionOrMoment
from bot.cli.options import config_option, folder_option
from bot.cli.output import say_json
from bot.cli.replay_commands import COMMANDS
from bot.cli.replay_view import print_state
from bot.cli.selection import DiscordId, reading, unknown_stream
from bot.conversations import stream_of
from bot.eventlog.reader import Reader
from bot.moderation.replayed import Replayed
from bot.moderation.see import state_at


@click.group(invoke_without_command=True, subcommand_metavar="[COMMAND [ARGS]...]", commands=COMMANDS)
@config_option
@folder_option
@click.option("--channel", "channel_id", type=DiscordId(), help="The channel, thread or DM.  [required]")
@click.option(
    "--at",
    type=VersionOrMoment(),
    default=None,
    help="A version of the channel, or a moment: 2026-08-06T12:00, or how long ago: 10m, 3d.  [default: now]",
)
@click.option("--words", is_flag=True, help="Show what people and the bot wrote; needs the key.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; the same call on the same log gives the same.")
@click.pass_context
def replay(
    ctx: click.Context,
    *,
    config_path: Path | None,
    folder: Path | None,
    channel_id: int | None,
    at: tuple[int | None, int | None] | None,
    words: bool,
    as_json: bool,
) -> None:
    """Show what the bot knew of a channel, now or at any time; its commands see, explain, rewind and repair.

    The state is folded from the log: Discord, the clock and the responder are never asked, and nothing is written or
    sent. The commands that change something are carried out by the bot where one runs on this log.
    """
    if ctx.invoked_subcommand is not None:
        return
    if channel_id is None:
        raise click.UsageError("Missing option '--channel': `echoless log stats` lists the channels there are.")

    async def run() -> Replayed:
        async with reading(config_path, folder, words=words) as reader:
            return await _replayed(reader, channel_id, at or (None, None), words=words)

    state = asyncio.run(run())
    if as_json:
        say_json(state.to_json())
    else:
        print_state(state)


async def _replayed(reader: Reader, channel_id: int, at: tuple[int | None, int | None], *, words: bool) -> Replayed:
    version, moment = at
    stream = stream_of(channel_id)
    head = await reader.head(stream)
    if not head:
        raise unknown_stream(stream)
    if version is not None and version > head:
        raise click.BadParameter(f"{stream} is at version {head}; there is no version {version}.", param_hint="'--at'")
    if moment is not None:
        version = await reader.version_at(stream, moment)
    return await state_at(reader, channel_id, version, words=words)
