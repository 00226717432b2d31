"""A shard of Discord: one client, and a bot for each partition of the log whose events it brings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from bot.app.bot import Bot
from bot.app.clock import clock
from bot.config import Config
from bot.core.sharding import Sharding
from bot.gateway.client import Endpoint
from bot.gateway.current import CurrentClient
from bot.gateway.discord_time import DiscordTime
from bot.gateway.reconnects import Reconnects
from bot.gateway.supervisor import Supervisor
from bot.gateway.turns import Turns
from bot.gateway.wiring import Bounds, Wirings
from bot.times import length_of


class Shard:
    """Connects the bots of a shard, by the numbers of their partitions; ``bot`` makes one around the client."""

    def __init__(
        self,
        config: Config,
        endpoint: Endpoint,
        token: str,
        sharding: Sharding,
        bots: Mapping[int, Callable[[CurrentClient], Bot]],
        turns: Turns,
    ) -> None:
        self.current = CurrentClient(DiscordTime(clock), reconnects=Reconnects(turns))
        self.bots = {partition: bot(self.current) for partition, bot in bots.items()}
        catchup, time = config.catchup, self.current.time
        bounds = Bounds(length_of(catchup.max_age), catchup.max_messages, catchup.concurrency, time)
        wirings = {partition: bot.wiring for partition, bot in self.bots.items()}
        self.supervisor = Supervisor(
            endpoint,
            token,
            Wirings(wirings, sharding, bounds if catchup.enabled else None, time.hear),
            self.current,
        )
        for each in self.bots.values():
            each.complete = self.supervisor.complete

    async def serve(self, stopping: asyncio.Event) -> None:
        """Stay connected until ``stopping`` is set; then let sends end and save a snapshot of every hot channel.

        Raises the reason when a partition's log is lost to another process, and what ends the connection for good.
        """
        bots = self.bots.values()
        async with AsyncExitStack() as stack:
            for bot in bots:
                await stack.enter_async_context(bot.running())
            connection = asyncio.create_task(self.supervisor.run(), name="gateway")
            stop = asyncio.create_task(stopping.wait(), name="stop")
            lost = [asyncio.create_task(bot.log.lost(), name="log lost") for bot in bots]
            try:
                async with AsyncExitStack() as commanded:
                    for bot in bots:
                        await commanded.enter_async_context(bot.commanded())
                    await asyncio.wait((connection, stop, *lost), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (stop, *lost):
                    task.cancel()
                await self._leave()
                await connection
            for task in lost:
                if not task.cancelled():
                    raise task.result()

    async def _leave(self) -> None:
        bots = self.bots.values()
        for bot in bots:
            bot.log.hurry()
        self.supervisor.hurry()
        await asyncio.gather(*(bot.hush() for bot in bots))
        await self.supervisor.stop()
        await asyncio.gather(*(bot.close() for bot in bots))
