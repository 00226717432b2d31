"""A gateway that does the same to every connection, as plain clients see it."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from bot.sandbox.control_client import ControlClient
from bot.sandbox.errors import SandboxError
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import Connect, Rest, Socket

INTENTS = 512


async def resume(connect: Connect, sandbox: Sandbox, session: str, sequence: int) -> Socket:
    """Open a connection that asks for a session again."""
    socket = await connect()
    token = sandbox.services.application.token
    await socket.send(6, {"token": token, "session_id": session, "seq": sequence})
    return socket


async def ready(connect: Connect) -> Any:  # noqa: ANN401 - JSON
    """Begin a session and return its READY."""
    return await (await connect(intents=INTENTS)).expect("READY")


@pytest.mark.parametrize("code", [1001, 4000, 4009])
async def test_before_hello_nothing_is_said(connect: Connect, control: ControlClient, code: int) -> None:
    """The upgrade works, and that is all."""
    await control.gateway("storm", at="connect", does="close", code=code)

    socket = await connect(hello=False)
    first = await socket.websocket.receive()

    assert first.type is aiohttp.WSMsgType.CLOSE
    assert first.data == code


async def test_after_hello_the_line_is_cut(connect: Connect, control: ControlClient) -> None:
    """Without a close frame."""
    await control.gateway("storm", at="hello", does="cut")

    socket = await connect()

    assert await socket.closed() == aiohttp.WSCloseCode.ABNORMAL_CLOSURE


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        pytest.param({"does": "reconnect"}, {"op": 7, "d": None}, id="op 7"),
        pytest.param({"does": "invalid-session", "resumable": True}, {"op": 9, "d": True}, id="op 9 true"),
        pytest.param({"does": "invalid-session"}, {"op": 9, "d": False}, id="op 9 false"),
    ],
)
async def test_a_word_comes_instead_of_a_session(
    connect: Connect, control: ControlClient, deed: dict[str, Any], said: object
) -> None:
    """And the IDENTIFY is spent all the same."""
    await control.gateway("storm", at="identify", **deed)

    socket = await connect(intents=INTENTS)

    assert await socket.receive() == said
    sessions = await control.sessions()
    assert (sessions["identifies"], sessions["sessions"]) == (1, [])


async def test_a_session_that_was_ready_ends_and_is_forgotten(connect: Connect, control: ControlClient) -> None:
    """As op 9 without d:true says."""
    await control.gateway("storm", at="ready", does="invalid-session")

    socket = await connect(intents=INTENTS)
    await socket.expect("READY")

    assert await socket.receive() == {"op": 9, "d": False}
    assert (await control.sessions())["sessions"] == []


async def test_only_resumes_fail(connect: Connect, control: ControlClient, sandbox: Sandbox) -> None:
    """So many as are asked for; then the session goes on."""
    began = await ready(connect)
    await control.gateway("storm", at="resume", does="close", code=4000, count=2)

    closed = [await (await resume(connect, sandbox, began["session_id"], 1)).closed() for _ in range(2)]
    again = await resume(connect, sandbox, began["session_id"], 1)

    assert closed == [4000, 4000]
    await again.expect("RESUMED")


async def test_silence_answers_no_heartbeat(connect: Connect, control: ControlClient, sandbox: Sandbox) -> None:
    """Nor anything else: what is said to the session waits for it to be resumed."""
    await control.gateway("storm", at="ready", does="silence")
    silent = await connect(intents=INTENTS)
    began = await silent.expect("READY")

    await silent.send(1, None)
    await control.post("unheard")
    await control.gateway("calm")
    heard = await resume(connect, sandbox, began["session_id"], 1)

    assert (await heard.expect("MESSAGE_CREATE"))["id"]
    assert await silent.closed() == aiohttp.WSCloseCode.ABNORMAL_CLOSURE


async def test_a_page_instead_of_an_upgrade(connect: Connect, control: ControlClient) -> None:
    """Counted as a call of the gateway."""
    await control.gateway("storm", at="upgrade", does="page", status=200)

    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await connect()

    assert refused.value.status == 200
    assert (await control.sessions())["upgrades"] == 1


async def test_ready_says_what_it_is_told_to(connect: Connect, control: ControlClient) -> None:
    """Until it is calm again."""
    await control.gateway("ready", fields={"session_id": None})
    strange = await ready(connect)
    await control.clear_faults()
    usual = await ready(connect)

    assert strange["session_id"] is None
    assert usual["session_id"]


async def test_sessions_left_are_told_and_counted(connect: Connect, control: ControlClient, rest: Rest) -> None:
    """The one after the last resets the token."""
    await control.change_settings(sessions_left=1)
    limit = (await rest("GET", "/gateway/bot")).body["session_start_limit"]
    await ready(connect)

    assert limit["remaining"] == 1
    assert (await control.call("GET", "/settings"))["sessions_left"] == 0
    assert await (await connect(intents=INTENTS)).closed() == 4004


async def test_an_endpoint_may_be_missing(control: ControlClient, rest: Rest) -> None:
    """As on a server that is not the newest."""
    await control.add_fault("missing", method="GET", path="/gateway/bot")

    answer = await rest("GET", "/gateway/bot")

    assert (answer.status, answer.body) == (404, {"message": "404: Not Found", "code": 0})


@pytest.mark.parametrize(
    ("storm", "words"),
    [
        pytest.param({"at": "noon", "does": "cut"}, "at must be one of upgrade, connect", id="no moment"),
        pytest.param({"at": "hello", "does": "sing"}, "does must be one of page, cut", id="no deed"),
        pytest.param({"at": "hello", "does": "page"}, "instead of an upgrade, and only there", id="a late page"),
        pytest.param({"at": "hello", "does": "close", "code": 99}, "code must be", id="no close code"),
        pytest.param({"at": "upgrade", "does": "page", "status": 101}, "status must be", id="no page's status"),
        pytest.param({"at": "hello", "does": "cut", "count": 0}, "count must be", id="nobody"),
    ],
)
async def test_what_cannot_be_done_is_refused(control: ControlClient, storm: dict[str, Any], words: str) -> None:
    """With what can be."""
    with pytest.raises(SandboxError, match=words):
        await control.gateway("storm", **storm)
