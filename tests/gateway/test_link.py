from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bot.gateway.link import received
from tests.waiting import eventually

Ends = tuple[aiohttp.ClientWebSocketResponse, web.WebSocketResponse]


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """Return both ends of a connection."""
    there: asyncio.Future[web.WebSocketResponse] = asyncio.get_running_loop().create_future()
    done = asyncio.Event()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        there.set_result(socket)
        await done.wait()
        return socket

    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{runner.addresses[0][1]}") as here,
    ):
        yield here, await there
        done.set()
    await runner.cleanup()


async def test_frames_that_have_come_need_no_timer(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order."""
    here, there = ends
    first = asyncio.ensure_future(received(here.receive, 60))
    for number in range(3):
        await there.send_str(str(number))
    assert (await first).data == "0"
    await eventually(lambda: len(here._reader._buffer) == 2)

    monkeypatch.delattr(asyncio, "timeout")

    assert [(await received(here.receive, 60)).data for _ in range(2)] == ["1", "2"]


async def test_a_silence_ends_after_a_while(ends: Ends) -> None:
    """Also when nothing but a ping has come, which aiohttp answers."""
    here, there = ends
    await there.ping()
    await eventually(lambda: here._reader._buffer)

    with pytest.raises(TimeoutError):
        await received(here.receive, 0.01)


async def test_waiting_can_be_given_up(ends: Ends) -> None:
    """As when the bot stops; the connection can be asked again."""
    here, there = ends
    waiting = asyncio.ensure_future(received(here.receive, 60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    await there.send_str("later")

    assert (await received(here.receive, 60)).data == "later"


async def test_the_end_of_a_connection_is_a_frame(ends: Ends) -> None:
    """Whether it has come before or comes while one waits."""
    here, there = ends
    waiting = asyncio.ensure_future(received(here.receive, 60))
    await asyncio.sleep(0)

    closing = asyncio.ensure_future(there.close(code=4009))

    assert ((await waiting).type, here.close_code) == (aiohttp.WSMsgType.CLOSE, 4009)
    assert (await received(here.receive, 60)).type is aiohttp.WSMsgType.CLOSED
    await closing
