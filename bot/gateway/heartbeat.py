"""The heartbeat of a gateway connection: neither a false alarm nor a storm of its own."""

from __future__ import annotations

import time
from typing import Any

from discord.gateway import KeepAliveHandler

LEAST, MOST, USUAL = 0.5, 600.0, 41.25
"""Seconds between heartbeats: at least and at most believed, and otherwise used. Two a second are Discord's most."""


class Heartbeat(KeepAliveHandler):
    """Notes when a heartbeat leaves before it leaves, and does not believe any interval.

    An interval of nothing would have discord.py's thread send without a pause, an endless one would end the thread.

    discord.py's own notes it when its thread hears that the heartbeat is sent. On a fast connection the acknowledgement
    is there before that, and is counted from the heartbeat before it: discord.py then warns that it "can't keep up" and
    is one interval behind (``KeepAliveHandler.run`` and ``ack``, discord.py 2.7.1).
    """

    def __init__(self, *args: Any, interval: float | None = None, **kwargs: Any) -> None:  # noqa: ANN401 - discord.py's
        believed = interval is not None and LEAST <= interval <= MOST
        super().__init__(*args, interval=interval if believed else USUAL, **kwargs)

    def get_payload(self) -> dict[str, Any]:
        """Return the heartbeat that is sent next."""
        self._last_send = time.perf_counter()
        return super().get_payload()
