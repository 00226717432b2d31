"""Imports that die by SIGKILL at their n-th step, for every n; then the same import is run again.

``python -m tests.importing.doomed FOLDER messages|log [EVERY]``: at each step, or every so many. A step is a commit of
the log, or a file that gets another name: each death comes just before one, so also just after the one before. Each
life is a fork of this process, which has everything imported. Prints how often it died, and after which deaths the log
is not that of an undisturbed import.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from bot.eventlog.batch import Batch
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.eventlog.query import Query
from bot.eventlog.verify import verify
from bot.importing import exported, new_log, recording
from bot.importing.recording import Importer, Wanted
from bot.importing.sources import Terms, findings_in
from bot.moderation.text import lines
from tests.importing.samples import THREAD, export, message

_FILES = frozenset(("os.rename", "os.link"))
_write = Batch.write


@dataclass
class Doom:
    """Kills this process at a step (0: never)."""

    last: int = 0
    steps: int = 0

    def step(self) -> None:
        """Count a step; die at the one that is this life's last."""
        self.steps += 1
        if self.steps == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(self, event: str, _arguments: tuple[Any, ...]) -> None:
        """Count an audit event of Python's (docs: "Audit events table")."""
        if event in _FILES:
            self.step()


def main(folder: Path, kind: str, every: int = 1) -> None:
    """Kill imports of one kind at each of their steps."""
    source, once = _SOURCES[kind](folder)
    whole = _life(0, folder / "whole", source, once)
    deaths, wrong = 0, []
    for last in count(1, every):
        log = folder / "log"
        shutil.rmtree(log, ignore_errors=True)
        if _life(last, log, source, once) is not None:
            break
        deaths += 1
        if _life(0, log, source, once) != whole:
            wrong.append(last)
    sys.stdout.write(json.dumps({"deaths": deaths, "wrong": wrong, "events": len(whole or ())}))


_Once = Callable[[Path, Path], None]


def _life(last: int, log: Path, source: Path, once: _Once) -> list[Any] | None:
    """Import in a process of its own; return what the log holds then, times aside, None if the process was killed."""
    told = log.with_suffix(".json")
    told.unlink(missing_ok=True)
    child = os.fork()
    if not child:
        doom = Doom(last)

        def write(self: Batch, connection: Any) -> None:  # noqa: ANN401 - sqlite3's
            doom.step()
            _write(self, connection)

        Batch.write = write  # type: ignore[method-assign]
        sys.addaudithook(doom.hear)
        once(log, source)
        told.write_text(json.dumps(asyncio.run(_content(log))))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), status
    return json.loads(told.read_text()) if told.exists() else None


def _messages(folder: Path) -> tuple[Path, _Once]:
    recording.BATCH = 4
    source = folder / "exports"
    source.mkdir()
    for part in (1, 2):
        name = "general.json" if part == 1 else "general [part 2].json"
        messages = [message(5 * part + each, f"words {each}") for each in range(5)]
        (source / name).write_text(export(messages), encoding="utf-8")
    thread = {"id": str(THREAD), "type": "GuildPublicThread", "categoryId": "500000000000000002"}
    (source / "thread.json").write_text(export([message(99, "x")], channel=thread), encoding="utf-8")
    return source, lambda log, files: asyncio.run(_import(log, files))


def _log(folder: Path) -> tuple[Path, _Once]:
    made, once = _messages(folder)
    once(folder / "from", made)
    rows = asyncio.run(_content(folder / "from"))
    source = folder / "log.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return source, lambda log, file: asyncio.run(_make(log, file))


_SOURCES: dict[str, Callable[[Path], tuple[Path, _Once]]] = {"messages": _messages, "log": _log}


async def _import(folder: Path, source: Path) -> None:
    log = await open_log(Location(folder), clock=lambda: 1_800_000_000_000_000, full=False)
    importer = Importer(log.reader, log, Wanted(2**62), lambda *_: None)
    await importer.run(findings_in([source], Terms()), lambda _: None)
    await log.close()


async def _make(folder: Path, source: Path) -> None:
    location, checked = Location(folder), exported.check(source)
    if not await new_log.is_there(location, checked.digest):
        await new_log.make(source, checked, location, clock=lambda: 1, progress=lambda *_: None)


async def _content(folder: Path) -> list[Any]:
    """Return a log's lines, and verify it."""
    log = await open_log(Location(folder), clock=lambda: 1, full=False)

    events = [event async for event in log.reader.events(Query())]
    told = [line.to_json() for line in await lines(log.reader, events, words=True)]
    assert not [finding async for page in verify(log.reader) for finding in page.findings]
    await log.close()
    return told


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
