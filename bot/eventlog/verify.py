"""Verification: says everything that is wrong with a log, whatever it meets.

First SQLite checks its own structure, and the schema is compared with that of this release. Then every event is read in
the order of the log, from the table itself and not through an index (see :mod:`bot.eventlog.verify_events`). At last
the tables beside the events are checked. The log may be appended to meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TypeAlias

from bot.errors import LogDamaged, LogError
from bot.eventlog import database
from bot.eventlog.anchor import Anchor
from bot.eventlog.reader import Reader
from bot.eventlog.remote import view
from bot.eventlog.schema import schema, schema_of
from bot.eventlog.transactions import one_state
from bot.eventlog.vault import Vault
from bot.eventlog.verify_events import EventCheck, Finding

_MOST_FAULTS = 100
"""Faults of its structure that SQLite lists before it ends."""
_SNAPSHOTS = """
SELECT coalesce(s.name, 'stream ' || n.stream_id), s.version, n.version, n.digest, n.state
FROM (
    SELECT stream_id, version, digest, state FROM snapshots
    UNION ALL SELECT stream_id, version, digest, state FROM own_snapshots
) n LEFT JOIN streams s ON s.id = n.stream_id
"""
_STRAY = "SELECT stream_id FROM unfinished WHERE stream_id NOT IN (SELECT id FROM streams)"

_Step: TypeAlias = Callable[[sqlite3.Connection], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Progress:
    """What was checked since the last report: the number of ``events``, of those whose words are ``erased``, faults."""

    events: int
    findings: tuple[Finding, ...] = ()
    erased: int = 0

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Return the findings without what is as a newer release wrote it: a copy of that is whole."""
        return tuple(finding for finding in self.findings if not finding.newer)


async def verify(
    reader: Reader, stream: str | None = None, *, anchor: Anchor | None = None
) -> AsyncGenerator[Progress, None]:
    """Check the whole log, or one stream of it, and report after each page.

    ``anchor`` is the end of the log as it was written down once: whatever was taken away since then shows. Without the
    reader's key neither words nor hashes can be checked. Whatever is wrong is a finding; nothing is raised.
    """
    events = EventCheck(reader.vault, stream)
    for step in _steps(events, stream, anchor):
        checked, erased = events.checked, events.erased
        try:
            findings = await reader.connection.run(step)
        except Exception as error:  # noqa: BLE001 - damage can make anything fail, and has to be told
            findings = (_stopped("The log", error),)
            events.done = True
        yield Progress(events.checked - checked, findings, events.erased - erased)


def pages(connection: sqlite3.Connection, vault: Vault | None, stream: str | None = None) -> Iterator[Progress]:
    """Check the whole log, or one stream of it, as :func:`verify` does, for work without a loop."""
    events = EventCheck(vault, stream)
    for step in _steps(events, stream, None):
        checked, erased = events.checked, events.erased
        findings = step(connection)
        yield Progress(events.checked - checked, findings, events.erased - erased)


def require_whole(connection: sqlite3.Connection, vault: Vault) -> None:
    """Raise LogDamaged unless a log that nobody changes meanwhile is free of faults."""
    if fault := next((page.faults[0] for page in pages(connection, vault) if page.faults), None):
        raise LogDamaged(f"Something is wrong with the log ({fault}): see `echoless log verify`. Nothing was changed.")


def _steps(
    events: EventCheck, stream: str | None, anchor: Anchor | None
) -> Iterator[Callable[[sqlite3.Connection], tuple[Finding, ...]]]:
    yield partial(_found, "The structure", _structure)
    yield partial(_found, "The schema", _schema)
    while not events.done:
        yield partial(_found, "The table of events", events.page)
    yield partial(_found, "The table of snapshots", partial(_snapshots, stream))
    if stream is None:
        yield partial(_found, "The other tables", _stray)
    if anchor is not None:
        yield partial(_found, "The anchor", partial(_anchored, anchor))


def _found(what: str, step: _Step, connection: sqlite3.Connection) -> tuple[Finding, ...]:
    """Return what a step finds in one state of the log; what stops it is a finding too."""
    found: list[Finding] = []
    try:
        with one_state(connection):
            found.extend(step(connection))
    except Exception as error:  # noqa: BLE001 - damage can make anything fail, and has to be told
        found.append(_stopped(what, error))
    return tuple(found)


def _stopped(what: str, error: Exception) -> Finding:
    # SQLite's words quote no data, and neither do ours; those of others may.
    told = str(error) if isinstance(error, sqlite3.Error | LogError) else type(error).__name__
    return Finding("", 0, f"{what} can't be checked to the end: {told}")


def _structure(connection: sqlite3.Connection) -> Iterator[Finding]:
    for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST_FAULTS})"):
        if line != "ok":
            yield Finding("", 0, f"the database is damaged: {line.splitlines()[-1]}")


def _schema(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Compare tables, indexes, views and triggers with those that the migrations make."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    expected = schema_of(version, view.SCHEMA if view.is_view(connection) else ())
    found = schema(connection)
    for kind, name in sorted(expected.keys() - found.keys()):
        yield Finding("", 0, f"the {kind} {name} is missing")
    for kind, name in sorted(found.keys() - expected.keys()):
        yield Finding("", 0, f"the {kind} {name} is not the log's")
    for kind, name in sorted(expected.keys() & found.keys()):
        if expected[kind, name] != found[kind, name]:
            yield Finding("", 0, f"the {kind} {name} was changed")
    made = [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY number")]
    if made != [name for name, _ in database.migrations()[:version]]:
        yield Finding("", 0, f"the table migrations does not tell how schema version {version} came about")


def _snapshots(only: str | None, connection: sqlite3.Connection) -> Iterator[Finding]:
    """Check each snapshot by itself. Those of this release's fold were compared with the events' state already."""
    for stream, head, version, digest, state in connection.execute(_SNAPSHOTS):
        if only not in (None, stream):
            continue
        if head is None or version > head:
            yield Finding(stream, version, "there is a snapshot and no such event")
        if sha256(state.encode()).digest() != digest:
            yield Finding(stream, version, "its snapshot is damaged")


def _anchored(anchor: Anchor, connection: sqlite3.Connection) -> Iterator[Finding]:
    if problem := anchor.missed_by(connection):
        yield Finding("", 0, problem)


def _stray(connection: sqlite3.Connection) -> Iterator[Finding]:
    for (row,) in connection.execute(_STRAY):
        yield Finding("", 0, f"the table unfinished has a row {row!r} that fits nothing in the log")
