"""The sandbox as a process, and its command line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest
from click.testing import CliRunner

from bot.cli.sandbox import sandbox as sandbox_command
from bot.sandbox.child_process import tethered
from bot.sandbox.errors import SandboxError
from bot.sandbox.process import sandbox_process
from tests.sandbox.conftest import Socket
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]

LINES = [
    {"channel": "year-one", "at": "2006-01-01T00:00:00Z", "author": "ann", "bot": False, "content": "!one"},
    {"channel": "year-two", "at": "2014-01-01T00:00:00Z", "author": "bea", "bot": False, "content": "!two"},
    {"channel": "year-one", "at": "2006-01-01T00:00:01Z", "author": "helper", "bot": True, "content": "two, you say"},
]


def _write(path: Path, lines: list[object]) -> Path:
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


async def test_it_says_where_it_listens_and_ends_on_sigterm() -> None:
    """One JSON line, a control API that works, a clean end."""
    async with sandbox_process(["--bot-name", "robin"]) as process:
        world = await process.control.world()
        os.kill(process.pid, signal.SIGTERM)

    assert world["applications"][0]["name"] == "robin"
    assert process.api_url.endswith("/api/v10")


async def test_it_does_not_start_on_a_port_that_is_taken() -> None:
    """The sentence names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"Port {port}"):
            async with sandbox_process(["--port", str(port)]):
                pass


async def test_it_plays_recorded_chat_and_leaves(tmp_path: Path) -> None:
    """It waits for a bot, plays every channel from its beginning, counts, and leaves."""
    recording = _write(tmp_path / "chat.jsonl", [*LINES, ""])
    process = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, "-m", "bot.sandbox", "--json", "--play", str(recording)),
        *("--speed", "max", "--rate-limit", "off", "--exit-after-play"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    async with aiohttp.ClientSession() as session, session.ws_connect(ready["gateway_url"]) as websocket:
        gateway = Socket(websocket)
        await gateway.send(2, {"token": ready["token"], "intents": 1 + 512 + 32768})
        seen = [await gateway.expect("MESSAGE_CREATE") for _ in LINES]
        url = f"{ready['api_url']}/channels/{seen[0]['channel_id']}/messages"
        for _ in range(2):
            body = {"content": "one!", "message_reference": {"message_id": seen[0]["id"]}}
            await session.post(url, json=body, headers={"Authorization": f"Bot {ready['token']}"})
        async with asyncio.timeout(PATIENCE):
            output, errors = await process.communicate()

    summary = json.loads(output)
    assert {(item["author"]["username"], item["author"].get("bot", False)) for item in seen} == {
        ("ann", False),
        ("bea", False),
        ("helper", True),
    }
    assert summary["posted"] == {"year-one": 2, "year-two": 1}
    assert (summary["replies"], summary["doubled"]) == ({"year-one": 2}, {"year-one": 1})
    assert "more than one reply" in errors.decode()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param(["{"], "line 1: not JSON", id="half an object"),
        pytest.param([LINES[0], "[]"], "line 2: not a JSON object", id="a list"),
        pytest.param(["", {**LINES[0], "channel": 5}], "line 2: channel must be text", id="a channel that is a number"),
        pytest.param([{**LINES[0], "at": "yesterday"}], "line 1: at must be a time", id="no time"),
        pytest.param([{**LINES[0], "author": ""}], "line 1: author must be text", id="nobody"),
        pytest.param([{**LINES[0], "bot": "yes"}], "line 1: bot must be true or false", id="a bot that is a text"),
        pytest.param([{**LINES[0], "content": "x" * 4001}], "line 1: content must be text of 1 to 4000", id="too long"),
        pytest.param(["{"] * 9, "and 4 more", id="many bad lines"),
        pytest.param([], "holds no messages", id="nothing"),
    ],
)
def test_a_bad_recording_is_refused_before_anything_is_played(tmp_path: Path, lines: list[object], said: str) -> None:
    """Each bad line is named."""
    recording = _write(tmp_path / "chat.jsonl", lines)

    result = CliRunner().invoke(sandbox_command, ["--play", str(recording)])

    assert result.exit_code == 1
    assert said in result.output


def test_a_recording_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are named by place."""
    (tmp_path / "chat.jsonl").write_bytes(b"\xff\xfe")

    result = CliRunner().invoke(sandbox_command, ["--play", str(tmp_path / "chat.jsonl")])

    assert (result.exit_code, "not UTF-8" in result.output) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--host", "0.0.0.0"], "not a loopback address", id="an address that others reach"),  # noqa: S104
        pytest.param(["--host", "example.org"], "not a loopback address", id="a name"),
        pytest.param(["--port", "70000"], "70000", id="a port that is none"),
        pytest.param(["--rate-limit", "fast"], "write requests/seconds", id="a rate that is none"),
        pytest.param(["--rate-limit", "0/5"], "write requests/seconds", id="a rate of nothing"),
        pytest.param(["--speed", "0"], "is not a speed", id="a speed of nothing"),
        pytest.param(["--speed", "inf"], "is not a speed", id="an infinite speed"),
        pytest.param(["--token", " "], "The token must be", id="a token of blanks"),
        pytest.param(["--deny-intent", "flying"], "flying", id="an unknown intent"),
        pytest.param(["--play", "missing.jsonl"], "does not exist", id="a file that is missing"),
        pytest.param(["--exit-after-play"], "needs something to play", id="leaving after nothing"),
        pytest.param(["--nonce-window", "-1"], "-1", id="a negative time"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], said: str) -> None:
    """Click's usage errors leave with 2, the sandbox's with 1; both say what is wrong."""
    result = CliRunner().invoke(sandbox_command, arguments)

    assert result.exit_code in (1, 2)
    assert said in result.output


async def test_ctrl_c_stops_it_without_a_traceback() -> None:
    """It prints how to run the bot, then serves until it is told to stop."""
    process = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, "-m", "bot", "sandbox"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    printed = b""
    async with asyncio.timeout(PATIENCE):
        while b"Serving until Ctrl-C" not in printed:
            printed += await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        output, errors = await process.communicate()

    assert b"DISCORD_TOKEN=" in printed
    assert b"ECHOLESS_DISCORD__API_URL=http://127.0.0.1:" in printed
    assert b"ECHOLESS_DISCORD__GATEWAY_URL=ws://127.0.0.1:" in printed
    assert (process.returncode, errors, b"Stopped." in output) == (130, b"", True)
