"""A message that is on the way when a link is cut: run on a host of its own, it prints what arrived in the end."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aiohttp import web

from benchmarks.hosts import network
from bot.sandbox.child_process import tethered

CLIENT = Path(__file__).with_name("late_client.py")
LIMIT = 0.6
"""Seconds for a request."""
AFTERWARDS = 1.6
"""Seconds for which the link is watched when it is mended. A system tries again after twice the time before: within
as long as the link was cut."""


async def main() -> None:
    """Cut the link of a host, have a process there post, and mend the link when it has given up and ended."""
    await network.prepare()
    arrived: list[str] = []

    async def take(request: web.Request) -> web.Response:
        arrived.append(await request.text())
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    async with network.hosts(1) as (host,):
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, network.ADDRESSES["discord"], 0)
        await site.start()
        url = f"http://{network.ADDRESSES['discord']}:{runner.addresses[0][1]}/"
        client = await asyncio.create_subprocess_exec(
            *tethered(*host.through, sys.executable, str(CLIENT), url, str(LIMIT)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert client.stdout
        await client.stdout.readline()
        await host.set_link("discord", network.End.FAR, up=False)
        output, _ = await client.communicate(b"\n")
        await host.set_link("discord", network.End.FAR, up=True)
        await asyncio.sleep(AFTERWARDS)
        await runner.cleanup()
    sys.stdout.write(f"{output.decode().strip()}: {', '.join(arrived)}\n")


if __name__ == "__main__":
    asyncio.run(main())
