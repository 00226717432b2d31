"""A running sandbox: REST and gateway on one port; the control API has its own, so it works during an outage."""

from __future__ import annotations

import asyncio
import socket
from typing import Self

from aiohttp import web

from bot.sandbox.attachments import install_files
from bot.sandbox.control import api as control_api
from bot.sandbox.errors import SandboxError
from bot.sandbox.gateway.connection import GatewayConnection
from bot.sandbox.options import SandboxOptions
from bot.sandbox.rest import (
    commands,
    guilds,
    interactions,
    messages,
    reactions,
    roles,
    thread_members,
    threads,
    users,
)
from bot.sandbox.rest.router import BASE, install
from bot.sandbox.services import Services

_RESOURCES = (users, guilds, roles, messages, reactions, threads, thread_members, commands, interactions)
_MAX_REQUEST = 26_214_400  # 25 MiB (reference.mdx, "Uploading Files")


class Sandbox:
    """A Discord on loopback; ``world`` and ``hub`` are for tests in the same process."""

    def __init__(self, options: SandboxOptions | None = None) -> None:
        """Build the world; the ports open on entering the context."""
        self.options = options or SandboxOptions()
        self.services = Services(self.options)
        self.services.begin_outage = self.begin_outage
        self.world = self.services.world
        self.hub = self.services.hub
        self._discord: web.AppRunner | None = None
        self._control: web.AppRunner | None = None
        self._site: web.SockSite | None = None
        self._port = 0
        self._outage: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open both ports; raise SandboxError if one is taken."""
        discord = web.Application(client_max_size=_MAX_REQUEST)
        install(discord, self.services, [route for module in _RESOURCES for route in module.routes()])
        install_files(discord, self.world, BASE)
        discord.router.add_get("/gateway", self._gateway)
        discord.router.add_get("/gateway/", self._gateway)
        self._discord = web.AppRunner(discord, access_log=None, shutdown_timeout=0.1)
        self._control = web.AppRunner(control_api.application(self.services), access_log=None, shutdown_timeout=0.1)
        try:
            await self._discord.setup()
            await self._control.setup()
            self._port = await self._listen(self.options.port)
            control = _bind(self.options.host, self.options.control_port)
            await web.SockSite(self._control, control).start()
        except BaseException:
            await self.__aexit__()
            raise
        host = f"[{self.options.host}]" if ":" in self.options.host else self.options.host
        addresses = self.services.addresses
        addresses.api = f"http://{host}:{self._port}{BASE}"
        addresses.gateway = self.hub.gateway_url = f"ws://{host}:{self._port}/gateway"
        addresses.control = f"http://{host}:{control.getsockname()[1]}{control_api.PREFIX}"
        return self

    async def _listen(self, port: int, bound: socket.socket | None = None) -> int:
        listener = bound or _bind(self.options.host, port)
        if self._discord is None:
            message = "The sandbox is not running: start it first."
            raise SandboxError(message)
        self._site = web.SockSite(self._discord, listener)
        await self._site.start()
        return int(listener.getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        """Close everything."""
        if self._outage is not None:
            self._outage.cancel()
            await asyncio.gather(self._outage, return_exceptions=True)
        self.services.faults.clear()
        self.hub.unmuted.set()
        self.hub.drop(invalidate=False)
        for runner in (self._discord, self._control):
            if runner is not None:
                await runner.cleanup()
        self._discord = self._control = None

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        self.hub.upgrades += 1
        self.services.world.changes.notify()
        storm = self.hub.storm
        if storm is not None and storm.strikes("upgrade"):
            page = "<html><head><title>Welcome</title></head><body>This is not a gateway.</body></html>"
            return web.Response(text=page, status=storm.status, content_type="text/html")
        connection = GatewayConnection(self.hub, request)
        self.hub.connections.add(connection)
        return await connection.run()

    # -- outage ----------------------------------------------------------------------------------------------------

    def begin_outage(self, seconds: float) -> None:
        """Refuse connections and cut existing ones for some seconds, then listen on the same port again."""
        if self._outage is not None and not self._outage.done():
            self._outage.cancel()
        self._outage = asyncio.get_running_loop().create_task(self._be_out(seconds))

    async def _be_out(self, seconds: float) -> None:
        if self._site is not None:
            await self._site.stop()
        # Bound but not listening: the system refuses connections, and no other program can take the port.
        reserved = _bind(self.options.host, self._port)
        try:
            self._cut_connections()
            await asyncio.sleep(seconds)
        finally:
            await self._listen(self._port, reserved)

    def _cut_connections(self) -> None:
        self.hub.drop(invalidate=False)
        server = self._discord.server if self._discord is not None else None
        for handler in server.connections if server is not None else ():
            if handler.transport is not None:
                handler.transport.abort()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        message = f"Port {port} on {host} can't be used ({error.strerror}): choose another one, or 0 for any free port."
        raise SandboxError(message) from error
    listener.setblocking(False)  # noqa: FBT003 - takes no name
    return listener
