from __future__ import annotations

import aiohttp
import pytest

from bot.sandbox import posting
from bot.sandbox.control_client import ControlClient
from bot.sandbox.interactions import InteractionKind
from bot.sandbox.models import Message
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Connect, StartBot

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
    """However the connection ended, one RESUME and no IDENTIFY bring every message, in order."""
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
    """Only REST has the messages of the gap."""
    bot = await start_bot()

    await control.gateway(action, **body)
    await control.post("lost")
    await bot.expect("ready")
    await control.post("seen")

    assert await _texts(bot, 1) == ["seen"]
    assert (await control.sessions())["identifies"] == 2


async def test_a_session_is_forgotten_after_its_window(start_bot: StartBot, control: ControlClient) -> None:
    """RESUME comes too late, op 9 sends the client back to IDENTIFY."""
    await control.change_settings(resume_window=0.0)
    bot = await start_bot()
    await control.gateway("drop")

    await bot.expect("ready")

    assert (await control.sessions())["identifies"] == 2


async def test_a_client_that_says_goodbye_loses_its_session(connect: Connect, control: ControlClient) -> None:
    """Closing with 1000 ends the session at once (gateway.mdx:242)."""
    socket = await connect(intents=CHAT_INTENTS)
    await socket.expect("READY")
    await control.wait_for_sessions(1)

    await socket.websocket.close(code=1000)
    await control.wait_for_sessions(0)

    assert (await control.sessions())["sessions"] == []


async def test_an_outage_refuses_connections_and_ends(start_bot: StartBot, control: ControlClient) -> None:
    """REST fails meanwhile, the session is resumed afterwards, on the same port."""
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
    """Two clients with one token hear the same."""
    first, second = await start_bot(), await start_bot()

    await control.post("both")

    assert [await _texts(first, 1), await _texts(second, 1)] == [["both"], ["both"]]
    await control.wait_for_sessions(2)


async def test_intents_choose_the_events(connect: Connect, control: ControlClient) -> None:
    """Who asked for private messages alone gets nothing else, not even guilds."""
    channel = await control.open_dm("alice")
    only_private = await connect(intents=4096)
    await only_private.expect("READY")

    await control.post("public")
    await control.post("private", channel=channel["id"])

    payload = await only_private.receive()
    assert (payload["t"], payload["s"], payload["d"]["content"]) == ("MESSAGE_CREATE", 2, "private")
    assert "guild_id" not in payload["d"]


async def test_guilds_are_unavailable_in_ready_and_then_created(connect: Connect, sandbox: Sandbox) -> None:
    """GUILD_CREATE has what READY leaves out; without presences the bot is the only member."""
    posting.post(sandbox.world, Message(sandbox.services.general, sandbox.world.named_user("alice"), "hi"))
    socket = await connect(intents=CHAT_INTENTS)

    ready = await socket.expect("READY")
    guild = await socket.expect("GUILD_CREATE")

    assert ready["guilds"] == [{"id": guild["id"], "unavailable": True}]
    assert guild["channels"][0]["last_message_id"] == str(sandbox.services.general.last_message_id)
    assert [member["user"]["username"] for member in guild["members"]] == ["sandbox-bot"]


async def test_whoever_waits_for_a_shard_is_not_told_of_another(
    connect: Connect, sandbox: Sandbox, control: ControlClient
) -> None:
    """The session of a bot without shards is that of shard 0."""
    for shard, ready, other in ((None, 0, 1), ([1, 2], 1, 2)):
        socket = await connect()
        token = sandbox.services.application.token
        await socket.send(2, {"token": token, "intents": CHAT_INTENTS, "shard": shard, "properties": {}})
        await socket.expect("READY")

        await control.wait_for_ready(shard=ready)
        with pytest.raises(TimeoutError):
            await control.wait_for_ready(shard=other, within=0)


async def test_shards_divide_the_guilds_and_private_messages_go_to_the_first(
    connect: Connect, sandbox: Sandbox
) -> None:
    """(guild_id >> 22) % count chooses, for commands too; DMs have no guild."""
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
    posting.post(sandbox.world, Message(sandbox.services.general, alice, "public"))
    posting.post(sandbox.world, Message(private, alice, "private"))

    assert (await sockets[home].expect("MESSAGE_CREATE"))["content"] == "public"
    assert (await sockets[0].expect("MESSAGE_CREATE"))["content"] == "private"

    for channel in (sandbox.services.general, private):
        sandbox.services.interactions.start(
            sandbox.services.application, InteractionKind.COMMAND, alice, channel, {"id": "1", "name": "a", "type": 1}
        )
    sessions = {session.shard: session for session in sandbox.services.hub.ready_sessions()}
    used = [[sent.name for sent in sessions[number, 2].replay].count("INTERACTION_CREATE") for number in (0, 1)]
    assert used == ([2, 0] if home == 0 else [1, 1])
