"""Copies of a log that a process is writing, 500 messages a second: whole, or refused, and never silently less.

Documented ways are ``echoless backup``, SQLite's own backup, and all files while the owner is stopped. Their copies
open and verify, and hold at least what was on disk when copying began. Careless ways copy files one after the other
while they change, or leave one out. Their copies do the same, or are refused in a sentence.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from bot.errors import LogError
from bot.eventlog import backup
from bot.eventlog.database import look
from bot.eventlog.key_file import read_key
from bot.eventlog.location import Location
from bot.eventlog.log import open_log, open_reader
from bot.eventlog.master import vault_of
from bot.eventlog.restoring import restore
from bot.eventlog.tail import newest_position
from bot.eventlog.verify import verify
from bot.sandbox.child_process import tethered
from tests.torture.busy_log import BURST, now
from tests.torture.table import Options, Outcome, with_progress

RATE = 500
TIMES = 50
ROUNDS = 5
"""Copies in each way of one log: then it has grown, and another one is begun."""
BUSY = Path(__file__).with_name("busy_log.py")

Way = Callable[[Path, Path, random.Random], None]


def _files(source: Path, target: Path, names: tuple[str, ...], chance: random.Random, pause: float) -> None:
    """Copy files one after the other; the pauses between them are as long as a busy machine makes them."""
    for name in names:
        with suppress(FileNotFoundError):
            shutil.copyfile(source / name, target / name)
        time.sleep(chance.random() * pause)


def _by_backup(source: Path, target: Path, _chance: random.Random) -> None:
    location = Location(source)
    backup.take(location.database, target / "backup.db", vault=vault_of(location), release="", now=now())


def _by_sqlite(source: Path, target: Path, _chance: random.Random) -> None:
    with closing(sqlite3.connect(source / "events.db")) as log, closing(sqlite3.connect(target / "backup.db")) as copy:
        log.execute("BEGIN")
        log.execute("SELECT 1 FROM sqlite_schema").fetchone()
        log.backup(copy)


def _database_alone(source: Path, target: Path, chance: random.Random) -> None:
    _files(source, target, ("events.db",), chance, 0)


def _in_order(source: Path, target: Path, chance: random.Random) -> None:
    _files(source, target, ("events.db", "events.db-shm", "events.db-wal"), chance, 0.5)


def _wal_first(source: Path, target: Path, chance: random.Random) -> None:
    _files(source, target, ("events.db-wal", "events.db"), chance, 0.5)


def _slowly(source: Path, target: Path, chance: random.Random) -> None:
    """Copy as over a network: the files change under the copy."""
    for name in ("events.db", "events.db-wal"):
        with (source / name).open("rb") as read, (target / name).open("wb") as write:
            while block := read.read(2**18):
                write.write(block)
                time.sleep(chance.random() * 0.03)


def _by_tar(source: Path, target: Path, _chance: random.Random) -> None:
    archive = target / "all.tar"
    subprocess.run(["tar", "cf", archive, "-C", source, "."], check=False, capture_output=True)  # noqa: S607
    subprocess.run(["tar", "xf", archive, "-C", target], check=True)  # noqa: S607
    archive.unlink()


DOCUMENTED: dict[str, Way] = {"echoless backup": _by_backup, "SQLite's backup": _by_sqlite}
CARELESS: dict[str, Way] = {
    "cp events.db": _database_alone,
    "cp events.db*": _in_order,
    "the -wal first": _wal_first,
    "slowly": _slowly,
    "tar": _by_tar,
}


@dataclass(slots=True)
class Writer:
    """The process that writes; ``position`` is the newest that it said is on disk."""

    process: subprocess.Popen[str]
    position: int = 0
    reading: Thread = field(init=False)

    def __post_init__(self) -> None:
        self.reading = Thread(target=self._read, daemon=True)
        self.reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.position = int(line)

    def wait_for(self, position: int) -> None:
        """Wait until a position is on disk."""
        while self.position < position:
            assert self.process.poll() is None
            time.sleep(0.01)


@contextmanager
def written(folder: Path, rate: int) -> Iterator[Writer]:
    """Have a process write a log, and kill it at the end."""
    command = tethered(sys.executable, str(BUSY), str(folder), str(rate))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        writer = Writer(process)
        try:
            yield writer
        finally:
            process.kill()
            process.wait()
            writer.reading.join()


async def judged(copy: Location, least: int) -> tuple[str, str]:
    """Open a copy as a user would: read and verify it, own it. Return what became of it, and why."""
    try:
        source = copy.folder / "backup.db"
        if source.exists():
            await restore(source, copy, read_key(copy.key_path), clock=now)
        else:
            reader = await open_reader(copy)
            await reader.close()
        owner = await open_log(copy, clock=now)
        await owner.close()
    except LogError as error:
        return "refused", str(error)
    reader = await open_reader(copy)
    findings = [found async for page in verify(reader) for found in page.findings]
    await reader.close()
    if findings:
        return "DAMAGED", str(findings[0])
    position = look(copy.database, newest_position)
    if position < least:
        return "LESS", f"it ends at {position}, and {least} was on disk"
    return "whole", ""


def tried(writer: Writer, source: Path, target: Path, way: Way, chance: random.Random) -> tuple[str, str]:
    """Copy a log in one way, and judge the copy."""
    target.mkdir(mode=0o700)
    shutil.copy(source / "vault.key", target / "vault.key")
    least = writer.position
    way(source, target, chance)
    verdict = asyncio.run(judged(Location(target), least))
    shutil.rmtree(target)
    return verdict


def rounds(count: int, ways: Mapping[str, Way], chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Copy ``count`` times in each way; yield the way, what became of the copy, and why."""
    for first in range(0, count, ROUNDS):
        with tempfile.TemporaryDirectory() as made, written(Path(made, "log"), RATE) as writer:
            writer.wait_for(BURST)
            for number, name in itertools.product(range(first, min(count, first + ROUNDS)), ways):
                target = Path(made, f"{number} {name.replace('/', ' ')}")
                yield name, *tried(writer, Path(made, "log"), target, ways[name], chance)


def is_wrong(way: str, verdict: str) -> bool:
    """Tell whether that must not become of a copy."""
    return verdict not in {"whole", "refused"} or (verdict == "refused" and way in DOCUMENTED)


def run(options: Options) -> Outcome:
    """Copy in every way, many times over."""
    ways = {**DOCUMENTED, **CARELESS}
    counts = {name: Counter[str]() for name in ways}
    problems: list[str] = []
    done = rounds(TIMES, ways, random.Random(options.seed))
    for name, verdict, why in with_progress("copies", done, TIMES * len(ways)):
        counts[name][verdict] += 1
        if is_wrong(name, verdict):
            problems.append(f"{name}: {verdict}, {why}")
    rows = tuple(
        {"way": name, "documented": "yes" if name in DOCUMENTED else "no", "whole": count["whole"],
         "refused": count["refused"], "silently less": count["LESS"], "damaged": count["DAMAGED"]}
        for name, count in counts.items()
    )  # fmt: skip
    return Outcome(
        f"Copies of a log that takes {RATE} messages a second, {TIMES} times each way", rows, tuple(problems)
    )
