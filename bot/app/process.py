"""The bot's process: what it has once, and the shards that it runs."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import structlog

from bot.app import from_settings
from bot.app.bot import Beside, Bot
from bot.app.consumers import consumers_of
from bot.app.engines import turns_of
from bot.app.events import feed_of
from bot.app.page import page_of
from bot.app.shard import Shard
from bot.app.tools import tools_of
from bot.app.watching import health_of, watch_bot, watch_standing
from bot.config import Config
from bot.errors import ConfigError
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.eventlog.remote.standing import Standing
from bot.gateway.client import Endpoint
from bot.gateway.commands.parts import Parts
from bot.gateway.current import CurrentClient
from bot.gateway.turns import Turns
from bot.moderation.context import CommandContext
from bot.page.site import PREFIX
from bot.responders import Chain
from bot.telemetry import Health, Metrics, serve, together

_log = structlog.get_logger()


class Process:
    """Runs shards over the partitions whose logs lie at ``locations``.

    ``at`` is Discord's endpoint, if it is not that of the settings, ``standings`` tell how the process stands to the
    logs that are kept in an engine. Raises ConfigError where the settings name what can't be made, before anything is
    opened.
    """

    def __init__(
        self,
        config: Config,
        token: str,
        answering: Chain,
        locations: Mapping[int, Location],
        at: Endpoint | None = None,
        standings: Mapping[int, Standing] = MappingProxyType({}),
    ) -> None:
        self._config = config
        self._token = token
        self._answering = answering
        self._endpoint = at or from_settings.endpoint(config)
        self._configs = {partition: config.of_partition(partition) for partition in locations}
        self._following = {partition: consumers_of(each) for partition, each in self._configs.items()}
        self._feeds = {partition: feed_of(config, location) for partition, location in locations.items()}
        self._tools = tools_of(config)
        self._ending = AsyncExitStack()
        self._is_served = False
        self._turns = Turns(time.monotonic, turns_of(config, os.environ))
        self.page = page_of(config, self._contexts, self._clients)
        self.metrics = Metrics(divided=config.shards.partitions > 1)
        self.shards: list[Shard] = []
        self._standings = standings
        for partition, standing in standings.items():
            watch_standing(self.metrics.of(partition), standing)

    def shard(self, number: int, logs: Mapping[int, EventLog]) -> Shard:
        """Make a shard of the logs of its partitions, which this process owns."""
        bots = {partition: partial(self._bot, partition, log) for partition, log in logs.items()}
        sharding = self._config.shards.sharding
        endpoint = replace(self._endpoint, shard=(number, sharding.total) if sharding.total > 1 else None)
        shard = Shard(self._config, endpoint, self._token, sharding, bots, self._turns)
        self.shards.append(shard)
        if sharding.partitions > 1:
            for bot in shard.bots.values():
                bot.dispatcher.parts = Parts(sharding, self._contexts)
        return shard

    def _contexts(self) -> Mapping[int, CommandContext]:
        """Return what commands need, of each partition that is served here, in their order."""
        return dict(sorted((number, bot.context) for shard in self.shards for number, bot in shard.bots.items()))

    def _clients(self) -> Sequence[CurrentClient]:
        """Return what knows each client that is connected here."""
        return [shard.current for shard in self.shards]

    def _bot(self, partition: int, log: EventLog, current: CurrentClient) -> Bot:
        metrics = self.metrics.of(partition)
        beside = Beside(self._following[partition], self._feeds[partition], self._tools, self.page)
        bot = Bot(self._configs[partition], log, self._answering, current, metrics, beside)
        watch_bot(metrics, bot)
        return bot

    async def run(self, shard: Shard, stopping: asyncio.Event) -> None:
        """Run a shard until ``stopping`` is set."""
        await self.serve()
        await shard.serve(stopping)

    def health(self) -> Health:
        """Return the health of the partitions that this process serves or waits for, for ``/healthz``."""
        waiting = {number: health_of(standing) for number, standing in self._standings.items()}
        served = {number: bot.health() for shard in self.shards for number, bot in shard.bots.items()}
        return together(waiting | served)

    async def serve(self) -> None:
        """Serve ``/healthz``, ``/metrics`` and what else the settings name, unless that was begun before."""
        if self._is_served:
            return
        self._is_served = True
        telemetry, is_divided = self._config.telemetry, self._config.shards.partitions > 1
        feeds = {f"/events/{number}" if is_divided else "/events": feed for number, feed in self._feeds.items() if feed}
        pages = {PREFIX: self.page.application} if self.page else {}
        try:
            await self._ending.enter_async_context(
                serve(
                    telemetry.host, telemetry.port, health=self.health, metrics=self.metrics, feeds=feeds, pages=pages
                )
            )
            if self.page:
                self.page.tell()
        except ConfigError as error:
            # A second bot on a machine is no reason to be silent in Discord.
            _log.error("telemetry.unavailable", reason=str(error))

    async def close(self) -> None:
        """End what the process has once."""
        await self._ending.aclose()
        await self._tools.close()
        await self._answering.close()
