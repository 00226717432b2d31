"""Owners that are killed, and owners that do not know that they were replaced: nothing is lost, nothing is there twice.

``make engines`` runs the port's suite and many kills; the suite runs a few. Owners take turns in the same folder and in
empty ones, which are made anew from the engine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

from bot.eventlog.log import EventLog, open_log
from bot.eventlog.remote.port import NOTHING
from bot.eventlog.remote.record import read_record
from bot.sandbox.child_process import tethered
from tests.engines.appender import engine, location, now
from tests.engines.emulators import SERVERS, own, partition_of
from tests.engines.views import check, remote, shown_by

APPENDER = Path(__file__).with_name("appender.py")
ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Owners:
    """Owners of one log in an engine, one after the other, and what the log acknowledged to them.

    ``acknowledged`` holds the position of each message of each stream.
    """

    address: str
    folder: Path
    callers: int
    acknowledged: dict[tuple[str, int], int] = field(default_factory=dict)
    after_claims: int = 0

    async def start(self, name: str, *doom: str) -> asyncio.subprocess.Process:
        """Start an owner on a folder, which may be doomed."""
        return await asyncio.create_subprocess_exec(
            *tethered(sys.executable, str(APPENDER), str(self.folder / name), str(self.callers), *doom),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "ECHOLESS_ENGINE": self.address, "PYTHONPATH": str(ROOT)},
        )

    async def begin(self, name: str) -> asyncio.subprocess.Process:
        """Start an owner on a folder; return it once it owns the log."""
        process = await self.start(name)
        assert process.stdout
        assert process.stderr
        if await process.stdout.readline() != b"open\n":
            raise AssertionError((await process.stderr.read()).decode())
        return process

    async def kill(self, name: str, after: int) -> None:
        """Have an owner append, and kill it after so many acknowledged messages."""
        process = await self.begin(name)
        assert process.stdout
        for _ in range(after):
            self._note(await process.stdout.readline())
        process.kill()
        await self._read_on(process)

    async def die(self, name: str, point: str, record: int) -> None:
        """Have an owner kill itself at a point on the way of a record."""
        process = await self.start(name, point, str(record))
        await self._read_on(process)
        assert process.returncode == -signal.SIGKILL

    async def stop(self, name: str, successor: str, after: int) -> str:
        """Stop an owner, have another folder take the log, and let the first go on; return how it ends."""
        process = await self.begin(name)
        assert process.stdout
        assert process.stderr
        for _ in range(after):
            self._note(await process.stdout.readline())
        process.send_signal(signal.SIGSTOP)
        async with self._owning(successor, force=True) as log:
            claimed = remote(log).follower.mark.seq
            process.send_signal(signal.SIGCONT)
            _, ended = await asyncio.gather(self._read_on(process), process.stderr.read())
        self.after_claims += await self._records_after(claimed)
        return ended.decode()

    async def judge(self) -> None:
        """Hold the log to what was acknowledged, and a new folder to the ones before; raise AssertionError."""
        judge = self.folder / "judge/events.db"
        async with self._owning("judge") as log:
            await check(log)
        with closing(sqlite3.connect(judge)) as connection:
            rows = connection.execute(
                "SELECT s.name, e.key_id, e.position FROM events e JOIN streams s ON s.id = e.stream_id"
            ).fetchall()
        there = {(stream, key): position for stream, key, position in rows}
        lost = [each for each in self.acknowledged.items() if there.get(each[0]) != each[1]]
        if lost or len(there) != len(rows):
            raise AssertionError(f"{len(lost)} acknowledged messages are lost, {len(rows) - len(there)} are double")
        for name in ("one", "other"):
            if not (self.folder / name).exists():
                continue
            async with self._owning(name):
                pass
            if shown_by(self.folder / name / "events.db") != shown_by(judge):
                raise AssertionError(f"the folder {name} differs from one that was made anew")

    @asynccontextmanager
    async def _owning(self, name: str, *, force: bool = False) -> AsyncIterator[EventLog]:
        place = location(self.folder / name)
        log = await open_log(place, clock=now, full=False, engine=engine(self.address, force=force))
        try:
            yield log
        finally:
            await log.close()

    def _note(self, line: bytes) -> None:
        if line == b"open\n":
            return
        stream, message_id, position = line.decode().split()
        self.acknowledged[stream, int(message_id)] = int(position)

    async def _read_on(self, process: asyncio.subprocess.Process) -> None:
        """Take over what a process had printed before its end: whole lines."""
        assert process.stdout
        for line in (await process.stdout.read()).splitlines(keepends=True):
            if line.endswith(b"\n"):
                self._note(line)
        await process.wait()

    async def _records_after(self, claimed: int) -> int:
        """Return how many records after a claim are of another owner."""
        partition = partition_of(self.address)
        owner, strangers = b"", 0
        async for entry in partition.read(0, NOTHING, ""):
            record = read_record(entry)
            if entry.seq == claimed:
                owner = record.owner
            strangers += entry.seq > claimed and record.claim is None and record.owner != owner
        await partition.close()
        return strangers


POINTS = ("before it is kept", "after it is kept", "before its commit", "after its commit")


async def run(
    address: str, folder: Path, kills: int, zombies: int, callers: int, seed: int, points: Sequence[str] = POINTS
) -> Owners:
    """Kill and replace owners; raise AssertionError where something is lost, double or changed."""
    chance, owners = random.Random(seed), Owners(address, folder, callers)
    for number in range(kills):
        name = chance.choice(("one", "other"))
        if number % 4 == 3:
            shutil.rmtree(folder / name, ignore_errors=True)
        await owners.kill(name, chance.randrange(1, 20 * callers))
    for point in points:
        for record in (1, 2, 5):  # a claim, which is committed otherwise, or a record of events
            await owners.die(chance.choice(("one", "other")), point, record)
    for _ in range(zombies):
        ended = await owners.stop("one", "other", chance.randrange(1, 10 * callers))
        assert "LogFenced: Another process has taken over" in ended, ended
    assert owners.after_claims == 0
    await owners.judge()
    return owners


def main() -> None:
    """Kill many owners of a log in each engine, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engines", nargs="*", choices=[[], *SERVERS], default=[], help="all if none is named")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--zombies", type=int, default=5)
    parser.add_argument("--callers", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    heads = ("engine", "kills", "points", "zombies", "callers", "acknowledged", "lost", "double", "late", "rebuilt")
    sys.stdout.write(_ROW.format(*heads))
    for name in given.engines or SERVERS:
        with tempfile.TemporaryDirectory(prefix="echoless-engines-") as folder, SERVERS[name]() as server:
            address = server if name == "postgresql" else own(server)
            owners = asyncio.run(run(address, Path(folder), given.kills, given.zombies, given.callers, given.seed))
        counts = (given.kills, len(POINTS), given.zombies, given.callers, len(owners.acknowledged))
        sys.stdout.write(_ROW.format(name, *counts, 0, 0, owners.after_claims, "equal"))
        sys.stdout.flush()


_ROW = "{:<11}{:>7}{:>8}{:>9}{:>9}{:>14}{:>6}{:>8}{:>6}{:>9}\n"
"""``points`` are those of a record's way at each of which an owner is killed, too; ``late`` are records of a replaced
owner after the claim of its successor; ``rebuilt`` is a folder that is made anew from the engine."""


if __name__ == "__main__":
    main()
