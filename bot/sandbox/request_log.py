"""The REST requests of bots, so that a test can count and check them."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from bot.sandbox.changes import Changes

CAPACITY = 100_000


@dataclass(slots=True)
class LoggedRequest:
    """One request; ``status`` is None until it is answered, ``fault`` names the fault that struck it."""

    number: int
    at: float
    method: str
    path: str
    status: int | None = None
    fault: str | None = None


class RequestLog:
    """Keeps the newest requests, and counts all."""

    def __init__(self, changes: Changes) -> None:
        """Begin empty."""
        self.entries: deque[LoggedRequest] = deque(maxlen=CAPACITY)
        self.total = 0
        self._changes = changes

    def begin(self, method: str, path: str) -> LoggedRequest:
        """Record a request when it arrives; ``path`` is without the API's base."""
        self.total += 1
        entry = LoggedRequest(self.total, time.time(), method, path)
        self.entries.append(entry)
        return entry

    def finish(self, entry: LoggedRequest, status: int | None) -> None:
        """Record the status of its answer; None if there is no answer."""
        entry.status = status
        self._changes.notify()
