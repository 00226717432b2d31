from __future__ import annotations

import asyncio
import inspect
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.moderation import control_socket
from bot.moderation.command import REPLAY, ModerationError, Report
from bot.moderation.commands import COMMANDS, calls
from bot.moderation.context import CommandContext
from bot.moderation.control_socket import MOST_AT_ONCE, SOCKET, call, listening
from tests.moderating import put
from tests.moderation.conftest import BY, CHANNEL, Room
from tests.waiting import eventually

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

HALF_A_BODY = b"POST / HTTP/1.1\r\nHost: bot\r\nContent-Length: 100\r\n\r\n{"
STUCK = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"POST / HT", id="half a line"),
    pytest.param(b"POST / HTTP/1.1\r\nHost: b", id="half a head"),
    pytest.param(HALF_A_BODY, id="half a body"),
]


@pytest.fixture
async def door(room: Room, tmp_path: Path) -> AsyncIterator[Path]:
    """Return the folder of a log whose owner listens on its socket."""
    async with listening(room.context, tmp_path):
        yield tmp_path


async def ask(folder: Path, command: str, **arguments: object) -> Report:
    """Return the answer of the process that listens."""
    report = await call(folder, command, arguments)
    assert report is not None
    return report


async def raw(folder: Path, line: bytes) -> dict[str, object]:
    """Send a line as it is and return the answer."""
    connector = aiohttp.UnixConnector(str(folder / SOCKET))
    async with aiohttp.ClientSession(connector=connector) as session, session.post("http://bot/", data=line) as answer:
        said: dict[str, object] = json.loads(await answer.content.readline())
        assert await answer.content.read() == b""
    return said


async def connected(folder: Path, sent: bytes) -> Connection:
    """Connect, send something as it is, and leave it at that."""
    reader, writer = await asyncio.open_unix_connection(folder / SOCKET)
    writer.write(sent)
    await writer.drain()
    return reader, writer


def endless(monkeypatch: pytest.MonkeyPatch) -> asyncio.Semaphore:
    """Have a command never end, and return what is released by each that begins."""
    begun = asyncio.Semaphore(0)

    async def wait(_context: CommandContext) -> Report:
        begun.release()
        await asyncio.Event().wait()
        raise AssertionError

    put(monkeypatch, "snapshot", wait)
    return begun


async def test_a_command_is_carried_out_by_who_listens(room: Room, door: Path) -> None:
    """Reports come back as they are, files included; a refusal with its sentence."""
    for number in (10, 20, 30):
        await room.says(number)

    rewound = await ask(door, "rewind", channel_id=CHANNEL, to="1", by=BY)
    exported = await ask(door, "export", channel_id=CHANNEL)
    timeline = await ask(door, "timeline", channel_id=CHANNEL, types=["message.received"], size=2)

    assert await room.window() == [10]
    assert [turn["message_id"] for turn in rewound.data["left"]] == ["20", "30"]
    assert exported.file is not None
    assert len(exported.file.content.splitlines()) == 4
    assert timeline.more == "1"
    with pytest.raises(ModerationError, match="there is no version 99 yet"):
        await ask(door, "state", channel_id=CHANNEL, at="99")
    with pytest.raises(ModerationError, match="an age has at most 36500 days"):
        await ask(door, "state", channel_id=CHANNEL, at="999999999d")


async def test_progress_is_told(room: Room, door: Path) -> None:
    """As it comes."""
    await room.says(10)
    told: list[tuple[int, int]] = []

    await call(door, "verify", {}, lambda done, total: told.append((done, total)))

    assert told == [(1, 1)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param(b"\n", "no request", id="nothing"),
        pytest.param(b"\xff{\n", "no request", id="no JSON"),
        pytest.param(b"[" * 50_000 + b"\n", "no request", id="JSON without a bottom"),
        pytest.param(b"x" * 100_000 + b"\n", "no request", id="a line without an end"),
        pytest.param(b'["state"]\n', "no request", id="no object"),
        pytest.param(b'{"command": "state"}\n', "no request", id="no arguments"),
        pytest.param(b'{"command": "__init__", "arguments": {}}\n', "no request", id="a method that is no command"),
        pytest.param(b'{"command": "note_use", "arguments": {}}\n', "no request", id="a method not for this door"),
        pytest.param(b'{"command": "_desk", "arguments": {}}\n', "no request", id="something private"),
        pytest.param(b'{"command": "verify", "arguments": {"progress": 1}}\n', "no request", id="a function"),
        pytest.param(
            b'{"command": "undo", "arguments": {"channel_id": "x", "by": "me"}}\n', "channel_id", id="a wrong type"
        ),
        pytest.param(b'{"command": "undo", "arguments": {"channel_id": 5000}}\n', "by", id="an argument too few"),
        pytest.param(b'{"command": "status", "arguments": {"folder": "/"}}\n', "folder", id="an argument too many"),
    ],
)
async def test_what_is_no_request_is_refused(door: Path, line: bytes, said: str) -> None:
    """And the next one is served."""
    answer = await raw(door, line)

    assert said in str(answer["error"])
    assert "log" in (await ask(door, "status")).lines[0]


@pytest.mark.parametrize("number", [2**63, -(10**30), "9" * 30, 1e30, "1_000"], ids=str)
async def test_a_number_that_the_log_can_t_hold_is_refused(door: Path, number: object) -> None:
    """By every command, in a sentence that is not about a failure: it never reaches the log."""
    good = {"channel_id": CHANNEL, "by": BY, "at": "1", "to": "1", "first": "1", "second": "1"}
    for command, found in calls().items():
        taken = inspect.signature(found.run).parameters
        for name in taken.keys() & {"channel_id", "message_id", "person", "last", "size"}:
            given = {each: value for each, value in good.items() if each in taken} | {name: number}
            with pytest.raises(ModerationError, match=r"larger than any|does not take these"):
                await ask(door, command, **given)


async def test_a_failure_harms_nobody_and_quotes_nothing(door: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kind is named."""

    async def broken(_context: CommandContext) -> Report:
        raise RuntimeError("secret")

    put(monkeypatch, "status", broken)

    with pytest.raises(ModerationError, match=r"failed \(RuntimeError\)"):
        await ask(door, "status")


async def test_only_the_owner_may_open_it_and_it_goes_when_the_bot_stops(room: Room, tmp_path: Path) -> None:
    """What a dead process left is replaced."""
    left = socket.socket(socket.AF_UNIX)
    left.bind(os.fspath(tmp_path / SOCKET))
    left.close()
    assert await call(tmp_path, "status", {}) is None

    async with listening(room.context, tmp_path):
        mode = stat.S_IMODE((tmp_path / SOCKET).stat().st_mode)
        assert (await ask(tmp_path, "status")).lines

    assert mode == 0o600
    assert not (tmp_path / SOCKET).exists()
    assert await call(tmp_path, "status", {}) is None


async def test_a_folder_with_a_long_path_has_a_door_too(room: Room, tmp_path: Path) -> None:
    """The address of a socket holds some hundred bytes."""
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    folder.mkdir(parents=True)

    async with listening(room.context, folder):
        assert (await ask(folder, "status")).lines


async def test_where_no_socket_can_be_made_the_bot_runs_without(room: Room, tmp_path: Path) -> None:
    """Nothing listens then."""
    async with listening(room.context, tmp_path / "missing"):
        assert await call(tmp_path / "missing", "status", {}) is None


@pytest.mark.parametrize("sent", STUCK)
async def test_whoever_hangs_holds_nobody_up(door: Path, sent: bytes) -> None:
    """However many they are."""
    hanging = [await connected(door, sent) for _ in range(MOST_AT_ONCE + 1)]

    assert (await ask(door, "status")).lines

    for _, writer in hanging:
        writer.close()


@pytest.mark.parametrize("sent", STUCK)
async def test_whoever_hangs_is_let_go(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """A request comes within seconds or not at all."""
    monkeypatch.setattr(control_socket, "PATIENCE_SECONDS", 0.05)

    async with listening(room.context, tmp_path):
        reader, writer = await connected(tmp_path, sent)
        said = await reader.read()

    writer.close()
    assert (b"no request" in said) == (sent == HALF_A_BODY)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", id="no HTTP"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: bot\r\n\r\n", id="another method"),
        pytest.param(b"POST /status HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n", id="another address"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="no chunk"),
        pytest.param(b"POST / HTTP/1.1\r\nX: " + b"x" * 100_000, id="a head without an end"),
    ],
)
async def test_garbage_harms_nobody(door: Path, sent: bytes) -> None:
    """It is answered with an error, and the next request with a report."""
    reader, writer = await connected(door, sent)
    first = await reader.readline()
    writer.close()

    assert first.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4", b"HTTP/1.1 200"))
    assert (await ask(door, "status")).lines


async def test_what_is_begun_is_done_though_nobody_waits(
    door: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asked may leave at any moment, and no error is logged for it."""
    begun, left, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(_context: CommandContext) -> Report:
        begun.set()
        await left.wait()
        done.set()
        return Report("done")

    put(monkeypatch, "snapshot", slow)
    body = b'{"command": "snapshot", "arguments": {}}'
    _, writer = await connected(door, b"POST / HTTP/1.1\r\nHost: bot\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await begun.wait()
    writer.close()
    await writer.wait_closed()
    left.set()

    await done.wait()
    assert (await ask(door, "status")).lines
    assert not caplog.records


async def test_only_so_many_commands_are_carried_out_at_once(door: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is refused, and told why."""
    begun = endless(monkeypatch)
    under_way = [asyncio.create_task(call(door, "snapshot", {})) for _ in range(MOST_AT_ONCE)]
    for _ in under_way:
        await begun.acquire()

    with pytest.raises(ModerationError, match="16 commands are under way"):
        await ask(door, "status")

    for task in under_way:
        task.cancel()
    await asyncio.wait(under_way)


async def test_a_bot_that_stops_meanwhile_is_told_of(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits does not wait for ever."""
    begun = endless(monkeypatch)
    async with listening(room.context, tmp_path):
        waiting = asyncio.create_task(call(tmp_path, "snapshot", {}))
        await begun.acquire()

    with pytest.raises(ModerationError, match="went away before it answered"):
        await waiting


OF_THE_TERMINAL = {"erase", "preview_erase", "erase_archived", "find", "consumers"}
"""The steps of ``echoless erase``, ``archive``, ``search`` and ``consumers``."""


def test_every_command_can_be_asked_for() -> None:
    """All of ``/replay``, what its commands show before they ask, and steps of the terminal's commands."""
    replay = {command.name for command in COMMANDS if command.group == REPLAY}

    assert set(calls()) == replay | {"preview_rewind", "preview_reset"} | OF_THE_TERMINAL


async def test_only_so_many_clients_are_connected_at_once(door: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes after them is told so, and is let in when one has left."""
    monkeypatch.setattr(control_socket, "MOST_CLIENTS", 2)
    stuck = [await connected(door, b"") for _ in range(2)]
    await eventually(lambda: _refused(door))

    for _, writer in stuck:
        writer.close()
    await eventually(lambda: _served(door))


async def _refused(folder: Path) -> bool:
    try:
        await ask(folder, "status")
    except ModerationError as error:
        return "2 clients are connected" in str(error)
    return False


async def _served(folder: Path) -> bool:
    return not await _refused(folder)
