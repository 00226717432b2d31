from __future__ import annotations

import json
import zlib

import aiohttp
import pytest

from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import Connect

CHAT_INTENTS = 1 + 512 + 4096 + 32768


async def test_transport_compression_is_one_stream(sandbox: Sandbox, control: ControlClient) -> None:
    """Each frame ends with a sync flush, and one context serves the connection."""
    url = sandbox.services.addresses.gateway + "?v=10&encoding=json&compress=zlib-stream"
    inflate = zlib.decompressobj()
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as websocket:

        async def receive() -> object:
            data = await websocket.receive_bytes()
            assert data.endswith(b"\x00\x00\xff\xff")
            return json.loads(inflate.decompress(data))

        hello = await receive()
        await websocket.send_json({"op": 2, "d": {"token": sandbox.services.application.token, "intents": 512}})
        ready = await receive()
        await control.post("squeezed " * 20)
        message = await receive()

    assert isinstance(hello, dict)
    assert isinstance(ready, dict)
    assert isinstance(message, dict)
    assert (hello["op"], ready["t"], message["s"]) == (10, "READY", 2)


@pytest.mark.parametrize(
    ("operation", "data", "code"),
    [
        pytest.param(2, {"token": "wrong", "intents": 1}, 4004, id="a wrong token"),
        pytest.param(2, {"token": None, "intents": 1}, 4004, id="no token"),
        pytest.param(2, {"token": "T", "intents": 1 << 17}, 4013, id="an intent that does not exist"),
        pytest.param(2, {"token": "T", "intents": "all"}, 4013, id="intents that are no number"),
        pytest.param(2, {"token": "T"}, 4013, id="no intents"),
        pytest.param(2, {"token": "T", "intents": 1, "shard": [2, 2]}, 4010, id="a shard outside its count"),
        pytest.param(2, {"token": "T", "intents": 1, "shard": "x"}, 4010, id="a shard that is no pair"),
        pytest.param(2, [], 4002, id="identify with a list"),
        pytest.param(99, {}, 4001, id="an unknown opcode"),
        pytest.param(3, {}, 4003, id="a presence before identify"),
        pytest.param(1, "x", 4002, id="a heartbeat that is no number"),
        pytest.param("x", {}, 4002, id="an opcode that is no number"),
        pytest.param(3, "x" * 5000, 4002, id="a payload over 4096 bytes"),
    ],
)
async def test_bad_payloads_close_with_their_code(
    connect: Connect, sandbox: Sandbox, operation: int, data: object, code: int
) -> None:
    """Codes as opcodes-and-status-codes.mdx has them."""
    socket = await connect()
    if isinstance(data, dict) and data.get("token") == "T":
        data = {**data, "token": sandbox.services.application.token}

    await socket.send(operation, data)

    assert await socket.closed() == code


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"op": NaN}', "[" * 4000])
async def test_what_is_no_json_object_closes_with_4002(connect: Connect, text: str) -> None:
    """Neither emptiness nor depth is an answer."""
    socket = await connect()

    await socket.websocket.send_str(text)

    assert await socket.closed() == 4002


async def test_a_second_identify_closes_with_4005(connect: Connect, sandbox: Sandbox) -> None:
    """A connection has one session."""
    socket = await connect(intents=1)
    await socket.expect("READY")

    await socket.send(2, {"token": sandbox.services.application.token, "intents": 1})

    assert await socket.closed() == 4005


async def test_another_api_version_closes_with_4012(connect: Connect) -> None:
    """Only v10 is spoken."""
    socket = await connect(query="?v=5", hello=False)

    assert await socket.closed() == 4012


async def test_resume_answers_what_it_must(connect: Connect, sandbox: Sandbox) -> None:
    """Unknown sessions are op 9, a sequence from the future is 4007, a live session is taken over."""
    token = sandbox.services.application.token
    first = await connect(intents=CHAT_INTENTS)
    session_id = (await first.expect("READY"))["session_id"]
    await first.expect("GUILD_CREATE")

    unknown = await connect()
    await unknown.send(6, {"token": token, "session_id": "none", "seq": 1})
    ahead = await connect()
    await ahead.send(6, {"token": token, "session_id": session_id, "seq": 99})
    takes_over = await connect()
    await takes_over.send(6, {"token": token, "session_id": session_id, "seq": 1})

    assert await unknown.receive() == {"op": 9, "d": False}
    assert await ahead.closed() == 4007
    assert (await takes_over.receive())["t"] == "GUILD_CREATE"
    assert (await takes_over.receive())["t"] == "RESUMED"


async def test_too_many_gateway_commands_close_with_4008(connect: Connect) -> None:
    """120 in 60 seconds are allowed."""
    socket = await connect(intents=1)
    for _ in range(130):
        await socket.send(1, None)

    assert await socket.closed() == 4008


async def test_a_client_without_heartbeats_is_closed(connect: Connect, control: ControlClient) -> None:
    """4009 after two missed heartbeats."""
    await control.change_settings(heartbeat_interval=0.05)
    socket = await connect(intents=1)

    assert await socket.closed() == 4009


async def test_identifying_too_often_is_op_9(connect: Connect, sandbox: Sandbox) -> None:
    """max_concurrency identifies are allowed in five seconds."""
    sandbox.options.identify_concurrency = 1
    first, second = await connect(intents=1), await connect(intents=1)

    await first.expect("READY")
    assert await second.receive() == {"op": 9, "d": False}


async def test_too_many_identifies_a_day_reset_the_token(connect: Connect, sandbox: Sandbox) -> None:
    """The crash loop that costs the token (gateway.mdx:188)."""
    sandbox.options.identify_total = 1
    token = sandbox.services.application.token
    await (await connect(intents=1)).expect("READY")

    assert await (await connect(intents=1)).closed() == 4004
    assert sandbox.services.application.token != token
