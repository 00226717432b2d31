"""Counting failed connections, whatever the reason, and logging the trouble once."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

import structlog

from bot.gateway import pacing
from bot.gateway.turns import Turns

TOLD_AFTER = 2
"""Failures in a row after which the trouble is logged. A single one is normal."""

_log = structlog.get_logger()


@dataclass(slots=True)
class Reconnects:
    """The number of connections in a row without an established session. Successive clients share it.

    ``cause`` is the reason of the last failure, "" while a session lives. ``turns`` are those of all shards here.
    """

    turns: Turns = field(default_factory=lambda: Turns(time.monotonic))
    failed: int = 0
    cause: str = ""
    _identified: float | None = None
    _settling: asyncio.TimerHandle | None = None

    def failure(self, cause: str, *, fresh: bool) -> float:
        """Count a failed connection; return the seconds to wait for the next one (``fresh``: for a new session)."""
        self._unsettle()
        self.failed += 1
        self.cause = cause
        if self.failed == TOLD_AFTER:
            _log.warning("gateway.trouble", failed=self.failed, cause=cause, hint="tried again, at most 30 s apart")
        seconds = pacing.pause(self.failed, _chance())
        if fresh and self._identified is not None:
            since = asyncio.get_running_loop().time() - self._identified
            seconds = max(seconds, pacing.before_identify(since, _chance()))
        return seconds

    def identified(self) -> None:
        """Note that a new session was asked for."""
        self._identified = asyncio.get_running_loop().time()

    def begun(self) -> None:
        """Note that a session began or goes on. It counts as established after ``SETTLED_SECONDS``."""
        self._unsettle()
        self.cause = ""
        self._settling = asyncio.get_running_loop().call_later(pacing.SETTLED_SECONDS, self._settled)

    def stop(self) -> None:
        """Cancel the timer."""
        self._unsettle()

    def _settled(self) -> None:
        if self.failed >= TOLD_AFTER:
            _log.info("gateway.trouble_over", failed=self.failed)
        self.failed = 0

    def _unsettle(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None


def _chance() -> float:
    return random.random()  # noqa: S311 - spreads bots, hides nothing
