"""``echoless page``: look at a log's conversations in a browser, now and at any time."""

from __future__ import annotations

import asyncio
import signal
import webbrowser
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import click

from bot.app.bot import reading_context
from bot.app.responders import rules_of
from bot.cli.options import config_option, log_location, settings
from bot.config import Config
from bot.errors import KeyMismatch
from bot.eventlog.log import open_reader
from bot.eventlog.reader import Reader
from bot.interpreter import settle
from bot.moderation.context import CommandContext
from bot.page.application import sign_in_link
from bot.page.serving import serve
from bot.page.site import Site
from bot.responders import Chain

PORT = 8081


@click.command()
@config_option
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--host", default="127.0.0.1", show_default=True, help="An address of this machine to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Its port; 0: a free one.")
@click.option("--open", "opens", is_flag=True, help="Open it in the browser.")
def page(*, config_path: Path | None, folder: Path | None, host: str, port: int, opens: bool) -> None:
    """Show the log in FOLDER (or that of the settings) as a page: conversations, as they were at any time.

    Nothing is written; it may be used while the bot runs. Who has the link that is printed may read all of the log: it
    works once, within ten minutes. Ctrl-C ends it.
    """
    config = settings(config_path, folder)

    async def run() -> None:
        async with shown(config, host, port) as link:
            settle()
            click.echo(f"Open this link, which works once: {link}")
            if opens:
                webbrowser.open(link)
            await _stopped()

    asyncio.run(run())


@asynccontextmanager
async def shown(config: Config, host: str, port: int) -> AsyncIterator[str]:
    """Serve the page over a log at rest within the context, which gets a link to sign in with.

    Raises ConfigError when host or port can't be used, and without the package that the page takes.
    """
    async with AsyncExitStack() as stack:
        contexts = await stack.enter_async_context(contexts_of(config))
        site = Site(lambda: contexts)
        link = sign_in_link(site, await stack.enter_async_context(serve(site, host, port)))
        if any(context.reader.vault is None for context in contexts):
            click.echo("The log's key is not here, so words are not shown.", err=True)
        yield link


@asynccontextmanager
async def contexts_of(config: Config) -> AsyncIterator[Sequence[CommandContext]]:
    """Open each partition of the log that is here for reading, with its words where the key is."""
    count = config.shards.partitions
    parts = [config.of_partition(number) for number in range(count)]
    here = [each for each in parts if log_location(each).has_log()] or parts[:1]
    async with AsyncExitStack() as stack:
        contexts = []
        for each in here:
            reader = await _reader(each)
            stack.push_async_callback(reader.close)
            contexts.append(reading_context(each, reader, Chain((rules_of(each),))))
        yield contexts


async def _reader(config: Config) -> Reader:
    location = log_location(config)
    try:
        return await open_reader(location)
    except KeyMismatch:
        return await open_reader(location, words=False)


async def _stopped() -> None:
    """Return when somebody ends the command."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
