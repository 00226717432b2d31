"""A server for the page alone, over a log at rest or beside a bot that writes it."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.errors import ConfigError
from bot.page.application import application
from bot.page.site import PREFIX, Site

CLOSING_SECONDS = 1.0
"""For requests that are being answered at the end."""
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - whoever starts it chose it
"""Where a server that listens at all addresses of this machine is asked by the machine itself."""


def address_of(host: str, port: int) -> str:
    """Return the address of a server that listens at a host and a port."""
    host = _EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@asynccontextmanager
async def serve(site: Site, host: str, port: int) -> AsyncIterator[str]:
    """Serve the page within the context, which gets the address of the server; port 0 is any that is free.

    Raises ConfigError when host or port can't be used.
    """
    server = web.Application()
    server.add_subapp(PREFIX, application(site, (address_of(host, port),)))
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=CLOSING_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as exc:
            what = "is taken" if exc.errno == errno.EADDRINUSE else f"can't be listened on ({exc.strerror})"
            raise ConfigError(
                f"Port {port} on {host} {what}: name another host or port (--host, --port; 0 is any port)."
            ) from exc
        yield address_of(host, runner.addresses[0][1])
    finally:
        await runner.cleanup()
