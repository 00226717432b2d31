"""The heartbeat of a gateway connection, without discord.py's false warnings and without unusable intervals."""

from __future__ import annotations

import time
from typing import Any

from discord.gateway import KeepAliveHandler

LEAST, MOST, USUAL = 0.5, 600.0, 41.25
"""Seconds between heartbeats: the shortest and longest that are believed, and the one used instead of others.

Discord allows two events a second (docs/discord-facts.md, 1.2).
"""


class Heartbeat(KeepAliveHandler):
    """Notes the time of a heartbeat before it is sent, and checks the interval.

    With an interval of 0, discord.py's thread would send without a pause; an infinite one would end the thread.

    discord.py's own handler notes the time after its thread learns that the heartbeat was sent. On a fast connection
    the acknowledgement comes before that and is measured from the heartbeat before. discord.py then warns that it
    "can't keep up" and is one interval behind (``KeepAliveHandler.run`` and ``ack``, discord.py 2.7.1).
    """

    def __init__(self, *args: Any, interval: float | None = None, **kwargs: Any) -> None:  # noqa: ANN401 - discord.py's
        believed = interval is not None and LEAST <= interval <= MOST
        super().__init__(*args, interval=interval if believed else USUAL, **kwargs)

    def get_payload(self) -> dict[str, Any]:
        """Return the next heartbeat, and note the time."""
        self._last_send = time.perf_counter()
        return super().get_payload()
