"""A client that keeps its own connection: it waits longer each time, and begins a new session when resuming fails.

discord.py's own loop (``Client.connect``) does not pause when a gateway accepts connections and drops them, tries for
ever to resume a session that has ended, and dies when its first connection fails (docs/discord-facts.md, 1.2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import aiohttp
import discord
import structlog
from discord.http import HTTPClient, Route

from bot.gateway import pacing
from bot.gateway.discord_py_faults import NEEDED
from bot.gateway.http import ApiClient
from bot.gateway.link import Ended, Link, Session
from bot.gateway.reasons import GATEWAY, complaint
from bot.gateway.reconnects import Reconnects
from bot.gateway.requests import UNREADABLE, ServerFault, timed

BEGIN_SECONDS = 30.0
"""Seconds within which a session has to begin or go on; otherwise the connection is given up."""

FATAL_CODES = frozenset((4004, *range(4010, 4015)))
"""Close codes after which connecting again cannot help (docs/discord-facts.md, 1.2)."""

_log = structlog.get_logger()


class ReconnectingClient(ApiClient):
    """Connects again after any end of a connection, unless a person has to act first."""

    def __init__(self, limit: timedelta, reconnects: Reconnects, **options: Any) -> None:  # noqa: ANN401 - discord.py's
        super().__init__(limit, **options)
        self._reconnects = reconnects
        self._gateway: str | None = None
        self._session: Session | None = None
        self._failed_resumes = 0
        self._begun = False
        self._beginning: asyncio.Timeout | None = None
        for name in NEEDED:
            self._connection.parsers[name] = partial(self._begin, self._connection.parsers[name])

    async def start(self, token: str, *, reconnect: bool = True) -> None:
        """Log in, within the time limit of a request, and connect."""
        async with timed():
            await self.login(token)
        self.logged_in()
        await self.connect(reconnect=reconnect)

    def logged_in(self) -> None:
        """Do what needs a valid token; called after the login."""

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Note that a session is asked for; the pause before it is over."""
        del shard_id, initial
        self._reconnects.identified()

    async def connect(self, *, reconnect: bool = True) -> None:
        """Stay connected until the client is closed.

        Raises discord.ConnectionClosed when a person has to act, and any error from reading READY or RESUMED.
        """
        del reconnect
        while not self.is_closed():
            try:
                await self._serve(self._session)
            except (Ended, discord.ConnectionClosed, aiohttp.ClientError, OSError) as error:
                self.dispatch("disconnect")
                if isinstance(error, discord.ConnectionClosed) and error.code in FATAL_CODES:
                    raise
                await self.pause(self._reconnects.failure(self.complaint(error), fresh=self._session is None))

    async def pause(self, seconds: float) -> None:
        """Wait ``seconds`` before another try."""
        await asyncio.sleep(seconds)

    def complaint(self, error: BaseException) -> str:
        """Return in words why a connection or the client ended."""
        if isinstance(error, Ended):
            return f"The gateway {error}{'' if self._begun else ' before a session begins'}."
        if isinstance(error, discord.ConnectionClosed):
            return f"The gateway closes the connection with code {error.code}."
        if self._gateway is None:
            return complaint(Route.BASE, error)
        return complaint(self._gateway, error, GATEWAY)

    async def _serve(self, session: Session | None) -> None:
        """Run one connection to its end, and keep the session that the next one can resume."""
        if session is None:
            await self._until_allowed()
        link: Link | None = None
        self._gateway, self._begun = str(session.gateway if session else Link.DEFAULT_GATEWAY), False
        try:
            async with asyncio.timeout(BEGIN_SECONDS) as self._beginning:
                self.ws = link = await Link.connect(self, session)
                while True:
                    await link.poll_event()
        except (aiohttp.ClientError, OSError) as error:
            if link is None:
                # The session was not asked for yet. It may still live, behind the usual address of the gateway.
                self._session = replace(session, gateway=Link.DEFAULT_GATEWAY) if session else None
                raise
            await link.close()
            self._keep(session, link.session())
            what = "says nothing more" if isinstance(error, TimeoutError) else "cuts the connection"
            raise Ended(what, resumable=True) from error
        except Ended as ended:
            self._keep(session, link.session() if link else session if ended.resumable else None)
            raise
        finally:
            self._beginning = None

    def _keep(self, resumed: Session | None, session: Session | None) -> None:
        """Keep the session of a connection that ended, unless resuming it failed too often."""
        self._failed_resumes = 0 if self._begun or resumed is None else self._failed_resumes + 1
        self._session = session if self._failed_resumes < pacing.FAILED_RESUMES else None

    def _begin(self, parse: Callable[[Any], None], data: Any) -> None:  # noqa: ANN401 - JSON
        """Take READY or RESUMED, and lift the time limit for the beginning of a session."""
        parse(data)
        self._reconnects.begun()
        self._begun = True
        if self._beginning is not None and not self._beginning.expired():
            self._beginning.reschedule(None)

    async def _until_allowed(self) -> None:
        """Wait until Discord allows another session, and for the turn of this shard.

        It resets the token of a bot that asks for too many (docs/discord-facts.md, 1.2). When the server does not say
        how many are left, there is no wait.
        """
        clock, until = asyncio.get_running_loop().time, None
        while True:
            allowed = await allowance(self.http)
            remaining, reset_after = (allowed.remaining, allowed.reset_after) if allowed else (None, 0.0)
            if (remaining is None and (until is None or clock() >= until)) or (remaining or 0) >= 1:
                break
            if until is None:
                _log.warning("gateway.no_session_left", more_in_seconds=round(reset_after), hint="the bot waits")
            if remaining is not None:
                until = clock() + reset_after
            await self.pause(pacing.until_more((until or 0.0) - clock()))
        if self.shard_id is not None:
            await self._reconnects.turns.wait(self.shard_id, allowed.concurrency if allowed else 1)


class Allowance(NamedTuple):
    """How many sessions may begin today, and in how many seconds there are more; how many shards at once, of how many.

    ``shards`` is the number that Discord recommends.
    """

    remaining: int
    reset_after: float
    concurrency: int
    shards: int


async def allowance(http: HTTPClient) -> Allowance | None:
    """Return what Discord says of new sessions; None when it is not told."""
    try:
        async with timed():
            said = await http.request(Route("GET", "/gateway/bot"))
        limit = said["session_start_limit"]
        concurrency, shards = int(limit.get("max_concurrency", 1)), int(said.get("shards", 1))
        return Allowance(int(limit["remaining"]), int(limit["reset_after"]) / 1000, concurrency, shards)
    except (*UNREADABLE, ServerFault, OverflowError):
        return None
