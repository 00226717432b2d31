from __future__ import annotations

import asyncio
import json

import pytest
import yarl

from bot.sandbox import posting
from bot.sandbox.control_client import ControlClient
from bot.sandbox.models import Message
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Connect, StartBot
from tests.waiting import PATIENCE

CHAT_INTENTS = 1 + 512 + 4096 + 32768


async def _texts(bot: Bot, count: int) -> list[str]:
    return [(await bot.expect("message")).content for _ in range(count)]


class TestSlowClient:
    """A client that does not keep up."""

    @pytest.fixture
    def options(self) -> SandboxOptions:
        """Let little pile up."""
        return SandboxOptions(stall_patience=0.2, queue_limit=5000)

    async def test_it_loses_its_session_when_too_much_piles_up(self, connect: Connect, sandbox: Sandbox) -> None:
        """A full queue ends the session for good."""
        sandbox.options.queue_limit = 50
        socket = await connect(intents=CHAT_INTENTS)
        session_id = (await socket.expect("READY"))["session_id"]
        alice = sandbox.world.named_user("alice")
        for _ in range(60):
            posting.post(sandbox.world, Message(sandbox.services.general, alice, "too fast"))

        assert await socket.closed() == 1006
        again = await connect()
        token = sandbox.services.application.token
        await again.send(6, {"token": token, "session_id": session_id, "seq": 1})
        assert await again.receive() == {"op": 9, "d": False}

    async def test_it_loses_its_session_when_it_reads_nothing_and_others_go_on(
        self, connect: Connect, sandbox: Sandbox, control: ControlClient
    ) -> None:
        """A client that never reads stalls nobody else."""
        reader, writer = await _connect_without_reading(sandbox)
        await control.wait_for_sessions(1)
        quick = await connect(intents=CHAT_INTENTS)
        await quick.expect("GUILD_CREATE")

        async with asyncio.TaskGroup() as group:
            group.create_task(control.post_many({"content": "x" * 2000} for _ in range(8000)))
            for _ in range(8000):
                await quick.expect("MESSAGE_CREATE")

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
    """Not even heartbeats are acknowledged; what piled up comes afterwards."""
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
    """discord.py does not deduplicate."""
    bot = await start_bot()
    posted = await control.post("echo")
    await control.gateway("repeat", message=posted["id"])

    first, second = await bot.expect("message"), await bot.expect("message")

    assert first.id == second.id == int(posted["id"])


async def test_random_repeats_are_the_same_for_a_seed(connect: Connect, control: ControlClient) -> None:
    """Some events come twice, none is lost."""
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
    """Across channels the order is another one."""
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
    """docs/discord-facts.md, 1.2: a KeyError ends the client."""
    bot = await start_bot()
    posted = await control.post("fine")
    await bot.expect("message")

    await control.gateway("dispatch", message=posted["id"], without=["content"])

    assert bot.running is not None
    with pytest.raises(KeyError, match="content"):
        async with asyncio.timeout(PATIENCE):
            await bot.running


async def test_an_invented_event_is_ignored_by_discord_py(start_bot: StartBot, control: ControlClient) -> None:
    """Discord adds events all the time."""
    bot = await start_bot()

    await control.gateway("dispatch", event="SOMETHING_NEW", data={"id": "1"})
    await control.post("still here")

    assert await _texts(bot, 1) == ["still here"]
    assert (await control.sessions())["identifies"] == 1
