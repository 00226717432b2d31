"""What was acknowledged outlives the process: it is killed at random moments, again and again, on one log."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from bot.eventlog.verify import verify
from bot.sandbox.child_process import tethered
from tests.suite.engine import environ_for

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]
Acknowledged = set[tuple[str, int, int]]

APPENDER = Path(__file__).with_name("appender.py")
ROOT = Path(__file__).parents[2]


def run_and_kill(folder: Path, lines: int) -> Acknowledged:
    """Let a process append, kill it after some lines, and return all that it had acknowledged by then."""
    environment = {**environ_for(folder), "PYTHONPATH": str(ROOT)}
    command = tethered(sys.executable, str(APPENDER), str(folder))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    whole = [line.split() for line in said if line.endswith("\n") and line != "open\n"]
    return {(stream, int(version), int(position)) for stream, version, position in whole}


async def check(log: EventLog, acknowledged: Acknowledged) -> None:
    """Hold a log to everything it ever acknowledged, to units that are whole, and to its chain."""
    everything = [recorded async for recorded in log.reader.events(Query())]
    found = {(recorded.stream, recorded.version, recorded.position) for recorded in everything}
    assert acknowledged <= found
    assert [recorded.position for recorded in everything] == list(range(1, len(everything) + 1))
    for stream in await log.reader.streams():
        types = [recorded.event.TYPE for recorded in everything if recorded.stream == stream.name]
        assert types == ["message.received", "reply.requested"] * (len(types) // 2)
        assert len(types) == stream.version
        assert (await log.reader.load(stream.name)).state.received == len(types) // 2
    progress = [progress async for progress in verify(log.reader)]
    assert [finding for one in progress for finding in one.findings] == []


async def test_what_was_acknowledged_outlives_kill_9(location: Location, opened: Opener) -> None:
    """Each process finds the last one's events, and appends after them."""
    chance = random.Random(9)
    acknowledged: Acknowledged = set()
    for _ in range(6):
        acknowledged |= run_and_kill(location.folder, chance.randrange(1, 600))
        async with opened(location) as log:
            await check(log, acknowledged)
            assert len(await log.reader.unfinished()) == len(await log.reader.streams())

    async with opened(location) as log:
        appended = await log.append("bot", [e.Draft(e.BotStarted(release="1", host="h", pid=1))])
        assert appended.new[0].position > max((position for *_, position in acknowledged), default=0)


@pytest.mark.parametrize("name", [".", "owner.lock", "vault.key", "events.db.new", "events.db", "events.db-wal"])
async def test_a_process_that_is_killed_in_its_first_start_is_followed_by_a_whole_one(
    location: Location, opened: Opener, name: str
) -> None:
    """Whatever it has made by then."""
    environment = {**environ_for(location.folder), "PYTHONPATH": str(ROOT)}
    command = tethered(sys.executable, str(APPENDER), str(location.folder))
    awaited = (location.folder / name, location.folder / "events.db-wal")
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        while not any(path.exists() for path in awaited):
            assert process.poll() is None
        process.kill()

    async with opened(location) as log:
        await check(log, set())
