"""A port for a server that a test starts later, or in another process."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

LOWEST, HIGHEST = 20_000, 32_000
"""Below what systems give to those who ask for any port (from 32768 on Linux): else a client elsewhere, or a server of
another test, could get this port in the seconds until its server listens."""


def free_port() -> int:
    """Return a port of the loopback that nobody uses just now, and that the system gives to nobody by itself."""
    chosen = random.SystemRandom()  # the seeded one is the same in all the processes that run tests
    while True:
        port = chosen.randint(LOWEST, HIGHEST)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
