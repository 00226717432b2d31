"""Export a channel to a file or to stdout, page by page, so that memory does not grow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from bot.cli.new_file import new_file
from bot.cli.output import say_json
from bot.cli.replay_calls import ReplayTarget
from bot.moderation.command import Command

PAGE_BYTES = 4 * 2**20


def write_export(
    target: ReplayTarget, command: Command, arguments: Mapping[str, Any], *, output: Path | None, force: bool
) -> None:
    """Write a channel's events as JSON Lines; a file gets its name once it is complete."""
    if output is None:
        asyncio.run(_pages(target, command, arguments, lambda text: click.echo(text, nl=False)))
        return
    with new_file(output, force=force) as file:
        count = asyncio.run(_pages(target, command, arguments, file.write))
    channel_id = arguments["channel_id"]
    if target.as_json:
        say_json({"channel_id": str(channel_id), "events": count, "file": str(output)})
    else:
        click.echo(f"{count:,} events of channel {channel_id} are in {output}.", err=True)


async def _pages(
    target: ReplayTarget, command: Command, arguments: Mapping[str, Any], write: Callable[[str], object]
) -> int:
    """Write page by page and return the number of events."""
    count, more = 0, arguments["since"]
    while True:
        report = await target.ask(command, {**arguments, "since": more, "limit_bytes": PAGE_BYTES})
        if report.file is not None:
            write(report.file.content.decode())
        count += int(report.data["events"])
        more = report.more
        if more is None:
            return count
