from __future__ import annotations

import asyncio
import json
import zlib

import aiohttp
import discord
import pytest
import yarl

from bot.sandbox import posting
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import PATIENCE, Bot, Connect, StartBot

CHAT_INTENTS = 1 + 512 + 4096 + 32768


async def _texts(bot: Bot, count: int) -> list[str]:
    return [(await bot.expect("message")).content for _ in range(count)]


@pytest.mark.parametrize(
    ("action", "body"),
    [
        pytest.param("drop", {}, id="the line is cut"),
        pytest.param("drop", {"code": 4000}, id="closed with 4000"),
        pytest.param("drop", {"code": 4009}, id="closed with 4009"),
        pytest.param("drop", {"code": 1000}, id="closed by the server with 1000"),
        pytest.param("drop", {"code": 1001}, id="closed by the server with 1001"),
        pytest.param("reconnect", {}, id="op 7"),
        pytest.param("invalid-session", {"resumable": True}, id="op 9 true"),
    ],
)
async def test_a_resumed_session_gets_what_it_missed(
    start_bot: StartBot, control: ControlClient, action: str, body: dict[str, object]
) -> None:
    bot = await start_bot()
    await control.post("0")

    await control.gateway(action, **body)
    for number in (1, 2, 3):
        await control.post(str(number))
    await control.wait_for_ready(resumes=1)
    await control.post("4")

    assert await _texts(bot, 5) == list("01234")
    assert (await control.sessions())["identifies"] == 1


@pytest.mark.parametrize(
    ("action", "body"),
    [
        pytest.param("drop", {"invalidate": True}, id="cut and forgotten"),
        pytest.param("invalid-session", {"resumable": False}, id="op 9 false"),
    ],
)
async def test_an_invalid_session_identifies_again_and_misses_the_gap(
    start_bot: StartBot, control: ControlClient, action: str, body: dict[str, object]
) -> None:
    bot = await start_bot()

    await control.gateway(action, **body)
    await control.post("lost")
    await bot.expect("ready")
    await control.post("seen")

    assert await _texts(bot, 1) == ["seen"]
    assert (await control.sessions())["identifies"] == 2


async def test_a_session_is_forgotten_after_its_window(start_bot: StartBot, control: ControlClient) -> None:
    await control.change_settings(resume_window=0.0)
    bot = await start_bot()
    await control.gateway("drop")

    await bot.expect("ready")

    assert (await control.sessions())["identifies"] == 2


async def test_a_client_that_says_goodbye_loses_its_session(connect: Connect, control: ControlClient) -> None:
    socket = await connect(intents=CHAT_INTENTS)
    await socket.expect("READY")
    await control.wait_for_sessions(1)

    await socket.websocket.close(code=1000)
    await control.wait_for_sessions(0)

    assert (await control.sessions())["sessions"] == []


async def test_an_outage_refuses_connections_and_ends(start_bot: StartBot, control: ControlClient) -> None:
    bot = await start_bot()
    before = (await control.sessions())["resumes"]

    await control.outage(0.3)
    await control.post("meanwhile")
    with pytest.raises((aiohttp.ClientConnectionError, OSError)):
        await bot.fetch_guild(bot.guilds[0].id)
    await control.wait_for_ready(resumes=before + 1)

    assert await _texts(bot, 1) == ["meanwhile"]
    assert (await bot.fetch_guild(bot.guilds[0].id)).name == "Sandbox"


async def test_every_session_of_a_token_gets_every_event(start_bot: StartBot, control: ControlClient) -> None:
    first, second = await start_bot(), await start_bot()

    await control.post("both")

    assert [await _texts(first, 1), await _texts(second, 1)] == [["both"], ["both"]]
    await control.wait_for_sessions(2)


async def test_intents_choose_the_events(connect: Connect, control: ControlClient) -> None:
    channel = await control.open_dm("alice")
    only_private = await connect(intents=4096)
    await only_private.expect("READY")

    await control.post("public")
    await control.post("private", channel=channel["id"])

    payload = await only_private.receive()
    assert (payload["t"], payload["s"], payload["d"]["content"]) == ("MESSAGE_CREATE", 2, "private")
    assert "guild_id" not in payload["d"]


async def test_guilds_are_unavailable_in_ready_and_then_created(connect: Connect, sandbox: Sandbox) -> None:
    posting.post(sandbox.world, posting.Draft(sandbox.services.general, sandbox.world.named_user("alice"), "hi"))
    socket = await connect(intents=CHAT_INTENTS)

    ready = await socket.expect("READY")
    guild = await socket.expect("GUILD_CREATE")

    assert ready["guilds"] == [{"id": guild["id"], "unavailable": True}]
    assert guild["channels"][0]["last_message_id"] == str(sandbox.services.general.last_message_id)
    assert [member["user"]["username"] for member in guild["members"]] == ["sandbox-bot"]


async def test_shards_divide_the_guilds_and_private_messages_go_to_the_first(
    connect: Connect, sandbox: Sandbox
) -> None:
    token = sandbox.services.application.token
    home = (sandbox.services.guild.id >> 22) % 2
    private = sandbox.world.open_dm(sandbox.services.application, sandbox.world.named_user("alice"))
    sockets = []
    for number in (0, 1):
        socket = await connect()
        await socket.send(2, {"token": token, "intents": CHAT_INTENTS, "shard": [number, 2], "properties": {}})
        assert (await socket.expect("READY"))["shard"] == [number, 2]
        sockets.append(socket)

    alice = sandbox.world.named_user("alice")
    posting.post(sandbox.world, posting.Draft(sandbox.services.general, alice, "public"))
    posting.post(sandbox.world, posting.Draft(private, alice, "private"))

    assert (await sockets[home].expect("MESSAGE_CREATE"))["content"] == "public"
    assert (await sockets[0].expect("MESSAGE_CREATE"))["content"] == "private"


async def test_transport_compression_is_one_stream(sandbox: Sandbox, control: ControlClient) -> None:
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
    socket = await connect()
    if isinstance(data, dict) and data.get("token") == "T":
        data = {**data, "token": sandbox.services.application.token}

    await socket.send(operation, data)

    assert await socket.closed() == code


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"op": NaN}', "[" * 4000])
async def test_what_is_no_json_object_closes_with_4002(connect: Connect, text: str) -> None:
    socket = await connect()

    await socket.websocket.send_str(text)

    assert await socket.closed() == 4002


async def test_a_second_identify_closes_with_4005(connect: Connect, sandbox: Sandbox) -> None:
    socket = await connect(intents=1)
    await socket.expect("READY")

    await socket.send(2, {"token": sandbox.services.application.token, "intents": 1})

    assert await socket.closed() == 4005


async def test_another_api_version_closes_with_4012(connect: Connect) -> None:
    socket = await connect(query="?v=5", hello=False)

    assert await socket.closed() == 4012


async def test_resume_answers_what_it_must(connect: Connect, sandbox: Sandbox) -> None:
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
    socket = await connect(intents=1)
    for _ in range(130):
        await socket.send(1, None)

    assert await socket.closed() == 4008


async def test_a_client_without_heartbeats_is_closed(connect: Connect, control: ControlClient) -> None:
    await control.change_settings(heartbeat_interval=0.05)
    socket = await connect(intents=1)

    assert await socket.closed() == 4009


async def test_identifying_too_often_is_op_9(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.options.identify_concurrency = 1
    first, second = await connect(intents=1), await connect(intents=1)

    await first.expect("READY")
    assert await second.receive() == {"op": 9, "d": False}


async def test_too_many_identifies_a_day_reset_the_token(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.options.identify_total = 1
    token = sandbox.services.application.token
    await (await connect(intents=1)).expect("READY")

    assert await (await connect(intents=1)).closed() == 4004
    assert sandbox.services.application.token != token


class TestSlowClient:
    @pytest.fixture
    def options(self) -> SandboxOptions:
        return SandboxOptions(stall_patience=0.2, queue_limit=5000)

    async def test_it_loses_its_session_when_too_much_piles_up(self, connect: Connect, sandbox: Sandbox) -> None:
        sandbox.options.queue_limit = 50
        socket = await connect(intents=CHAT_INTENTS)
        session_id = (await socket.expect("READY"))["session_id"]
        alice = sandbox.world.named_user("alice")
        for _ in range(60):
            posting.post(sandbox.world, posting.Draft(sandbox.services.general, alice, "too fast"))

        assert await socket.closed() == 1006
        again = await connect()
        token = sandbox.services.application.token
        await again.send(6, {"token": token, "session_id": session_id, "seq": 1})
        assert await again.receive() == {"op": 9, "d": False}

    async def test_it_loses_its_session_when_it_reads_nothing_and_others_go_on(
        self, connect: Connect, sandbox: Sandbox, control: ControlClient
    ) -> None:
        reader, writer = await _connect_without_reading(sandbox)
        await control.wait_for_sessions(1)
        quick = await connect(intents=CHAT_INTENTS)
        await quick.expect("GUILD_CREATE")

        posting_all = asyncio.create_task(control.post_many({"content": "x" * 2000} for _ in range(8000)))
        for _ in range(8000):
            await quick.expect("MESSAGE_CREATE")
        await posting_all

        [left] = (await control.sessions())["sessions"]
        assert left["sequence"] == 8002
        assert not reader.at_eof()
        writer.transport.abort()


async def _connect_without_reading(sandbox: Sandbox) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Identify over a bare TCP connection, and never read again."""
    address = yarl.URL(sandbox.services.addresses.gateway)
    reader, writer = await asyncio.open_connection(address.host, address.port, limit=1024)
    head = "GET /gateway HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    writer.write(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode())
    body = json.dumps({"op": 2, "d": {"token": sandbox.services.application.token, "intents": CHAT_INTENTS}}).encode()
    # A text frame, masked with zeroes (RFC 6455, section 5.2).
    writer.write(bytes([0x81, 0x80 | len(body)]) + bytes(4) + body)
    await writer.drain()
    return reader, writer


async def test_a_muted_gateway_says_nothing_and_then_everything(connect: Connect, control: ControlClient) -> None:
    socket = await connect(intents=CHAT_INTENTS)
    await socket.expect("GUILD_CREATE")

    await control.gateway("mute")
    await control.post("held")
    await socket.send(1, 2)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await socket.websocket.receive()
    await control.gateway("unmute")

    assert (await socket.expect("MESSAGE_CREATE"))["content"] == "held"


async def test_a_repeated_delivery_reaches_the_client_twice(start_bot: StartBot, control: ControlClient) -> None:
    bot = await start_bot()
    posted = await control.post("echo")
    await control.gateway("repeat", message=posted["id"])

    first, second = await bot.expect("message"), await bot.expect("message")

    assert first.id == second.id == int(posted["id"])


async def test_random_repeats_are_the_same_for_a_seed(connect: Connect, control: ControlClient) -> None:
    orders = []
    for _ in range(2):
        await control.gateway("repeat", probability=0.5, seed=7)
        socket = await connect(intents=CHAT_INTENTS)
        await socket.expect("GUILD_CREATE")
        for number in range(10):
            await control.post(str(number))
        await control.clear_faults()
        await control.post("end")
        seen = []
        while (content := (await socket.expect("MESSAGE_CREATE"))["content"]) != "end":
            seen.append(content)
        orders.append(seen)

    assert orders[0] == orders[1]
    assert len(orders[0]) > 10
    assert sorted(set(orders[0])) == list("0123456789")


async def test_shuffling_keeps_the_order_of_a_channel(connect: Connect, control: ControlClient) -> None:
    channels = ["general", "one", "two"]
    for name in channels[1:]:
        await control.create_channel(name)
    socket = await connect(intents=CHAT_INTENTS)
    await socket.expect("GUILD_CREATE")

    await control.gateway("shuffle", size=30, delay=60, seed=3)
    await control.post_many(
        {"channel": channels[number % 3], "content": f"{channels[number % 3]} {number:02}"} for number in range(30)
    )
    seen = [(await socket.expect("MESSAGE_CREATE"))["content"] for _ in range(30)]

    assert seen != sorted(seen, key=lambda text: text.split()[1])
    for name in channels:
        own = [text for text in seen if text.startswith(name)]
        assert own == sorted(own)


async def test_a_malformed_dispatch_kills_discord_py_as_in_real_life(
    start_bot: StartBot, control: ControlClient
) -> None:
    bot = await start_bot()
    posted = await control.post("fine")
    await bot.expect("message")

    await control.gateway("dispatch", message=posted["id"], without=["content"])

    assert bot.running is not None
    with pytest.raises(KeyError, match="content"):
        async with asyncio.timeout(PATIENCE):
            await bot.running


async def test_an_invented_event_is_ignored_by_discord_py(start_bot: StartBot, control: ControlClient) -> None:
    bot = await start_bot()

    await control.gateway("dispatch", event="SOMETHING_NEW", data={"id": "1"})
    await control.post("still here")

    assert await _texts(bot, 1) == ["still here"]
    assert isinstance(bot.status, discord.Status)
