"""Files are downloaded from Discord's hosts alone, and never further than their limit."""

from __future__ import annotations

import gzip
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from discord.http import Route

from bot.gateway import origin
from bot.gateway.bodies import TooLong, body_of
from bot.gateway.cdn import NoFile, PublicResolver, download, session
from bot.gateway.origin import Intercepted, vouch

LIMIT = 100_000
Answer = Callable[[web.Request], web.StreamResponse]


@dataclass
class Host:
    """A server; ``sent`` counts the bytes of its endless file, ``asked`` has the paths that were asked for."""

    url: str = ""
    sent: int = 0
    asked: list[str] = field(default_factory=list)
    leads: str = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer by the path."""
        self.asked.append(request.path)
        match request.path:
            case "/file":
                return web.Response(body=b"x" * LIMIT)
            case "/list":
                return web.json_response(["x"])
            case "/larger":
                return web.Response(body=b"x" * (LIMIT + 1))
            case "/compressed":
                return web.Response(body=gzip.compress(b"x" * 10 * LIMIT), headers={"Content-Encoding": "gzip"})
            case "/led":
                return web.Response(status=302, headers={"Location": self.leads})
            case "/endless":
                return await self._endless(request)
        raise web.HTTPForbidden

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 10_000)
                self.sent += 10_000
        except ConnectionError:
            return response


@asynccontextmanager
async def _host() -> AsyncIterator[Host]:
    host, app = Host(), web.Application()
    app.router.add_get("/{path}", host.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield host
    finally:
        await runner.cleanup()


@pytest.fixture
async def host(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    """Serve files where the settings have the API."""
    async with _host() as host:
        monkeypatch.setattr(Route, "BASE", f"{host.url}/api/v10")
        yield host


@pytest.fixture
async def elsewhere() -> AsyncIterator[Host]:
    """Serve files somewhere else."""
    async with _host() as host:
        yield host


async def fetched(address: str) -> bytes:
    """Download a file."""
    async with session() as opened:
        return await download(opened, address, LIMIT)


async def test_a_file_is_read_up_to_its_limit(host: Host) -> None:
    """To the byte."""
    assert len(await fetched(f"{host.url}/file")) == LIMIT
    with pytest.raises(NoFile, match="larger"):
        await fetched(f"{host.url}/larger")


async def test_a_file_without_an_end_is_broken_off(host: Host) -> None:
    """While it is read: memory holds no more than the limit, whatever comes."""
    with pytest.raises(NoFile, match="larger"):
        await fetched(f"{host.url}/endless")


async def test_what_was_compressed_is_not_expanded(host: Host) -> None:
    """It was not asked for."""
    with pytest.raises(NoFile, match="compressed"):
        await fetched(f"{host.url}/compressed")


async def test_a_redirect_is_followed_on_the_same_host(host: Host) -> None:
    """And not in circles."""
    host.leads = "/file"
    assert len(await fetched(f"{host.url}/led")) == LIMIT
    host.leads = "/led"
    with pytest.raises(NoFile, match="redirects"):
        await fetched(f"{host.url}/led")


@pytest.mark.parametrize(
    "leads", ["", "{elsewhere}/file", "http://169.254.169.254/latest", "file:///etc/passwd", "//["]
)
async def test_a_redirect_leads_nowhere_else(host: Host, elsewhere: Host, leads: str) -> None:
    """Nobody there is asked."""
    host.leads = leads.format(elsewhere=elsewhere.url)

    with pytest.raises(NoFile):
        await fetched(f"{host.url}/led")

    assert elsewhere.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "{elsewhere}/file",
        "http://cdn.discordapp.com/a",
        "https://cdn.discordapp.com:8443/a",
        "https://cdn.discordapp.com.example.org/a",
        "https://cdn.discordapp.com@127.0.0.1/a",
        "https://127.0.0.1/a",
        "/a",
        "",
    ],
)
async def test_an_address_of_no_host_of_discord_s_is_not_asked(host: Host, elsewhere: Host, address: str) -> None:
    """Wherever the message has it from."""
    with pytest.raises(NoFile, match="not Discord's"):
        await fetched(address.format(elsewhere=elsewhere.url))

    assert host.asked + elsewhere.asked == []


class Fixed(AbstractResolver):
    """Finds the same addresses for every host."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return them."""
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0)
            for each in self._addresses
        ]

    async def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    "private",
    ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:127.0.0.1"],
)
async def test_a_host_with_a_private_address_is_not_asked(private: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever name it goes by; of several addresses the public ones are left."""
    found = await PublicResolver(Fixed("1.1.1.1", private)).resolve("cdn.discordapp.com")
    assert [each["host"] for each in found] == ["1.1.1.1"]

    monkeypatch.setattr(aiohttp, "DefaultResolver", lambda: Fixed(private))
    monkeypatch.setattr(Route, "BASE", "https://discord.com/api/v10")
    with pytest.raises(aiohttp.ClientConnectorError):
        await fetched("https://cdn.discordapp.com/a")


async def test_a_body_without_an_end_is_broken_off(elsewhere: Host) -> None:
    """The server notices."""
    async with aiohttp.ClientSession() as opened, opened.get(f"{elsewhere.url}/endless") as response:
        with pytest.raises(TooLong):
            await body_of(response, LIMIT)

    assert elsewhere.sent < 1000 * LIMIT


async def test_an_answer_without_an_end_is_not_discord_s(elsewhere: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its status; one that ends is there for discord.py to read."""
    monkeypatch.setattr(origin, "LONGEST_ANSWER", LIMIT)
    async with aiohttp.ClientSession() as opened:
        async with opened.get(f"{elsewhere.url}/endless") as response:
            with pytest.raises(Intercepted):
                await vouch(response)
        async with opened.get(f"{elsewhere.url}/list") as response:
            await vouch(response)
            assert await response.json() == ["x"]
