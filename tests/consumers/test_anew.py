"""Consumers that begin anew: asked to, in another version, and after the log was restored."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.consumers import Batch
from bot.consumers.consumer import Rebuild
from bot.consumers.consumers import FOLDER
from bot.consumers.jsonl import Jsonl
from bot.consumers.status import State
from bot.eventlog import backup, restoring
from bot.eventlog.key_file import read_key
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from tests.consumers.following import Table, caught_up, filled, rows, running, wishes
from tests.eventlog.conftest import Opener
from tests.waiting import eventually


class Double(Table):
    """Another version, which writes each position twice as large."""

    version = 2

    async def handle(self, batch: Batch) -> None:
        """Write the rows."""
        sql = "INSERT INTO seen (position) VALUES (?)"
        await batch.database.executemany(sql, [(2 * each.position,) for each in batch.events])


async def test_a_new_version_is_made_beside(log: EventLog, location: Location) -> None:
    """Readers see the old one until the new one has caught up, and hold it up while they read."""
    await filled(log, 6)
    async with running(log, Table()) as consumers:
        await caught_up(consumers)

    folder = location.folder / FOLDER
    with closing(sqlite3.connect(folder / "table.db")) as reader:
        reader.execute("SELECT * FROM seen").fetchone()
        async with running(log, Double()) as consumers:
            await eventually(lambda: consumers.status("table").state is State.WAITING)
            assert [1, 2, 3, 4, 5, 6] == rows(location.folder)
            reader.close()
            await caught_up(consumers)
            await eventually(lambda: not (folder / "table.db.new").exists())

    assert [2, 4, 6, 8, 10, 12] == rows(location.folder)


async def test_a_version_that_can_not_be_undone_goes_on(log: EventLog, location: Location) -> None:
    """It is handed nothing again."""

    class Messages(Double):
        rebuild: Rebuild = "by hand"

    await filled(log, 3)
    async with running(log, Table()) as consumers:
        await caught_up(consumers)
    async with running(log, Messages()) as consumers:
        await filled(log, 1)
        await caught_up(consumers)

    assert [1, 2, 3, 8] == rows(location.folder)


@pytest.mark.parametrize("rebuild", ["beside", "in place", "by hand"])
async def test_a_reset_begins_with_the_first_event(log: EventLog, location: Location, rebuild: Rebuild) -> None:
    """Also one that can't make its tables any more."""
    table = Table()
    table.rebuild = rebuild
    await filled(log, 5)

    async with running(log, table) as consumers:
        await caught_up(consumers)
        wishes(log).add("table", "reset")
        before = len(table.handled)
        await consumers.look(wishes(log))
        await eventually(lambda: len(table.handled) > before)
        await caught_up(consumers)
        await eventually(lambda: not wishes(log).read().wishes)

    assert [1, 2, 3, 4, 5] == rows(location.folder)
    assert [1, 2, 3, 4, 5, 1, 2, 3, 4, 5] == [each for batch in table.handled for each in batch]


@pytest.mark.parametrize("rebuild", ["beside", "by hand"])
async def test_a_restored_log_is_noticed(
    location: Location, opened: Opener, clock: Callable[[], int], tmp_path: Path, rebuild: Rebuild
) -> None:
    """What it saw after the backup is gone: an own table is made anew, the others go on where the backup ends."""

    class Kind(Table):
        pass

    Kind.rebuild = rebuild
    async with opened(location) as log:
        await filled(log, 4)
        backup.take(location.database, tmp_path / "backup.db", vault=None, release="0", now=1)
        await filled(log, 4)
        async with running(log, Kind()) as consumers:
            await caught_up(consumers)
    await restoring.restore(tmp_path / "backup.db", location, read_key(location.key_path), clock=clock, force=True)
    async with opened(location) as log, running(log, Kind()) as consumers:
        await filled(log, 1)
        await caught_up(consumers)
        await eventually(lambda: len(rows(location.folder)) != 8)
        await caught_up(consumers)

    with closing(sqlite3.connect(location.folder / FOLDER / "table.db")) as raw:
        keys = [key for (key,) in raw.execute("SELECT key FROM seen ORDER BY number")]
    new = ["1:5", "1:6"]
    old = [f"0:{position}" for position in range(1, 5 if rebuild == "beside" else 9)]
    assert [*old, *new] == keys


async def test_another_log_is_noticed(location: Location, opened: Opener) -> None:
    """A folder whose log was deleted has the consumers of the one before."""
    async with opened(location) as log:
        await filled(log, 5)
        async with running(log, Table()) as consumers:
            await caught_up(consumers)
    for path in location.folder.glob("*.db*"):
        path.unlink()

    async with opened(location) as log:
        await filled(log, 2)
        async with running(log, Table()) as consumers:
            await eventually(lambda: len(rows(location.folder)) == 2)
            await caught_up(consumers)

    assert [1, 2] == rows(location.folder)


class TestJsonl:
    """Daily files."""

    async def test_each_event_is_there_once(self, log: EventLog, tmp_path: Path) -> None:
        """Whatever was written beyond what was committed, and by whomever it was moved away."""
        folder = tmp_path / "events"
        await filled(log, 3)
        async with running(log, named(folder)) as consumers:
            await caught_up(consumers)
        (daily,) = folder.glob("*.jsonl")
        with daily.open("a") as file:
            file.write('{"half')
        await filled(log, 2)
        async with running(log, named(folder)) as consumers:
            await caught_up(consumers)
            lines = [json.loads(line) for line in daily.read_text().splitlines()]
            assert [1, 2, 3, 4, 5] == [line["position"] for line in lines]
            assert daily.stat().st_mode & 0o777 == 0o600
            daily.rename(tmp_path / "away.jsonl")
            await filled(log, 1)
            await caught_up(consumers)

        assert [6] == [json.loads(line)["position"] for line in daily.read_text().splitlines()]

    async def test_a_reset_writes_the_files_anew(self, log: EventLog, tmp_path: Path) -> None:
        """None of the lines twice."""
        folder = tmp_path / "events"
        await filled(log, 3)
        async with running(log, named(folder)) as consumers:
            await caught_up(consumers)
        wishes(log).add("jsonl", "reset")
        async with running(log, named(folder)) as consumers:
            await eventually(lambda: not wishes(log).read().wishes)
            await caught_up(consumers)

        (daily,) = folder.glob("*.jsonl")
        assert [1, 2, 3] == [json.loads(line)["position"] for line in daily.read_text().splitlines()]

    async def test_files_of_others_are_left_alone(self, log: EventLog, tmp_path: Path) -> None:
        """It says so, and waits."""
        (tmp_path / "2026-01-01.jsonl").write_text("mine\n")
        await filled(log, 1)
        async with running(log, named(tmp_path)) as consumers:
            await eventually(lambda: consumers.status("jsonl").state is State.WAITING)
            assert "name an empty folder" in consumers.trouble

        assert (tmp_path / "2026-01-01.jsonl").read_text() == "mine\n"


def named(folder: Path) -> Jsonl:
    """Return the consumer with its name in the settings."""
    made = Jsonl(folder)
    made.name = "jsonl"
    return made
