"""Rate limits (rate-limits.mdx): one bucket for each route and major parameter, and one for all requests."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from bot.sandbox.options import RateLimit

# The limits of other routes are not known. They get a wide one, because without headers discord.py sends one by one.
OTHER_ROUTES = RateLimit(50, 1)
UNLIMITED = RateLimit(100_000, 1)


@dataclass(slots=True)
class _Window:
    started: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class RateLimitDecision:
    """Whether a request may pass, and the rate limit headers of its answer."""

    allowed: bool
    headers: dict[str, str]
    retry_after: float = 0.0
    is_global: bool = False


class RateLimits:
    """Counts requests in fixed windows."""

    def __init__(
        self,
        message_rate: RateLimit | None,
        global_rate: RateLimit | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the two rates; None switches a limit off."""
        self.message_rate = message_rate
        self.global_rate = global_rate
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._global = _Window(-inf)

    def check(self, route: str, major: str, *, exempt: bool) -> RateLimitDecision:
        """Count a request of a route; ``exempt`` routes (interactions) do not count globally."""
        now = self._clock()
        if not exempt and self.global_rate is not None:
            wait = _take(self._global, self.global_rate, now)
            if wait:
                headers = {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
                return RateLimitDecision(allowed=False, headers=headers, retry_after=wait, is_global=True)
        rate = self._rate(route)
        window = self._windows.get(f"{route}:{major}")
        if window is None:
            window = self._windows[f"{route}:{major}"] = _Window(now)
        wait = _take(window, rate, now)
        headers = _headers(route, rate, window, now)
        if wait:
            headers["X-RateLimit-Scope"] = "user"
        return RateLimitDecision(allowed=not wait, headers=headers, retry_after=wait)

    def _rate(self, route: str) -> RateLimit:
        if self.message_rate is None:
            return UNLIMITED
        return self.message_rate if route == "messages.create" else OTHER_ROUTES


def _take(window: _Window, rate: RateLimit, now: float) -> float:
    """Count a request in a window; return the seconds to wait if the window is full."""
    if now - window.started >= rate.seconds:
        window.started, window.used = now, 0
    if window.used >= rate.limit:
        return max(0.001, window.started + rate.seconds - now)
    window.used += 1
    return 0.0


def _headers(route: str, rate: RateLimit, window: _Window, now: float) -> dict[str, str]:
    reset = window.started + rate.seconds
    return {
        "X-RateLimit-Limit": str(rate.limit),
        "X-RateLimit-Remaining": str(max(0, rate.limit - window.used)),
        "X-RateLimit-Reset": f"{reset:.3f}",
        "X-RateLimit-Reset-After": f"{max(0.0, reset - now):.3f}",
        "X-RateLimit-Bucket": hashlib.md5(route.encode(), usedforsecurity=False).hexdigest(),
    }
