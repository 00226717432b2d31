"""The bot's own waits for Discord's rate limits, in the order of the requests.

discord.py waits for a limit, or for a 429, for any time, logs nothing and can't be stopped. Its option
``max_ratelimit_timeout`` looks only at the length of the window, even when requests are left in it. Here a request
waits for at most :data:`MOST_SECONDS`. A longer wait raises ``discord.RateLimited``, and the caller comes back at the
time that the error names. If another message has to go first after the wait, ``NoLongerNext`` is raised.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

import aiohttp
import discord
import structlog
from discord.http import Ratelimit

from bot.gateway.origin import Intercepted, TooMany, seconds
from bot.gateway.requests import asked_for, leave

MOST_SECONDS = 30.0
"""The most seconds that a request may wait. For a longer time the outbox waits instead and records it."""

_log = structlog.get_logger()


class Waits:
    """The waits of one client: for the limit over all requests, and until :meth:`hurry` ends all waiting."""

    def __init__(self) -> None:
        self._until = 0.0
        self._told: dict[str, float] = {}
        self._hurried = asyncio.Event()

    def shut(self, wait: float) -> None:
        """Let no request pass for ``wait`` seconds."""
        self._until = max(self._until, _now() + wait)

    def hurry(self) -> None:
        """End all waiting: a request that would have to wait is refused."""
        self._hurried.set()

    @property
    def left(self) -> float:
        """Return the seconds until the limit over all requests ends."""
        return self._until - _now()

    async def wait(self, wait: float) -> None:
        """Wait and log it; raise discord.RateLimited when the wait is too long."""
        self._tell(wait)
        if wait > MOST_SECONDS:
            raise discord.RateLimited(wait)
        try:
            async with asyncio.timeout(wait):
                await self._hurried.wait()
        except TimeoutError:
            return
        raise discord.RateLimited(wait)

    def _tell(self, wait: float) -> None:
        """Log a wait, once for each window of a kind of request."""
        kind, over = asked_for.get(), _now() + wait
        if over > self._told.get(kind, 0.0) + 1.0:
            _log.info("ratelimit.waiting", request=kind, seconds=round(wait, 1))
        self._told[kind] = over


class RateLimitBucket(Ratelimit):
    """One of Discord's limits. Requests take their places in it one after the other."""

    __slots__ = ("_returned", "_turn", "_waits")

    def __init__(self, waits: Waits) -> None:
        super().__init__(None)
        self.dirty = True
        self._waits = waits
        self._turn = asyncio.Lock()
        self._returned = asyncio.Event()

    def reset(self) -> None:
        """Begin a new window. Requests under way count in it."""
        super().reset()  # type: ignore[no-untyped-call]
        # The number left in the next answer does not count requests that have not reached Discord yet.
        self.dirty = True

    def update(self, response: aiohttp.ClientResponse, *, use_clock: bool = False) -> None:
        """Take what Discord says about the limit. If a proxy garbled it, nothing is known about the limit."""
        try:
            super().update(response, use_clock=use_clock)
        except (ArithmeticError, LookupError, ValueError):
            self.reset()
            return
        self.limit = max(1, self.limit)
        self.expires = _now() + (seconds(self.reset_after) or 0.0)

    async def acquire(self) -> None:
        """Take a place once there is one; raise discord.RateLimited when the wait is too long, or NoLongerNext."""
        self._last_request = _now()
        waited = False
        async with self._turn:
            while (wait := self._wait()) is not None:
                waited = True
                if wait > 0:
                    await self._waits.wait(wait)
                else:
                    # The limit is unknown before the first answer.
                    self._returned.clear()
                    await self._returned.wait()
            if waited:
                await leave()
            self.remaining -= 1
            self.outgoing += 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give the place back, and note the wait that a 429 asks for."""
        self.outgoing -= 1
        if isinstance(error, TooMany) and not error.everywhere:
            self.remaining, self.expires = 0, _now() + error.retry_after
        elif isinstance(error, TooMany):
            self._waits.shut(error.retry_after)
        elif isinstance(error, Intercepted) and error.after_seconds is not None:
            # Cloudflare blocks an address for all of its requests.
            self._waits.shut(error.after_seconds)
        if self.expires is None:
            self.reset()
        self._returned.set()

    def _wait(self) -> float | None:
        """Return the seconds until there may be a place; None: there is one, 0: only an answer under way can tell."""
        if self.expires is not None and _now() >= self.expires:
            self.reset()
        shut = self._waits.left
        if self.remaining > 0:
            return shut if shut > 0 else None
        return max(shut, self.expires - _now() if self.expires is not None else 0.0)


def _now() -> float:
    return asyncio.get_running_loop().time()
