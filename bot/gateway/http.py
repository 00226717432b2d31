"""discord.py's HTTP clients, with a check of who answered and with the bot's own waits for rate limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import aiohttp
import discord
from discord.http import HTTPClient, Route
from discord.state import ConnectionState
from discord.types.user import User
from discord.webhook.async_ import AsyncWebhookAdapter

from bot.gateway.origin import TooMany, believed, reread
from bot.gateway.ratelimits import RateLimitBucket, Waits
from bot.gateway.requests import asking, tracing, untimed
from bot.gateway.sockets import connector

TRIES = 5
"""How often a request is tried that Discord answers with 429. Such a request has had no effect."""


class Http(HTTPClient):
    """The requests of one client; it takes over the settings of the discord.py HTTP client that it replaces.

    ``limit`` is the time limit of a request.
    """

    def __init__(self, other: HTTPClient, limit: timedelta) -> None:
        super().__init__(other.loop, http_trace=other.http_trace)
        self.waits = Waits()
        self._limit = limit

    async def static_login(self, token: str) -> User:
        """Log in; the connections of the session that begins deliver nothing late."""
        self.connector = connector(self._limit)
        return await super().static_login(token)

    def get_ratelimit(self, key: str) -> RateLimitBucket:
        """Return the limit of a kind of request."""
        found = self._buckets.get(key)
        if not isinstance(found, RateLimitBucket):
            self._buckets[key] = found = RateLimitBucket(self.waits)
            self._try_clear_expired_ratelimits()
        return found

    async def request(self, route: Route, **kwargs: Any) -> Any:  # noqa: ANN401 - Discord's JSON
        """Make a request once its limits allow it; raises discord.py's errors, Intercepted and RateLimited."""
        with asking(f"{route.method} {route.path}"):
            for left in reversed(range(TRIES)):
                try:
                    return believed(await super().request(route, **kwargs))
                except TooMany:
                    if not left:
                        raise
                    untimed()
                except discord.HTTPException as error:
                    raise reread(error) from error
        raise AssertionError


class InteractionHttp(AsyncWebhookAdapter):
    """The requests that answer interactions. No rate limit is waited for."""

    async def request(self, route: Route, session: aiohttp.ClientSession, **kwargs: Any) -> Any:  # noqa: ANN401 - JSON
        """Make a request; raises discord.py's errors and Intercepted."""
        with asking(f"{route.method} {route.path}"):
            try:
                return believed(await super().request(route, session, **kwargs))
            except discord.HTTPException as error:
                raise reread(error) from error


class ApiClient(discord.Client):
    """A client of Discord's API; ``limit`` is the time limit of a request, ``heard`` gets the dates of answers."""

    http: Http

    def __init__(
        self,
        limit: timedelta,
        *,
        intents: discord.Intents,
        heard: Callable[[str | None], None] = lambda _date: None,
        **options: Any,  # noqa: ANN401 - discord.py's
    ) -> None:
        self._limit = limit
        super().__init__(intents=intents, http_trace=tracing(limit, heard), **options)

    def _get_state(self, **options: Any) -> ConnectionState[Any]:  # noqa: ANN401 - discord.py's
        # Replace the HTTP client here, because the object that this makes keeps it for good.
        self.http = Http(self.http, self._limit)
        return super()._get_state(**options)
