"""The consumer ``jsonl``: a file for each day (UTC), with a line for each event as ``echoless log export`` has it.

The database knows how long each file is. What a kill left beyond that is cut off, so each event is there once. A file
that somebody moved away is begun anew, and one that somebody cut is gone on with.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from pydantic import Field, StrictBool

from bot.consumers.consumer import Away, Batch, Consumer
from bot.consumers.settings import EVENT_TYPES, EventTypes
from bot.core.events import Event
from bot.eventlog.database import Connection
from bot.moderation.text import Line
from bot.own_tables import Settings, read
from bot.times import iso_time

_DAILY = re.compile(r"\d{4}-\d{2}-\d{2}\.jsonl")
_OURS = ".echoless"
"""A file that says that the daily files beside it are ours, to be cut and begun anew."""


class JsonlSettings(Settings):
    """The table ``[consumers.jsonl]``."""

    folder: Path = Field(description="the path of a folder: daily files are written there")
    words: StrictBool = Field(default=False, description="true or false")
    types: EventTypes = Field(default=(), description=EVENT_TYPES)


class Jsonl(Consumer):
    """Writes daily files into ``folder``, with people's words if ``words``; only the ``types`` named, if any are."""

    rebuild = "in place"

    def __init__(self, folder: Path, *, words: bool = False, types: tuple[type[Event], ...] = ()) -> None:
        self.folder = folder
        self.wants_words = words
        self.types = types

    async def prepare(self, database: Connection) -> None:
        """Cut off what was written and not committed."""
        sql = "CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL)"
        await database.submit(lambda raw: raw.execute(sql))
        await database.submit(self._cut)

    async def handle(self, batch: Batch) -> None:
        """Write lines at the end of the files, and note how long these are now."""
        daily: dict[str, list[str]] = {}
        for recorded in batch.events:
            line = Line(recorded, batch.words.get(recorded.position)).to_json()
            daily.setdefault(f"{iso_time(recorded.recorded_at)[:10]}.jsonl", []).append(json.dumps(line) + "\n")
        # On the thread of the database, so that what takes too long is over before it is taken back.
        await batch.database.submit(partial(self._append, daily))

    def _append(self, daily: dict[str, list[str]], database: sqlite3.Connection) -> None:
        for name, lines in daily.items():
            row = database.execute("SELECT bytes FROM files WHERE name = ?", (name,)).fetchone()
            size = _write(self.folder / name, row[0] if row else 0, "".join(lines).encode())
            database.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (name, size))

    def _cut(self, database: sqlite3.Connection) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = [path for path in self.folder.iterdir() if _DAILY.fullmatch(path.name)]
        mark = self.folder / _OURS
        if found and not mark.exists():
            raise Away(f"{self.folder} holds daily files that are not its own: name an empty folder")
        mark.touch(mode=0o600)
        known = dict(database.execute("SELECT name, bytes FROM files"))
        for path in found:
            if path.name not in known:
                path.unlink()
            elif path.stat().st_size > known[path.name]:
                os.truncate(path, known[path.name])


def _write(path: Path, known: int, data: bytes) -> int:
    """Write at the end of a file, of which no more than ``known`` bytes count; return its size then."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "r+b") as file:
        end = min(known, os.fstat(handle).st_size)
        file.truncate(end)
        file.seek(end)
        file.write(data)
        file.flush()
        os.fsync(handle)
    return end + len(data)


def jsonl(name: str, settings: Mapping[str, object], folder: Path) -> Jsonl:
    """Return the consumer of its settings; raise ConfigError."""
    found = read(JsonlSettings, name, settings, folder)
    return Jsonl(found.folder, words=found.words, types=found.types)
