"""Export a channel to a file or to stdout, page by page, so that memory stays flat."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import click

from bot.cli.new_file import new_file
from bot.cli.output import say_json
from bot.cli.replay_calls import Target

PAGE_BYTES = 4 * 2**20


def write_export(
    target: Target, channel_id: int, since: str | None, output: Path | None, *, force: bool, words: bool
) -> None:
    """Write a channel's events as JSON Lines; a file appears under its name once it is whole."""
    if output is None:
        asyncio.run(_pages(target, channel_id, since, lambda text: click.echo(text, nl=False), words=words))
        return
    with new_file(output, force=force) as file:
        count = asyncio.run(_pages(target, channel_id, since, file.write, words=words))
    if target.as_json:
        say_json({"channel_id": str(channel_id), "events": count, "file": str(output)})
    else:
        click.echo(f"{count:,} events of channel {channel_id} are in {output}.", err=True)


async def _pages(
    target: Target, channel_id: int, since: str | None, write: Callable[[str], object], *, words: bool
) -> int:
    """Write page by page and return how many events there were."""
    count, more = 0, since
    while True:
        arguments = {"channel_id": channel_id, "since": more, "words": words, "limit_bytes": PAGE_BYTES}
        report = await target.ask("export", arguments)
        if report.file is not None:
            write(report.file.content.decode())
        count += int(report.data["events"])
        more = report.more
        if more is None:
            return count
