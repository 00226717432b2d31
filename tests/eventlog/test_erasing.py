"""Words may go from an event's row, all of them together; nothing else of it may change, and nothing may come back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from bot.core import events as e
from bot.eventlog import database
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.eventlog.verify import verify
from tests.erasing import ERASE, erase_at

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

WORDS = ("subject_id", "salt", "sealed")
STREAM = "channel:1"
UPDATE = "UPDATE events SET"


def columns() -> list[tuple[str, str]]:
    """Return the name and type of each column of an event's row."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(database.BOOKKEEPING)
        database.migrate(connection, now=1)
        return [(name, kind) for _, name, kind, *_ in connection.execute("PRAGMA table_info(events)")]


OTHERS = {name: {"INTEGER": "987", "TEXT": "'x'", "BLOB": "x'00'"}[kind] for name, kind in columns()}
"""Each column, and a value that it does not have."""


@pytest.fixture
async def made(location: Location, opened: Opener) -> Location:
    """Return a log of two events with words, long ones and short ones, and one without."""
    async with opened(location) as log:
        for number, text in enumerate(("short", "long " * 4000)):
            received = e.MessageReceived(message_id=number, author_id=7, sent_at=1)
            await log.append(STREAM, [e.Draft(received, e.Body(parts=(text,)), subject_id=7)])
        await log.append(STREAM, [e.Draft(e.RepliesPaused(by="moderator"), subject_id=7)])
    return location


@pytest.fixture
def connection(made: Location) -> Iterator[sqlite3.Connection]:
    """Return a connection of any program."""
    with closing(sqlite3.connect(made.database, isolation_level=None)) as connection:
        yield connection


def refused(connection: sqlite3.Connection, statement: str) -> None:
    """Hold a statement to be refused, and to change nothing."""
    before = connection.execute("SELECT * FROM events").fetchall()
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    assert connection.execute("SELECT * FROM events").fetchall() == before


@pytest.mark.parametrize("column", OTHERS)
def test_no_column_changes(connection: sqlite3.Connection, column: str) -> None:
    """Not alone, and not along with words that are erased."""
    refused(connection, f"{UPDATE} {column} = {OTHERS[column]} WHERE position = 1")
    if column not in WORDS:
        refused(connection, f"{ERASE}, {column} = {OTHERS[column]} WHERE position = 1")
        refused(connection, f"{ERASE}, {column} = {OTHERS[column]} WHERE position = 3")


@pytest.mark.parametrize("column", ["key_kind", "key_id", "key_part", "correlation", "body_digest"])
def test_no_other_column_is_emptied(connection: sqlite3.Connection, column: str) -> None:
    """Along with words, either."""
    refused(connection, f"{UPDATE} {column} = NULL WHERE position = 1")
    refused(connection, f"{ERASE}, {column} = NULL WHERE position = 1")


@pytest.mark.parametrize("kept", WORDS)
def test_words_go_together(connection: sqlite3.Connection, kept: str) -> None:
    """Whoever wrote them, and the salt that would let somebody guess them, are not left behind."""
    emptied = ", ".join(f"{column} = NULL" for column in WORDS if column != kept)
    refused(connection, f"{UPDATE} {emptied} WHERE position = 1")
    refused(connection, f"{UPDATE} {kept} = NULL WHERE position = 1")


def test_the_row_keeps_its_place(connection: sqlite3.Connection) -> None:
    """By whichever name."""
    for name in ("position", "rowid", "oid", "_rowid_"):
        refused(connection, f"{UPDATE} {name} = 9 WHERE position = 1")
        refused(connection, f"{ERASE}, {name} = 9 WHERE position = 1")
    refused(connection, "DELETE FROM events WHERE position = 1")


def test_words_do_not_come_back(connection: sqlite3.Connection) -> None:
    """Erasing again is nothing wrong."""
    words = connection.execute("SELECT subject_id, salt, sealed FROM events WHERE position = 1").fetchone()
    for _ in range(2):
        connection.execute(f"{ERASE} WHERE position = 1")

    assert connection.execute("SELECT position FROM bodies").fetchall() == [(2,)]
    for number in (1, 3):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(
                "UPDATE events SET subject_id = ?, salt = ?, sealed = ? WHERE position = ?", (*words, number)
            )


def test_a_person_is_kept_beside_words_alone(connection: sqlite3.Connection) -> None:
    """The third event has none."""
    assert connection.execute("SELECT subject_id FROM events").fetchall() == [(7,), (7,), (None,)]
    assert connection.execute("SELECT position, subject_id, message_id FROM bodies").fetchall() == [
        (1, 7, 0),
        (2, 7, 1),
    ]


async def test_erased_words_leave_the_files(made: Location, opened: Opener) -> None:
    """The chain stays whole, and nothing of the words is left on the disk."""
    with closing(sqlite3.connect(made.database)) as connection:
        rows = connection.execute("SELECT salt, sealed FROM bodies").fetchall()
    needles = [part for salt, sealed in rows for part in (salt, sealed[:40], sealed[-40:])]
    assert all(needle in made.database.read_bytes() for needle in needles)

    async with opened(made) as log:
        await erase_at(log, 1, 2)
        progress = [progress async for progress in verify(log.reader)]
        assert [finding for one in progress for finding in one.findings] == []
        assert await log.reader.bodies([1, 2, 3]) == {}
    assert [path for path in _files(made.folder) if any(needle in path.read_bytes() for needle in needles)] == []


async def test_what_a_message_shows_goes_with_it(location: Location, opened: Opener) -> None:
    """Also the preview that came later, by the message's deletion alone; the log's proof of it is whole."""
    shown = e.Body(name="eve", shown=(e.Shown(e.ShownKind.FORWARD, "the code is 7"),), names=(e.Named("@7", "bob"),))
    events = (
        e.MessageReceived(message_id=5, author_id=7, sent_at=1, shown=(e.ShownKind.FORWARD,), forwards=4),
        e.MessagePreviewed(message_id=5, author_id=7, shown=(e.ShownKind.FORWARD, e.ShownKind.EMBED)),
    )
    async with opened(location) as log:
        for event in (*events, events[1]):
            await log.append(STREAM, [e.Draft(event, shown, subject_id=7)])
        before = await log.reader.bodies([1, 2, 3])
        await log.append(STREAM, [e.Draft(e.MessageDeleted(message_id=5))])
        progress = [progress async for progress in verify(log.reader)]
        after = await log.reader.bodies([1, 2, 3])

    assert (before, after) == ({1: shown, 2: shown}, {})
    assert [finding for one in progress for finding in one.findings] == []


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]
