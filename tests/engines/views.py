"""What tests of views share: messages, what of a view has to be equal, and engines that lie."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from pathlib import Path
from typing import Generic, TypeVar

from bot.core import events as e
from bot.eventlog.log import EventLog
from bot.eventlog.remote.appending import Remote
from bot.eventlog.remote.port import Entry, Partition, Unsure
from bot.eventlog.verify import verify

_SAME = {
    "events": "SELECT * FROM events ORDER BY position",
    "streams": "SELECT * FROM streams ORDER BY id",
    "records": "SELECT * FROM records ORDER BY first",
    "keys": "SELECT * FROM keys ORDER BY number",
    "meta": "SELECT * FROM meta WHERE name IN ('log_id', 'chain', 'forms') ORDER BY name",
    "unfinished": "SELECT * FROM unfinished ORDER BY stream_id",
    "erasing": "SELECT * FROM erasing",
}


def said(message_id: int, words: str = "hello") -> e.Draft:
    """Post a message."""
    event = e.MessageReceived(message_id=message_id, author_id=7, sent_at=1)
    return e.Draft(event, e.Body(parts=(words,)), subject_id=7)


def asked(message_id: int) -> e.Draft:
    """Ask for a reply, which leaves work to be done."""
    return e.Draft(e.ReplyRequested(message_id=message_id, author_id=7, responder="rules", call=e.Call.DM))


def given_up(message_id: int) -> e.Draft:
    """Give a reply up."""
    return e.Draft(e.ReplyAbandoned(message_id=message_id, reason=e.AbandonReason.FORBIDDEN))


def erased(*spans: tuple[int, int]) -> e.Draft:
    """Erase the words of versions of a stream."""
    versions = tuple(e.Span(*span) for span in spans)
    return e.Draft(e.WordsErased(reason=e.ErasureReason.EARLIER, by="", versions=versions))


def shown_by(database: Path, *without: str) -> dict[str, list[tuple[object, ...]]]:
    """Return all that a view shows of the log in its engine, byte by byte, but for some tables."""
    with closing(sqlite3.connect(database)) as connection:
        return {name: connection.execute(sql).fetchall() for name, sql in _SAME.items() if name not in without}


def remote(log: EventLog) -> Remote:
    """Return what brings a log's commits to its engine."""
    assert log._owned is not None
    return log._owned.remote


async def check(log: EventLog) -> None:
    """Hold a log to its chain and its schema."""
    progress = [progress async for progress in verify(log.reader)]
    found = [str(finding) for one in progress for finding in one.findings]
    assert found == [], found


class Between:
    """An engine as it is; the base of those that are not as they should be."""

    name = "PostgreSQL"

    def __init__(self, real: Partition) -> None:
        self.real = real
        self.limit = real.limit
        self.appended = 0

    async def open(self) -> None:
        """Connect."""
        await self.real.open()

    async def faults(self) -> list[str]:
        """Return what is not as it should be."""
        return await self.real.faults()

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Append, and count it."""
        place = await self.real.append(seq, facts, words)
        self.appended += 1
        return place

    def read(self, seq: int, digest: bytes, place: str) -> AsyncGenerator[Entry, None]:
        """Read."""
        return self.real.read(seq, digest, place)

    async def words(self, seq: int, place: str) -> bytes | None:
        """Return words."""
        return await self.real.words(seq, place)

    async def rewrite(self, seq: int, place: str, before: bytes, after: bytes | None) -> bool:
        """Rewrite words."""
        return await self.real.rewrite(seq, place, before, after)

    async def beat(self, beat: bytes) -> None:
        """Keep a sign of life."""
        await self.real.beat(beat)

    async def beats(self) -> bytes:
        """Return it."""
        return await self.real.beats()

    async def close(self) -> None:
        """Disconnect."""
        await self.real.close()


B = TypeVar("B", bound=Between)


class Seen(Generic[B]):
    """Puts an engine of one kind between a log and its own, and shows it: ``one`` is the newest."""

    one: B

    def __init__(self, kind: Callable[[Partition], B]) -> None:
        self._kind = kind

    def __call__(self, real: Partition) -> B:
        """Return what is put between."""
        self.one = self._kind(real)
        return self.one


class Swallowing(Between):
    """An engine some of whose answers are lost, before or after the record is kept."""

    def __init__(self, real: Partition, seed: int = 1) -> None:
        super().__init__(real)
        self._random = random.Random(seed)
        self.swallowed = 0

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Append, perhaps, and lose the answer, perhaps."""
        fate = self._random.random()
        place = await super().append(seq, facts, words) if fate > 0.6 else ""
        if fate < 0.8:
            self.swallowed += 1
            raise Unsure("the answer was lost")
        return place


class Away(Between):
    """An engine that is away while ``away`` is set."""

    def __init__(self, real: Partition) -> None:
        super().__init__(real)
        self.away = False
        self.refused = 0

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Append, unless it is away."""
        self._ask()
        return await super().append(seq, facts, words)

    async def beats(self) -> bytes:
        """Return the sign of life, unless it is away."""
        self._ask()
        return await super().beats()

    async def words(self, seq: int, place: str) -> bytes | None:
        """Return words, unless it is away."""
        self._ask()
        return await super().words(seq, place)

    def _ask(self) -> None:
        if self.away:
            self.refused += 1
            raise Unsure("ConnectionRefusedError")


async def refuses(*_given: object) -> bool:
    """Be away when words are to go."""
    raise Unsure("ConnectionRefusedError")
