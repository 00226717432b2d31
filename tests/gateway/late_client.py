"""A process that makes a request, hears a line, makes another that times out, and ends; it prints how each ended.

Started as ``python late_client.py URL SECONDS``, with the connections of the bot.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

import aiohttp

from bot.gateway.sockets import connector


async def main(url: str, limit: float) -> None:
    """Make both requests."""
    async with aiohttp.ClientSession(connector=connector(timedelta(seconds=limit))) as session:
        async with session.post(url, data="in time") as response:
            sys.stdout.write(f"{response.status}\n")
            sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        try:
            async with asyncio.timeout(limit):
                await session.post(url, data="late")
        except (TimeoutError, aiohttp.ClientError):
            sys.stdout.write("given up\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
