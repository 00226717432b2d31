"""A client with a log attached that makes one effect, doomed to die by SIGKILL at one of its commits.

Its arguments are FOLDER API GATEWAY TOKEN EFFECT [NUMBER before|after]: EFFECT is JSON of its kind and fields, NUMBER
that of the commit among those with events of effects. It says ``up`` before it logs in, and waits for a line. Then it
waits until what is open from before is made, makes the effect, and prints what it
returned twice.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot import Log, attach, effects
from bot.eventlog.batch import Batch


def main() -> None:
    """Make the effect, or die."""
    folder, api, gateway, token, wanted, *where = sys.argv[1:]
    if where:
        number, when = int(where[0]), where[1]
        Batch.write = doomed(Batch.write, number, when)  # type: ignore[method-assign]  # the seam of this test
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = api, yarl.URL(gateway)
    print("up", flush=True)  # noqa: T201 - its parent reads it
    sys.stdin.readline()
    asyncio.run(run(folder, token, json.loads(wanted)))


def doomed(write: Callable[..., Any], number: int, when: str) -> Callable[..., Any]:
    """Return what writes a batch, and kills its process at the ``number``-th one with events of effects."""
    seen = 0

    def writing(batch: Batch, connection: sqlite3.Connection) -> object:
        nonlocal seen
        here = any(isinstance(each, str) and each.startswith("effect.") for each in batch.values)
        seen += here
        if here and seen == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        written = write(batch, connection)
        if here and seen == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return written

    return writing


async def run(folder: str, token: str, wanted: dict[str, Any]) -> None:
    """Attach a log, make the effect once the client is ready, and end."""
    intents = discord.Intents.default()
    intents.message_content = True
    client = discord.Client(intents=intents, guild_ready_timeout=0.05)
    logs: list[Log] = []

    async def setup_hook() -> None:
        logs.append(await attach(client, folder))

    async def on_ready() -> None:
        try:
            results = [await made(logs[0], wanted) for _ in range(2)]
            print(json.dumps(results), flush=True)  # noqa: T201 - its parent reads it
        finally:
            await client.close()

    client.setup_hook = setup_hook  # type: ignore[method-assign]
    client.event(on_ready)
    await client.start(token)


async def made(log: Log, wanted: dict[str, Any]) -> object:
    """Make what is wanted: a declared effect, or own code that orders at the same address as a call would."""
    fields = dict(wanted)
    kind = fields.pop("kind")
    if kind != "once":
        return await log.do(getattr(effects, kind)(**fields), key="k")
    async with aiohttp.ClientSession() as session:

        async def order() -> object:
            async with session.post(fields["url"], json=1, headers={"Idempotency-Key": "own"}) as response:
                return await response.json()

        async def look() -> object:
            async with session.get(fields["url"]) as response:
                return await response.json()

        return await log.once("k", order, look=look)


if __name__ == "__main__":
    main()
