from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.moderation.command import REPLAY, ModerationError, Report
from bot.moderation.commands import COMMANDS, calls
from bot.moderation.context import CommandContext
from bot.moderation.control_socket import SOCKET, call, listening
from tests.moderating import put
from tests.moderation.conftest import BY, CHANNEL, Room


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
    reader, writer = await asyncio.open_unix_connection(folder / SOCKET)
    writer.write(line)
    writer.write_eof()
    said: dict[str, object] = json.loads(await reader.readline())
    assert await reader.read() == b""
    writer.close()
    return said


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


async def test_a_bot_that_stops_meanwhile_is_told_of(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits does not wait for ever."""
    begun = asyncio.Event()

    async def endless(_context: CommandContext) -> Report:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    put(monkeypatch, "status", endless)
    async with listening(room.context, tmp_path):
        waiting = asyncio.create_task(call(tmp_path, "status", {}))
        await begun.wait()

    with pytest.raises(ModerationError, match="went away before it answered"):
        await waiting


def test_every_command_can_be_asked_for() -> None:
    """All of ``/replay``, and what its commands show before they ask."""
    replay = {command.name for command in COMMANDS if command.group == REPLAY}

    assert set(calls()) == replay | {"preview_rewind", "preview_reset"}
