"""Effects made in a sandbox's Discord over plain REST, and at an address on loopback that answers as it is told."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import discord
from aiohttp import web
from discord.http import Route

from bot.app.bot import clock
from bot.core.events import EffectEvent, EffectKind, Event, Recorded
from bot.core.streams import EFFECTS_STREAM
from bot.effects.http_calls import HttpCalls
from bot.effects.performer import Performer
from bot.effects.service import Effects
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from bot.gateway.current import CurrentClient
from bot.gateway.discord_time import DiscordTime
from bot.gateway.effects import DiscordEffects
from bot.gateway.requests import tracing
from tests.waiting import eventually

DISCORD = (EffectKind.ADD_ROLE, EffectKind.REMOVE_ROLE, EffectKind.START_THREAD, EffectKind.ADD_REACTION)
GRACE = 5.0


@asynccontextmanager
async def connected(api_url: str, token: str) -> AsyncIterator[CurrentClient]:
    """Log a client in, without a session of the gateway; its requests are timed as the bot's are."""
    base, Route.BASE = Route.BASE, api_url
    client = discord.Client(intents=discord.Intents.none())
    try:
        await client.login(token)
        trace = tracing(timedelta(seconds=30))
        trace.freeze()
        client.http._HTTPClient__session.trace_configs.append(trace)  # type: ignore[attr-defined]  # discord.py's
        current = CurrentClient(DiscordTime(clock), client)
        current.connected.set()
        yield current
    finally:
        await client.close()
        Route.BASE = base


@asynccontextmanager
async def making(log: EventLog, *performers: tuple[Sequence[EffectKind], Performer]) -> AsyncIterator[Effects]:
    """Make effects with a log, resuming those that it holds, and stop at the end."""
    effects = Effects(log, {kind: performer for kinds, performer in performers for kind in kinds}, clock)
    effects.start()
    try:
        yield effects
    finally:
        await effects.stop(GRACE)


async def idle(effects: Effects) -> None:
    """Wait until what is open from before is found and nothing is open any more."""
    await eventually(lambda: effects._resumed.is_set() and not effects.open)


def discord_by(current: CurrentClient) -> tuple[Sequence[EffectKind], Performer]:
    """Return who makes effects in Discord."""
    return DISCORD, DiscordEffects(current)


def http_by(**environ: str) -> tuple[Sequence[EffectKind], Performer]:
    """Return who calls addresses."""
    return (EffectKind.HTTP_CALL,), HttpCalls(clock, environ)


async def told(log: EventLog) -> list[Recorded]:
    """Return every event of effects."""
    return [each async for each in log.reader.events(Query(stream=EFFECTS_STREAM))]


async def events_of(log: EventLog) -> list[Event]:
    """Return them without their places, and with one digest for all."""
    events = [each.event for each in await told(log)]
    return [each.model_copy(update={"key_digest": ""}) if isinstance(each, EffectEvent) else each for each in events]


class Shop:
    """An address that takes orders, each key once, and shows the first one.

    ``answers`` are given first, as long as there are any: a status, or None to hang up.
    ``late`` are statuses that are given after the order was taken.
    """

    def __init__(self) -> None:
        self.answers: list[int | None] = []
        self.late: list[int | None] = []
        self.headers: dict[str, str] = {}
        self.seen: list[str] = []
        self.orders: dict[str, Any] = {}
        self.requests: list[dict[str, str]] = []
        self.url = ""
        self.asked = asyncio.Event()
        self.doom: tuple[int, str] | None = None

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take an order, or answer as told."""
        self.requests.append(dict(request.headers))
        self.asked.set()
        if self.answers:
            return self._told(request, self.answers.pop(0))
        if request.method == "GET":
            return web.json_response(next(iter(self.orders.values()), None))
        if self._kill("before"):
            return self._told(request, None)
        key = request.headers["Idempotency-Key"]
        order = self.orders.setdefault(key, {"id": len(self.orders) + 1, "item": await request.json()})
        self._kill("after")
        if self.late:
            return self._told(request, self.late.pop(0))
        return web.json_response(order)

    def _kill(self, when: str) -> bool:
        """Kill a process, if that is to happen now; tell whether it was."""
        if self.doom is None or self.doom[1] != when:
            return False
        os.kill(self.doom[0], signal.SIGKILL)
        self.doom = None
        return True

    def _told(self, request: web.Request, status: int | None) -> web.StreamResponse:
        if status is None:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status or 500, headers=self.headers)


@asynccontextmanager
async def open_shop() -> AsyncIterator[Shop]:
    """Serve a shop on loopback."""
    shop, app = Shop(), web.Application()
    app.router.add_route("*", "/orders", shop.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        shop.url = f"http://127.0.0.1:{runner.addresses[0][1]}/orders"
        yield shop
    finally:
        await runner.cleanup()
