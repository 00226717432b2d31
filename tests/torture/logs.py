"""Logs to be tortured, and what a reader sees in one."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from bot.core import events as e
from bot.eventlog import snapshots
from bot.eventlog.anchor import Anchor, anchor_of
from bot.eventlog.batch import Append
from bot.eventlog.ledger import look_up
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log, open_reader
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.eventlog.verify import verify
from bot.eventlog.verify_events import Finding
from tests.corpus.facts import told
from tests.corpus.record import record_types

Seen = dict[str, Any]

FIRST = 1_200_000_000_000_000_000
"""The id of the first message of those that are appended."""

OF_THE_ANCHOR = ("up to position", "its end was taken away", "another log than the anchor", "since the anchor")
"""What only an anchor shows is told in these words."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What verification says of a log, without and with an anchor, and how many events' words are gone."""

    alone: tuple[Finding, ...]
    anchored: tuple[Finding, ...]
    erased: int = 0


def clock() -> Callable[[], int]:
    """Return a clock that moves on by a second whenever it is read."""
    seconds: Iterator[int] = count(1_800_000_000)
    return lambda: next(seconds) * 1_000_000


async def make_log(folder: Path) -> Location:
    """Make a log with every event type, words, snapshots, and a stream with work left, closed in good order."""
    location = Location(folder)
    await record_types(location)
    return location


async def make_log_in_use(closed: Location, folder: Path) -> Location:
    """Copy a log that an owner has open: what he appended last is in the write-ahead log."""
    scratch = Location(folder.with_name(folder.name + ".open"))
    shutil.copytree(closed.folder, scratch.folder)
    log = await open_log(scratch, clock=clock())
    try:
        await append_more(log, 12)
        folder.mkdir()
        for name in ("events.db", "events.db-wal", "vault.key"):
            shutil.copy(scratch.folder / name, folder / name)
    finally:
        await log.close()
    shutil.rmtree(scratch.folder)
    return Location(folder)


async def append_more(log: EventLog, messages: int, first: int = FIRST) -> None:
    """Append messages to two channels in turn, and a snapshot of one."""
    for number in range(messages):
        stream = f"channel:{1 + number % 2}"
        event = e.MessageReceived(message_id=first + number, author_id=7 + number % 3, sent_at=1_700_000_000_000_000)
        await log.append(stream, [e.Draft(event, e.Body(name="Ada", parts=(f"more {number}",)), event.author_id)])
    await log.save_snapshot("channel:1", (await log.reader.load("channel:1")).state)


def copy(location: Location, folder: Path) -> Location:
    """Copy a log that nobody has open, in the place of another copy."""
    shutil.rmtree(folder, ignore_errors=True)
    return Location(Path(shutil.copytree(location.folder, folder)))


async def anchor(location: Location) -> Anchor:
    """Return the anchor of a log."""
    reader = await open_reader(location)
    try:
        return await reader.connection.run(anchor_of)
    finally:
        await reader.close()


async def judged(reader: Reader, known: Anchor) -> Judged:
    """Verify a log against an anchor."""
    pages = [page async for page in verify(reader, anchor=known)]
    findings = tuple(finding for page in pages for finding in page.findings)
    alone = tuple(found for found in findings if not any(words in found.problem for words in OF_THE_ANCHOR))
    return Judged(alone, findings, sum(page.erased for page in pages))


async def seen(reader: Reader) -> Seen:
    """Return everything that a reader can see: events, words, whose they are, states, dedupe lookups, heads, work.

    A stream that is noted as unfinished and is not costs a look at it, and is nobody's loss.
    """
    facts = await told(reader)
    events = [event async for event in reader.events(Query())]
    facts["events_whole"] = [repr(event.event) for event in events]
    facts["streams"] = [(info.name, info.version) for info in await reader.streams()]
    facts["loaded"] = {name: await _loaded(reader, name, version) for name, version in facts["streams"]}
    facts["work"] = [name for name in await reader.unfinished() if (await reader.load(name)).state.outbox]
    facts["whose"] = await reader.connection.run(_whose)
    asked = [(Append(event.stream, ((e.Draft(event.event),),), None), True) for event in events]
    facts["known"] = repr(await reader.connection.run(lambda connection: look_up(connection, asked)))
    return facts


async def _loaded(reader: Reader, stream: str, version: object) -> list[str]:
    # In a damaged table a version may be anything; what differs is told by the streams' own list.
    upto = {version, version // 2} if isinstance(version, int) else set[int]()
    states = [await reader.load(stream, upto=each) for each in upto]
    return [snapshots.encode(loaded.state)[0] for loaded in states]


def _whose(connection: sqlite3.Connection) -> str:
    return repr(connection.execute("SELECT position, subject_id FROM events ORDER BY position").fetchall())


def write_at(path: Path, offset: int, data: bytes) -> None:
    """Overwrite a part of a file."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.pwrite(handle, data, offset)
    finally:
        os.close(handle)
