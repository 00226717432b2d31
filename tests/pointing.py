"""Points discord.py at a sandbox, for clients that are not the bot's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.sandbox.server import Sandbox


@contextmanager
def pointed_at(sandbox: Sandbox) -> Iterator[None]:
    """Point discord.py at a sandbox with its two class constants, and back."""
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE = sandbox.services.addresses.api
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(sandbox.services.addresses.gateway)
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway
