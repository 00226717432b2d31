"""The end of a demo with ``--page``: its log as a page in the browser."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import webbrowser
from pathlib import Path

import aiohttp
import click

from bot.cli.page import shown
from bot.config import Config
from bot.config.model import LogSettings
from bot.page.guard import LOOPBACK

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
"""One of these is set where a browser has a screen; others would take the terminal. Not so on macOS and Windows."""

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def look(folder: Path) -> None:
    """Show a log as a page until Ctrl-C or Enter.

    Where nobody sits at a terminal it ends by itself, once the page has answered. Raises aiohttp.ClientError if it does
    not answer.
    """
    async with shown(Config(log=LogSettings(path=folder)), LOOPBACK[0], 0) as link:
        async with aiohttp.ClientSession(raise_for_status=True) as client, client.get(link):
            click.echo(f"The demo's log as a page; this link works once: {link}", err=True)
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            click.echo("It answered. There is no terminal here, so it ends.", err=True)
            return
        if sys.platform in {"darwin", "win32"} or any(map(os.environ.get, _DISPLAYS)):
            webbrowser.open(link)
        await _ended()


async def _ended() -> None:
    """Return when somebody presses Enter or ends the command."""
    ending, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in _ENDS:
        loop.add_signal_handler(number, ending.set)
    loop.add_reader(sys.stdin, ending.set)
    click.echo("Enter or Ctrl-C ends it.", err=True)
    try:
        await ending.wait()
    finally:
        loop.remove_reader(sys.stdin)
        for number in _ENDS:
            loop.remove_signal_handler(number)
