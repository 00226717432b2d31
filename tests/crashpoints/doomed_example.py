"""An example, doomed to die by SIGKILL at its n-th commit, before it or right after it.

Its arguments are SCRIPT API GATEWAY TALLY [KIND NUMBER before|after], as those of :mod:`tests.crashpoints.doomed_bot`
are. It is the example as it is, pointed at a sandbox, with one shorter wait: that for a session to be ready.
"""

from __future__ import annotations

import asyncio
import os
import runpy
import signal
import sys
from pathlib import Path

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.eventlog.batch import Batch
from tests.crashpoints.doomed_bot import Doom, doomed, tell


def main() -> None:
    """Run until SIGTERM or death."""
    script, Route.BASE, gateway, tally, *where = sys.argv[1:]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
    doom = Doom(where[0], int(where[1]), where[2]) if where else Doom()
    Batch.write = doomed(Batch.write, doom)  # type: ignore[method-assign]  # the seam of this test
    os.chdir(Path(tally).parent)
    asyncio.run(run(runpy.run_path(script)["client"]))
    tell(tally, doom)


async def run(client: discord.Client) -> None:
    """Run the client of an example until SIGTERM, which it closes at in good order."""
    client._connection.guild_ready_timeout = 0.05
    running = asyncio.create_task(client.start(os.environ["DISCORD_TOKEN"]))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        await client.close()
