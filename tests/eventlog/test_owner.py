"""A log has one owner at a time, and everybody else is told who it is."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from bot.core import events as e
from bot.errors import LogLocked, LogUnwritable
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log, open_reader
from bot.eventlog.owner import Owner, Ownership, read_owner
from bot.sandbox.child_process import tethered
from tests.suite.engine import environ_for
from tests.waiting import PATIENCE

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

APPENDER = Path(__file__).with_name("appender.py")
ROOT = Path(__file__).parents[2]
STREAM = "channel:9"


def start(folder: Path) -> subprocess.Popen[str]:
    """Start a process that owns the log in a folder, unless it is refused."""
    return subprocess.Popen(
        tethered(sys.executable, str(APPENDER), str(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environ_for(folder), "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture
def other(location: Location) -> Iterator[subprocess.Popen[str]]:
    """Return another process, which owns the log and appends to it."""
    with start(location.folder) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


def said(message_id: int) -> e.Draft:
    """Somebody posts a message."""
    return e.Draft(e.MessageReceived(message_id=message_id, author_id=7, sent_at=1))


async def refused(location: Location, opened: Opener) -> str:
    """Return the refusal of a log that has an owner."""
    with pytest.raises(LogLocked) as caught:
        async with opened(location):
            pass
    return str(caught.value)


async def test_a_log_that_is_open_is_refused_in_the_same_process(log: EventLog, location: Location) -> None:
    """By the process's own id; the log that is open goes on."""
    with pytest.raises(LogLocked, match=f"belongs to process {os.getpid()} on {socket.gethostname()}: stop it first"):
        await open_log(location, clock=lambda: 1)

    assert len((await log.append(STREAM, [said(1)])).new) == 1


async def test_a_log_that_is_open_elsewhere_is_refused(
    location: Location, opened: Opener, other: subprocess.Popen[str]
) -> None:
    """By the id of the process that owns it."""
    assert f"belongs to process {other.pid} on {socket.gethostname()}" in await refused(location, opened)
    assert other.poll() is None


async def test_another_process_is_refused(log: EventLog, location: Location) -> None:
    """By the id of this one."""
    with start(location.folder) as process:
        _, refusal = process.communicate(timeout=PATIENCE)

    assert refusal.startswith(f"LogLocked: The log folder {location.folder} belongs to process {os.getpid()} on ")
    assert process.returncode == 1
    assert len((await log.append(STREAM, [said(1)])).new) == 1


async def test_a_killed_owner_leaves_the_log_free(
    location: Location, opened: Opener, other: subprocess.Popen[str]
) -> None:
    """The kernel lets go of its lock; what it noted of itself is overwritten."""
    other.kill()
    other.wait(30)
    assert read_owner(location.folder) == Owner(other.pid, socket.gethostname(), since=_since(location))

    async with opened(location) as log:
        assert len((await log.append(STREAM, [said(1)])).new) == 1
        owner = read_owner(location.folder)
        assert owner is not None
        assert owner.pid == os.getpid()


def _since(location: Location) -> int:
    since: int = json.loads((location.folder / "owner.json").read_text())["since"]
    return since


async def test_closing_lets_go_of_the_log(location: Location, opened: Opener) -> None:
    """And takes the note of its owner away."""
    for _ in range(3):
        async with opened(location) as log:
            await log.append(STREAM, [said(1)])
        assert read_owner(location.folder) is None


async def test_the_note_says_since_when(location: Location) -> None:
    """In microseconds."""
    log = await open_log(location, clock=lambda: 1_700_000_000_000_000)
    try:
        assert read_owner(location.folder) == Owner(os.getpid(), socket.gethostname(), 1_700_000_000_000_000)
    finally:
        await log.close()


NOTES = ["", "{", "[]", "{}", "null", '{"pid": 1}', '{"pid": 1, "host": "old", "since": 1}', "\ufeff"]


@pytest.mark.parametrize("note", NOTES)
async def test_a_note_without_a_lock_means_nothing(location: Location, opened: Opener, note: str) -> None:
    """Whatever a killed owner left in it."""
    location.folder.mkdir()
    (location.folder / "owner.json").write_text(note, encoding="utf-8")

    async with opened(location) as log:
        await log.append(STREAM, [said(1)])


@pytest.mark.parametrize("note", [None, *NOTES[:-2], NOTES[-1]])
async def test_a_lock_without_a_note_is_refused_all_the_same(
    location: Location, opened: Opener, log: EventLog, note: str | None
) -> None:
    """The owner may have been slow to write it."""
    assert log.depth == 0
    path = location.folder / "owner.json"
    if note is None:
        path.unlink()
    else:
        path.write_text(note, encoding="utf-8")

    assert "belongs to another process: stop it first" in await refused(location, opened)


@pytest.mark.parametrize("name", ["owner.lock", "owner.json"])
async def test_a_lock_that_can_not_be_written_is_refused(location: Location, opened: Opener, name: str) -> None:
    """And leaves nothing locked."""
    (location.folder / name).mkdir(parents=True)
    with pytest.raises(LogUnwritable, match="can't be locked"):
        async with opened(location):
            pass

    (location.folder / name).rmdir()
    async with opened(location) as log:
        await log.append(STREAM, [said(1)])


async def test_a_log_that_is_refused_is_free_again(location: Location, opened: Opener) -> None:
    """Whatever it was refused for."""
    async with opened(location) as log:
        await log.append(STREAM, [said(1)])
    with pytest.raises(Exception, match="not the one the log was made with"):
        async with opened(Location(location.folder, key=bytes(32))):
            pass

    assert read_owner(location.folder) is None
    async with opened(location) as log:
        assert len((await log.append(STREAM, [said(1)])).known) == 1


async def test_readers_need_no_ownership(location: Location, other: subprocess.Popen[str]) -> None:
    """They read beside the owner, and see what it has committed."""
    assert other.stdout is not None
    stream, version, position = other.stdout.readline().split()
    reader = await open_reader(location)
    try:
        assert await reader.head(stream) >= int(version)
        assert (await reader.bodies([int(position)]))[int(position)].name == "Ada"
    finally:
        await reader.close()


def test_letting_go_twice_is_harmless(tmp_path: Path) -> None:
    """The second time it may be somebody else's."""
    first, second = Ownership(tmp_path), Ownership(tmp_path)
    first.acquire(1)
    first.release()
    second.acquire(2)
    first.release()

    assert read_owner(tmp_path) == Owner(os.getpid(), socket.gethostname(), 2)
    with pytest.raises(LogLocked):
        first.acquire(3)
    second.release()


@pytest.mark.parametrize(
    "note",
    [
        "[" * 100_000,
        f'{{"pid": 1, "host": "here", "since": {"9" * 5000}}}',
        f'{{"pid": 1, "host": "here", "since": {10**30}}}',
        '{"pid": 1, "host": "here", "since": 1e999}',
        '{"pid": 1, "host": "here", "since": "now"}',
        '{"pid": 1, "host": "here", "since": -99999999999999999999}',
    ],
    ids=["too deep", "too many digits", "after the calendar", "infinity", "a text", "before the calendar"],
)
def test_a_note_that_tells_no_time_is_none(note: str, tmp_path: Path) -> None:
    """Nobody stumbles over it later."""
    (tmp_path / "owner.json").write_text(note, encoding="utf-8")

    assert read_owner(tmp_path) is None


def test_the_note_follows_no_symlink(tmp_path: Path) -> None:
    """And is its owner's alone."""
    victim = tmp_path / "victim"
    victim.write_text("theirs", encoding="utf-8")
    (tmp_path / "owner.json").symlink_to(victim)
    ownership = Ownership(tmp_path)

    ownership.acquire(1)

    assert victim.read_text(encoding="utf-8") == "theirs"
    assert (tmp_path / "owner.json").lstat().st_mode & 0o777 == 0o600
    assert read_owner(tmp_path) == Owner(os.getpid(), socket.gethostname(), 1)
    ownership.release()
