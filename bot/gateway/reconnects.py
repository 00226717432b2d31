"""Counting connections that fail, whatever they fail of, and telling of the trouble once."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import structlog

from bot.gateway import pacing

TOLD_AFTER = 2
"""Failures in a row after which the trouble is told: one is an ordinary day."""

_log = structlog.get_logger()


@dataclass(slots=True)
class Reconnects:
    """The connections in a row that brought no lasting session; clients that follow each other share it.

    ``cause`` is what the last of them failed of, "" while a session lasts.
    """

    failed: int = 0
    cause: str = ""
    _identified: float | None = None
    _settling: asyncio.TimerHandle | None = None

    def failure(self, cause: str, *, fresh: bool) -> float:
        """Count a connection that failed; return the seconds to wait for the next, ``fresh``: with a new session."""
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
        """Note that a session began or goes on; it counts once it has lived for a while."""
        self._unsettle()
        self.cause = ""
        self._settling = asyncio.get_running_loop().call_later(pacing.SETTLED_SECONDS, self._settled)

    def stop(self) -> None:
        """Leave nothing behind."""
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
