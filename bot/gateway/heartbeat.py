"""The heartbeat of a gateway connection, timed so that a fast acknowledgement is no false alarm."""

from __future__ import annotations

import time
from typing import Any

from discord.gateway import KeepAliveHandler


class Heartbeat(KeepAliveHandler):
    """Notes when a heartbeat leaves before it leaves.

    discord.py's own notes it when its thread hears that the heartbeat is sent. On a fast connection the acknowledgement
    is there before that, and is counted from the heartbeat before it: discord.py then warns that it "can't keep up" and
    is one interval behind (``KeepAliveHandler.run`` and ``ack``, discord.py 2.7.1).
    """

    def get_payload(self) -> dict[str, Any]:
        """Return the heartbeat that is sent next."""
        self._last_send = time.perf_counter()
        return super().get_payload()
