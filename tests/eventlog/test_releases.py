"""Two releases beside each other: 0.1.0 by its own code out of the history, and this one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from bot.core import events as e
from bot.errors import LogLocked
from bot.eventlog import database
from bot.eventlog.key_file import read_key
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log, open_reader
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.eventlog.verify import verify
from bot.sandbox.child_process import tethered
from tests.releases import NoHistory, check_out, last_of

pytestmark = pytest.mark.sqlite_only("older releases have no engines")

OLDER = "0.1.0"
OWNER = Path(__file__).with_name("older_owner.py")
REFUSAL = rf"has schema version {len(database.migrations())} and this release knows 5: use the newer release"


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the code of the older release."""
    folder = tmp_path_factory.mktemp("older") / OLDER
    try:
        check_out(last_of(OLDER), folder)
    except NoHistory as error:
        pytest.skip(str(error))
    return folder


def by(older: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the older release to its end."""
    environment = {**os.environ, "PYTHONPATH": str(older)}
    return subprocess.run(
        (sys.executable, *command), cwd=older, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@contextmanager
def owning(older: Path, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Have a process of the older release own a log; it ends with the block, at the latest."""
    command = tethered(sys.executable, str(OWNER), str(folder))
    environment = {**os.environ, "PYTHONPATH": str(older)}
    with subprocess.Popen(
        command, cwd=older, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert _said(process.stdout) == f"open {OLDER}"
            yield process
        finally:
            process.kill()


def append(process: subprocess.Popen[str]) -> int:
    """Have the older release append, and return the newest position."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return int(_said(process.stdout))


def stopped(process: subprocess.Popen[str]) -> None:
    """Have it close the log and end."""
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(20) == 0


def _said(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


def files(folder: Path) -> dict[str, bytes]:
    """Return the contents of a log's files."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name.startswith(("events", "vault"))}


async def joined(reader: Reader) -> list[int]:
    """Return with which messages others were answered, and see that all is whole."""
    found = [recorded.event async for recorded in reader.events(Query(types=(e.ReplyAbandoned.TYPE,)))]
    assert [finding async for page in verify(reader) for finding in page.findings] == []
    return [event.together_with for event in found if isinstance(event, e.ReplyAbandoned)]


async def taken_over(location: Location) -> EventLog:
    """Open the log by this release."""
    return await open_log(location, clock=lambda: 1, full=False)


@pytest.mark.long
async def test_this_release_takes_over_from_a_killed_one_which_then_stays_out(older: Path, location: Location) -> None:
    """While the older one runs, this one reads beside it and waits; afterwards the older one changes nothing."""
    with owning(older, location.folder) as process:
        assert append(process) == 2
        with pytest.raises(LogLocked, match=r"belongs to process \d+ on .*: stop it first"):
            await taken_over(location)
        reader = await open_reader(location)
        assert await joined(reader) == [0]
        assert append(process) == 4
        assert await joined(reader) == [0, 2]
        await reader.close()
        process.kill()
        process.wait(20)

    log = await taken_over(location)
    await log.append("channel:1", [e.Draft(e.RepliesPaused(by="7"))])
    shown = by(older, "-m", "bot", "log", "show", "--log", str(location.folder))
    assert (await joined(log.reader), (await log.reader.load("channel:1")).state.version) == ([0, 2], 5)
    await log.close()
    before = files(location.folder)
    refused = by(older, str(OWNER), str(location.folder))

    assert (refused.returncode, shown.returncode) == (4, 4)
    for said in (refused.stdout, shown.stderr):
        assert re.search(REFUSAL, " ".join(said.split()))
    assert files(location.folder) == before


@pytest.mark.long
async def test_a_backup_from_before_the_upgrade_is_the_way_back(
    older: Path, location: Location, tmp_path: Path
) -> None:
    """The older release puts it in the place of a log that it can't read only when it is told to, and keeps that."""
    backup = tmp_path / "backup.db"
    with owning(older, location.folder) as process:
        append(process)
        stopped(process)
    made = by(older, "-m", "bot", "backup", str(backup), "--log", str(location.folder))
    log = await taken_over(location)
    await log.append("channel:1", [e.Draft(e.RepliesPaused(by="7"))])
    await log.close()
    restore = ("-m", "bot", "restore", str(backup), "--log", str(location.folder))

    refused, forced = by(older, *restore), by(older, *restore, "--force")

    assert (made.returncode, refused.returncode, forced.returncode) == (0, 4, 0)
    assert "add --force" in " ".join(refused.stderr.split())
    with owning(older, location.folder) as process:
        assert append(process) == 5
        stopped(process)
    (replaced,) = location.folder.glob("replaced-*")
    for place, expected in ((location, [0, 2]), (Location(replaced, key=read_key(location.key_path)), [0])):
        reader = await open_reader(place)
        assert await joined(reader) == expected
        await reader.close()
