"""What a log that is attached to a client costs its event loop for each message, against the same client bare.

    .venv/bin/python -m benchmarks.attached [--pairs 7] [--messages 2000] [--settled] [--json]

Two clients of one process connect to a sandbox, one of them with a log. Each takes the same frames, by turns, in bursts
and one at a time; a burst ends when its handlers have ended and its messages are recorded. Time is that of the loop's
thread (``time.thread_time``): what the log does in threads of its own is not in it. Prints medians of the pairs.
``--settled``: the interpreter is tuned as the bot's own process is (bot/interpreter.py), for both.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

import discord
from rich.console import Console
from rich.table import Table

from bot import Log, attach
from bot.interpreter import settle
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.pointing import pointed_at
from tests.waiting import eventually

LIMIT = 60.0
"""Microseconds of the loop's time that a message may cost more."""
BURSTS = (500, 50, 1)


class Counting(discord.Client):
    """Counts the messages that its handler is called with."""

    def __init__(self) -> None:
        wanted = discord.Intents.default()
        wanted.message_content = True
        super().__init__(intents=wanted, guild_ready_timeout=0.05)
        self.heard = 0
        self.begin: Callable[[], Any] | None = None

    async def setup_hook(self) -> None:
        """Attach a log, where one is wanted."""
        if self.begin is not None:
            await self.begin()

    async def on_message(self, message: discord.Message) -> None:
        """Take a message."""
        del message
        self.heard += 1


async def main() -> int:
    """Run it and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--settled", action="store_true", help="with the interpreter's settings of the bot's process")
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    options = parser.parse_args()
    if options.settled:
        settle()
    figures = await _measured(options.pairs, options.messages)
    if options.json:
        print(json.dumps(figures))  # noqa: T201 - for machines
    else:
        _show(figures)
    return int(any(each["more"] > LIMIT for each in figures))


async def _measured(pairs: int, messages: int) -> list[dict[str, Any]]:
    logs: list[Log] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = await stack.enter_async_context(Sandbox(SandboxOptions(message_rate=None, global_rate=None)))
        stack.enter_context(pointed_at(sandbox))
        clients = {"bare": Counting(), "attached": Counting(), "redelivering": Counting()}
        for name in ("attached", "redelivering"):
            clients[name].begin = _attaching(clients[name], folder / name, logs, redeliver=name == "redelivering")
        for client in clients.values():
            serving = asyncio.create_task(client.start(sandbox.services.application.token))
            stack.push_async_callback(_ended, client, serving)
            await eventually(client.is_ready)
        feeder = Feeder(str(sandbox.services.general.id), str(sandbox.services.guild.id))
        log_of = {"attached": logs[0], "redelivering": logs[1]}
        figures = []
        for burst in BURSTS:
            taken: dict[str, list[float]] = {name: [] for name in clients}
            count = messages if burst > 1 else messages // 4
            for _ in range(pairs + 1):
                for name, client in clients.items():
                    taken[name].append(await feeder.feed(client, log_of.get(name), count, burst))
            for name in ("attached", "redelivering"):
                bare, own = (median(taken[each][1:]) for each in ("bare", name))
                row = {
                    "client": name,
                    "burst": burst,
                    "bare": bare,
                    "own": own,
                    "more": own - bare,
                    "ratio": own / bare,
                }
                figures.append(row)
        return figures


def _attaching(client: Counting, folder: Path, logs: list[Log], *, redeliver: bool) -> Callable[[], Any]:
    async def begin() -> None:
        logs.append(await attach(client, folder, redeliver=redeliver))

    return begin


async def _ended(client: discord.Client, serving: asyncio.Task[None]) -> None:
    await client.close()
    await serving


class Feeder:
    """Gives clients frames as their connection would."""

    def __init__(self, channel_id: str, guild_id: str) -> None:
        self._channel_id = channel_id
        self._guild_id = guild_id
        self._next = int(time.time() * 1000 - 1_420_070_400_000) << 22

    async def feed(self, client: Counting, log: Log | None, count: int, burst: int) -> float:
        """Return the microseconds of the loop's thread for each message."""
        frames = [self._frame() for _ in range(count)]
        parse = client._connection.parsers["MESSAGE_CREATE"]  # noqa: SLF001 - as the gateway's connection does
        gc.collect()
        wanted, began = client.heard, time.thread_time()
        for at in range(0, count, burst):
            for frame in frames[at : at + burst]:
                parse(frame)
            wanted += len(frames[at : at + burst])
            while client.heard < wanted:
                await asyncio.sleep(0)
            if log is not None:
                await log._parts.conversations.settled(int(self._channel_id))  # noqa: SLF001 - the end of the work
        return (time.thread_time() - began) * 1e6 / count

    def _frame(self) -> dict[str, Any]:
        self._next += 1 << 22
        author = {"id": "4711", "username": "ada", "global_name": "Ada", "discriminator": "0", "avatar": None}
        member = {"roles": [], "joined_at": "2026-01-01T00:00:00+00:00", "deaf": False, "mute": False, "flags": 0}
        return {
            "id": str(self._next), "type": 0, "channel_id": self._channel_id, "guild_id": self._guild_id,
            "content": "A message of a usual length, as people write them all day long.",
            "author": author, "member": member, "attachments": [], "embeds": [], "mentions": [], "mention_roles": [],
            "mention_everyone": False, "pinned": False, "tts": False, "flags": 0, "components": [],
            "timestamp": "2026-11-29T12:00:00+00:00", "edited_timestamp": None,
        }  # fmt: skip


def _show(figures: list[dict[str, Any]]) -> None:
    table = Table("client", "messages at once", "bare, µs", "with a log, µs", "more, µs", "ratio")
    for each in figures:
        numbers = (f"{each[name]:.1f}" for name in ("bare", "own", "more"))
        table.add_row(each["client"], str(each["burst"]), *numbers, f"{each['ratio']:.2f}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
