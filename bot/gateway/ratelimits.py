"""Discord's rate limits, waited for by the bot itself: only where one is used up, and in the order of the requests.

discord.py's option ``max_ratelimit_timeout`` gives a request up by the length of the window, however many requests are
left in it; without it, discord.py waits for any length of time, for a 429 as well, says nothing of it, and can't be
stopped. Here a request waits its turn for at most :data:`MOST_SECONDS`; what would have to wait longer is refused with
``discord.RateLimited``, and whoever asked comes back at the time that it names. What something older overtook while
it waited is refused with ``NoLongerNext``.
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
"""How long a request may wait for its turn; beyond, the outbox waits instead, and says so on record."""

_log = structlog.get_logger()


class Waits:
    """The waiting of one client: for the limit on all requests, and until nobody may wait any more."""

    def __init__(self) -> None:
        self._until = 0.0
        self._told: dict[str, float] = {}
        self._hurried = asyncio.Event()

    def shut(self, wait: float) -> None:
        """Let no request pass for so many seconds."""
        self._until = max(self._until, _now() + wait)

    def hurry(self) -> None:
        """Let nobody wait any more: who would have to is refused."""
        self._hurried.set()

    @property
    def left(self) -> float:
        """Return the seconds until the limit on all requests is over."""
        return self._until - _now()

    async def wait(self, wait: float) -> None:
        """Wait, and tell of it; raise discord.RateLimited where that takes too long."""
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
        """Tell of a window, once."""
        kind, over = asked_for.get(), _now() + wait
        if over > self._told.get(kind, 0.0) + 1.0:
            _log.info("ratelimit.waiting", request=kind, seconds=round(wait, 1))
        self._told[kind] = over


class RateLimitBucket(Ratelimit):
    """One of Discord's limits: requests take their places in it one after the other."""

    __slots__ = ("_returned", "_turn", "_waits")

    def __init__(self, waits: Waits) -> None:
        super().__init__(None)
        self.dirty = True
        self._waits = waits
        self._turn = asyncio.Lock()
        self._returned = asyncio.Event()

    def reset(self) -> None:
        """Begin a new window; what is under way counts in it."""
        super().reset()  # type: ignore[no-untyped-call]
        # What the next answer says is left does not count what has not arrived there yet.
        self.dirty = True

    def update(self, response: aiohttp.ClientResponse, *, use_clock: bool = False) -> None:
        """Take what Discord says of the limit; where a proxy garbles that, nothing is known of it."""
        try:
            super().update(response, use_clock=use_clock)
        except (ArithmeticError, LookupError, ValueError):
            self.reset()
            return
        self.limit = max(1, self.limit)
        self.expires = _now() + (seconds(self.reset_after) or 0.0)

    async def acquire(self) -> None:
        """Take a place, once there is one; raise discord.RateLimited where that takes too long, and NoLongerNext."""
        self._last_request = _now()
        waited = False
        async with self._turn:
            while (wait := self._wait()) is not None:
                waited = True
                if wait > 0:
                    await self._waits.wait(wait)
                else:
                    # Nothing is known of this limit before the first answer is there.
                    self._returned.clear()
                    await self._returned.wait()
            if waited:
                await leave()
            self.remaining -= 1
            self.outgoing += 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give the place back, and heed a 429."""
        self.outgoing -= 1
        if isinstance(error, TooMany) and not error.everywhere:
            self.remaining, self.expires = 0, _now() + error.retry_after
        elif isinstance(error, TooMany):
            self._waits.shut(error.retry_after)
        elif isinstance(error, Intercepted) and error.after is not None:
            # Cloudflare shuts out an address, whatever it asks for.
            self._waits.shut(error.after)
        if self.expires is None:
            self.reset()
        self._returned.set()

    def _wait(self) -> float | None:
        """Return the seconds until there may be a place, 0 where only an answer can tell, None where there is one."""
        if self.expires is not None and _now() >= self.expires:
            self.reset()
        shut = self._waits.left
        if self.remaining > 0:
            return shut if shut > 0 else None
        return max(shut, self.expires - _now() if self.expires is not None else 0.0)


def _now() -> float:
    return asyncio.get_running_loop().time()
