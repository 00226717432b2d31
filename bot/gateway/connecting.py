"""A client that keeps its own connection: it waits longer each time, and begins anew where resuming is of no use.

discord.py's own loop (``Client.connect``) has no pause where a gateway accepts and drops, resumes a session that is
none for ever, and dies of a first connection that fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

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
"""Within these a session begins or goes on, or the connection is given up."""

FATAL_CODES = frozenset((4004, *range(4010, 4015)))
"""Close codes after which connecting again is of no use (docs: gateway close event codes)."""

_log = structlog.get_logger()


class ReconnectingClient(ApiClient):
    """Connects again whatever ends a connection, unless a person has to do something first."""

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
        """Log in within the time of a request, then connect."""
        async with timed():
            await self.login(token)
        self.logged_in()
        await self.connect(reconnect=reconnect)

    def logged_in(self) -> None:
        """Do what has to wait until Discord knows the token."""

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Note when a session is asked for; the pause before it is over."""
        del shard_id, initial
        self._reconnects.identified()

    async def connect(self, *, reconnect: bool = True) -> None:
        """Stay connected until the client is closed.

        Raises discord.ConnectionClosed where a person has to do something, and what a session's start tripped over.
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
        """Wait before something is tried again."""
        await asyncio.sleep(seconds)

    def complaint(self, error: BaseException) -> str:
        """Return what ended a connection, or the client, in words."""
        if isinstance(error, Ended):
            return f"The gateway {error}{'' if self._begun else ' before a session begins'}."
        if isinstance(error, discord.ConnectionClosed):
            return f"The gateway closes the connection with code {error.code}."
        if self._gateway is None:
            return complaint(Route.BASE, error)
        return complaint(self._gateway, error, GATEWAY)

    async def _serve(self, session: Session | None) -> None:
        """Run one connection to its end, and keep what the next one resumes."""
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
                # Nobody was asked to resume: the usual gateway may still be there, and the session too.
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
        """Take READY or RESUMED: the connection may last."""
        parse(data)
        self._reconnects.begun()
        self._begun = True
        if self._beginning is not None and not self._beginning.expired():
            self._beginning.reschedule(None)

    async def _until_allowed(self) -> None:
        """Wait until Discord lets another session begin: asked for one beyond the last of a day, it resets the token.

        A server that does not say how many are left may have any number of them.
        """
        clock, until = asyncio.get_running_loop().time, None
        while True:
            remaining, reset_after = await allowance(self.http) or (None, 0.0)
            if remaining is None and (until is None or clock() >= until):
                return
            if remaining is not None and remaining >= 1:
                return
            if until is None:
                _log.warning("gateway.no_session_left", more_in_seconds=round(reset_after), hint="the bot waits")
            if remaining is not None:
                until = clock() + reset_after
            await self.pause(pacing.until_more((until or 0.0) - clock()))


async def allowance(http: HTTPClient) -> tuple[int, float] | None:
    """Return how many sessions may begin today, and in how many seconds there are more; None where nobody tells."""
    try:
        async with timed():
            limit = (await http.request(Route("GET", "/gateway/bot")))["session_start_limit"]
        return int(limit["remaining"]), int(limit["reset_after"]) / 1000
    except (*UNREADABLE, ServerFault, OverflowError):
        return None
