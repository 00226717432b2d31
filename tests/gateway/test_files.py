"""Files of messages: what comes, what does not and why, from a server that says and sends different things."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import discord
import pytest
from aiohttp import web
from discord.http import Route

from bot.gateway import files as fetching
from bot.gateway.current import CurrentClient
from bot.gateway.discord_time import DiscordTime
from bot.gateway.files import BROKEN_OFF, GONE, LATE, UNFETCHED, DiscordFiles
from bot.replies.attachments import TOO_LARGE_TOGETHER, Fetched

USER = {"id": "1", "username": "bot", "discriminator": "0", "avatar": None}
WORDS = b"the moon is made of cheese"
TIME = DiscordTime(lambda: 1_800_000_000_000_000)


@dataclass
class Host:
    """Discord with one message; ``reads`` counts how often it was read, ``asked`` has the paths of files."""

    url: str = ""
    status: int = 200
    reads: int = 0
    asked: list[str] = field(default_factory=list)
    never: asyncio.Event = field(default_factory=asyncio.Event)

    async def user(self, _request: web.Request) -> web.Response:
        """Say who logs in."""
        return _json(USER)

    async def message(self, _request: web.Request) -> web.Response:
        """Describe the files; each read signs their addresses anew."""
        self.reads += 1
        names = {
            11: "words",
            12: "gone",
            13: "expires",
            14: "short",
            15: "cut",
            16: "broken",
            17: "picture",
            18: "slow",
        }
        attachments = [
            {
                "id": str(number),
                "filename": f"{name}.txt",
                "content_type": "text/plain",
                "size": len(WORDS),
                "url": f"{self.url}/{name}?signed={self.reads}",
            }
            for number, name in names.items()
        ]
        return _json({"attachments": attachments}, self.status)

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Send a file by its path."""
        self.asked.append(request.path_qs)
        match request.match_info["name"], request.query["signed"]:
            case ("words", _) | ("expires", "2"):
                return web.Response(body=WORDS)
            case "short", _:
                return web.Response(body=WORDS[:9])
            case "cut", _:
                response = web.StreamResponse(headers={"Content-Length": str(len(WORDS))})
                await response.prepare(request)
                await response.write(WORDS[:9])
                if request.transport is not None:
                    request.transport.close()
                return response
            case "broken", _:
                raise web.HTTPInternalServerError
            case "picture", _:
                return web.Response(body=b"\x89PNG")
            case "slow", _:
                await self.never.wait()
        raise web.HTTPNotFound


def _json(data: object, status: int = 200) -> web.Response:
    # discord.py reads no other media type as JSON.
    return web.Response(body=json.dumps(data).encode(), status=status, content_type="application/json")


@pytest.fixture
async def host(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    """Serve Discord's REST and its files."""
    host, app = Host(), web.Application()
    app.router.add_get("/api/users/@me", host.user)
    app.router.add_get("/api/channels/1/messages/2", host.message)
    app.router.add_get("/{name}", host.file)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    monkeypatch.setattr(Route, "BASE", f"{host.url}/api")
    yield host
    host.never.set()
    await runner.cleanup()


def refuse(head: bytes) -> str:
    """Refuse pictures."""
    return "no pictures" if head.startswith(b"\x89PNG") else ""


async def fetch(*wanted: int, limit: int = 100) -> Fetched:
    """Fetch files as a client of discord.py that is logged in."""
    async with discord.Client(intents=discord.Intents.none()) as client:
        await client.http.static_login("token")
        return await DiscordFiles(CurrentClient(TIME, client)).fetch(1, 2, wanted, limit, refuse)


@pytest.mark.parametrize(
    ("number", "fault", "reads"),
    [
        pytest.param(12, GONE, 2, id="no longer there"),
        pytest.param(14, f"9 bytes came of {len(WORDS)}", 1, id="another length"),
        pytest.param(15, BROKEN_OFF, 1, id="cut off"),
        pytest.param(16, UNFETCHED, 1, id="a server that is broken"),
        pytest.param(17, "no pictures", 1, id="not wanted by its first bytes"),
        pytest.param(99, GONE, 2, id="not among the files"),
    ],
)
async def test_a_file_that_does_not_come_says_why(host: Host, number: int, fault: str, reads: int) -> None:
    """The one behind it comes all the same."""
    fetched = await fetch(number, 11)

    assert fetched.faults == {number: fault}
    assert [(file.id, file.name, file.data) for file in fetched.files] == [(11, "words.txt", WORDS)]
    assert host.reads == reads


async def test_an_address_that_expired_is_read_again(host: Host) -> None:
    """Once: Discord signs a new one."""
    fetched = await fetch(13)

    assert [file.data for file in fetched.files] == [WORDS]
    assert host.asked == ["/expires?signed=1", "/expires?signed=2"]


async def test_the_message_is_read_again_once_for_all_its_files(host: Host) -> None:
    """However many are gone."""
    fetched = await fetch(12, 99, 13)

    assert (fetched.faults, host.reads) == ({12: GONE, 99: GONE}, 2)


async def test_files_are_fetched_within_their_limit_together(host: Host) -> None:
    """What is too large is not even begun."""
    fetched = await fetch(11, 13, limit=len(WORDS) + 5)

    assert (len(fetched.files), fetched.faults) == (1, {13: TOO_LARGE_TOGETHER})
    assert host.asked == ["/words?signed=1"]


@pytest.mark.usefixtures("host")
async def test_what_came_in_time_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is late."""
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    fetched = await fetch(11, 18, 13)

    assert ([file.id for file in fetched.files], fetched.faults) == ([11], {18: LATE, 13: LATE})


async def test_a_message_that_can_not_be_read_has_no_files(host: Host) -> None:
    """Nor is anybody connected before the first connection."""
    host.status = 403
    assert await fetch(11) == Fetched((), {11: UNFETCHED})
    assert await DiscordFiles(CurrentClient(TIME)).fetch(1, 2, [11], 9, refuse) == Fetched((), {11: UNFETCHED})
