"""Downloads of files, from the hosts of Discord alone, with a limit that holds while a file is read.

The addresses come with messages, and a host may redirect anywhere. So each address is checked before it is asked, also
each that a redirect names: no address in a payload can make the bot ask a machine of its own network.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from ipaddress import ip_address

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult
from discord.http import Route

from bot.gateway.bodies import TooLong, body_of

HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
"""Where Discord keeps files (docs: reference, CDN; docs: message, attachment object)."""

REDIRECTS = 3
_REDIRECTING = frozenset((301, 302, 303, 307, 308))
_MISSING = frozenset((HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE))


class NoFile(Exception):
    """The file can't be had; the message says why, without its address, which is a secret."""


class Gone(NoFile):
    """The file is not at its address, or no longer: an address expires."""


class Refused(NoFile):
    """The file is not wanted as it is; the message says why, in words that a model can pass on."""


class PublicResolver(AbstractResolver):
    """Finds the addresses of hosts, and leaves out those of this machine and of private networks."""

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or aiohttp.DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the public addresses of a host; raise OSError if it has none."""
        found = [each for each in await self._inner.resolve(host, port, family) if _is_public(each["host"])]
        if not found:
            raise OSError(None, "no public address")
        return found

    async def close(self) -> None:
        """Close the resolver that is asked."""
        await self._inner.close()


@asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a session for downloads. Nothing is sent compressed, because it could expand to any size."""
    # Whoever sets the address of the API may set one of this machine.
    connector = aiohttp.TCPConnector(resolver=PublicResolver() if _configured() is None else None)
    headers = {"Accept-Encoding": "identity"}
    async with aiohttp.ClientSession(connector=connector, headers=headers, auto_decompress=False) as opened:
        yield opened


async def download(
    opened: aiohttp.ClientSession, address: str, limit: int, refuse: Callable[[bytes], str] = lambda _head: ""
) -> bytes:
    """Return the file at an address; raise NoFile if it has more than ``limit`` bytes or is elsewhere.

    ``refuse`` is given the first bytes, and returns why the rest is not wanted ("": it is).
    """
    url = _checked(address)
    for _ in range(REDIRECTS + 1):
        async with opened.get(url, allow_redirects=False) as response:
            if response.status not in _REDIRECTING:
                return await _body(response, limit, refuse)
            url = _checked(response.headers.get("Location", ""), response.url)
    raise NoFile("too many redirects")


def _checked(address: str, base: yarl.URL | None = None) -> yarl.URL:
    """Return an address that may be asked, seen from ``base``; raise NoFile for any other."""
    try:
        url = yarl.URL(address) if base is None else base.join(yarl.URL(address))
    except ValueError:
        raise NoFile("no address") from None
    discords = url.scheme == "https" and url.host in HOSTS and url.is_default_port()
    if discords or (url.absolute and url.origin() == _configured()):
        return url
    raise NoFile("an address that is not Discord's")


def _configured() -> yarl.URL | None:
    """Return where the settings have the API if that is not Discord itself, such as a sandbox; its files are there."""
    base = yarl.URL(Route.BASE)
    return None if (base.host or "").endswith("discord.com") else base.origin()


async def _body(response: aiohttp.ClientResponse, limit: int, refuse: Callable[[bytes], str]) -> bytes:
    if response.status in _MISSING:
        raise Gone(f"status {response.status}")
    if response.status != HTTPStatus.OK:
        raise NoFile(f"status {response.status}")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NoFile("compressed")

    def look(head: bytes) -> None:
        if reason := refuse(head):
            response.close()
            raise Refused(reason)

    try:
        return await body_of(response, limit, look)
    except TooLong:
        raise NoFile("larger than Discord says") from None


def _is_public(host: str) -> bool:
    address = ip_address(host.partition("%")[0])
    return (getattr(address, "ipv4_mapped", None) or address).is_global
