"""Nothing of a person's words is left in the log's folder after they were forgotten.

A log of 100,000 messages by 50 people in 20 channels, with answers, edits, summaries, personas, reactions and commands.
One of them used 200 words that nobody else did, in texts, names and names of files. They are forgotten while the log is
open, one after the other with others, so that pages which SQLite moved about meanwhile are looked at, too. Then
every byte of every file is searched for these words, and for the beginnings and ends of what was sealed.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sqlite3
import string
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bot.core import events as e
from bot.core.streams import stream_of
from bot.eventlog import backup
from bot.eventlog.erasing import Wanted, erase
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.master import vault_of
from bot.eventlog.verify import verify
from tests.torture.table import Options, Outcome

MESSAGES = 100_000
PEOPLE, CHANNELS, WORDS = 50, 20, 200
FORGOTTEN = 4
"""People who are forgotten, one after the other; the words of the first are planted."""
AT_ONCE = 500
_NEEDLE_BYTES = 24
_SEALED_NEEDLES = 20
"""Sealed words of each person that are searched for; each takes as long as reading the folder once."""
_SEALED = "SELECT salt, sealed FROM events WHERE subject_id = ? AND sealed IS NOT NULL ORDER BY random() LIMIT ?"


@dataclass(frozen=True, slots=True)
class Forgetting:
    """One person who was forgotten: how long it took, and how many needles of how many were found afterwards."""

    person: int
    events: int
    seconds: float
    processor: float
    needles: int
    found: int

    def told(self) -> dict[str, object]:
        """Return a row of the table."""
        return {
            "person": self.person,
            "events": self.events,
            "seconds": f"{self.seconds:.2f}",
            "processor": f"{self.processor:.2f}",
            "searched for": self.needles,
            "found": self.found,
        }


def now() -> int:
    """Return the time in microseconds."""
    return time.time_ns() // 1000


def planted(chance: random.Random) -> list[str]:
    """Return words that are nowhere else."""
    return ["".join(chance.choices(string.ascii_lowercase, k=20)) for _ in range(WORDS)]


async def fill(log: EventLog, messages: int, words: Sequence[str], chance: random.Random) -> None:
    """Have people talk; person 1 uses the planted words, in texts, as a name and in names of files."""
    for first in range(0, messages, AT_ONCE):
        await asyncio.gather(*(_say(log, number, words, chance) for number in range(first, first + AT_ONCE)))
    for channel_id in range(1, CHANNELS + 1):
        summary = e.ConversationSummarised(upto=10**18 + messages, turns=48, people=(1, 2))
        await log.append(stream_of(channel_id), [e.Draft(summary, e.Body(parts=(chance.choice(words),)))])
        await log.save_snapshot(stream_of(channel_id), (await log.reader.load(stream_of(channel_id))).state)
    persona, used = e.PersonaSet(by="1"), e.CommandUsed(user_id=1, channel_id=1, command="ask", outcome="done")
    said = e.Body(parts=tuple(words[:2]))
    await log.append("guild:5", [e.Draft(persona, said, 1), e.Draft(used, said, 1)])


async def _say(log: EventLog, number: int, words: Sequence[str], chance: random.Random) -> None:
    """Record a message; every third is answered, every tenth edited, and some are long."""
    person, message_id = 1 + number % PEOPLE, 10**18 + number
    stream = stream_of(1 + number % CHANNELS if number % 7 else 1)
    word = words[number // PEOPLE % WORDS] if person == 1 else "something"
    text = f"{word} {number} " * (400 if number % 97 == 0 else chance.randrange(1, 8))
    body = e.Body(name=word, parts=(text,), files=(f"{word}.png",) if number % 5 == 0 else ())
    received = e.MessageReceived(message_id=message_id, author_id=person, sent_at=now(), guild_id=5)
    drafts = [e.Draft(received, body, person)]
    if number % 3 == 0:
        answer = e.ReplyComposed(message_id=message_id, parts=1, responder="rules")
        drafts.append(e.Draft(answer, e.Body(parts=(f"You said {text}",)), person))
    if number % 10 == 0:
        edited = e.MessageEdited(message_id=message_id, author_id=person, edited_at=1)
        drafts.append(e.Draft(edited, body, person))
    await log.append(stream, drafts)


def sealed_of(database: Path, person: int) -> list[bytes]:
    """Return beginnings and ends of what is sealed of a person's words, and their salts."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(_SEALED, (person, _SEALED_NEEDLES)).fetchall()
    return [part for salt, sealed in rows for part in (salt, sealed[3 : 3 + _NEEDLE_BYTES], sealed[-_NEEDLE_BYTES:])]


def found_in(folder: Path, needles: Sequence[bytes]) -> list[str]:
    """Return the names of the files in a folder, and of those below, that hold a needle; once for each."""
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found += [path.name for needle in needles if needle in data]
    return found


async def forget(log: EventLog, location: Location, person: int, words: Sequence[str]) -> Forgetting:
    """Forget a person, and search."""
    sealed = sealed_of(location.database, person)
    assert len(found_in(location.folder, sealed[:30])) >= len(sealed[:30]), "the search itself finds what is there"
    needles = [*sealed, *(word[:12].encode() for word in words)]
    began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    erased = await erase(log, Wanted(person_id=person), e.ErasureReason.PERSON, str(person))
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    assert erased.emptied
    found = found_in(location.folder, needles)
    return Forgetting(person, erased.events, seconds, processor, len(needles), len(found))


async def forgettings(
    folder: Path, messages: int, people: int, chance: random.Random
) -> tuple[list[Forgetting], list[str]]:
    """Fill a log, forget people one after the other, and verify; return what was found, and what is wrong."""
    location, words = Location(folder / "data"), planted(chance)
    log = await open_log(location, clock=now, full=False)
    try:
        await fill(log, messages, words, chance)
        told = [await forget(log, location, person, words if person == 1 else ()) for person in range(1, people + 1)]
        wrong = [str(found) async for page in verify(log.reader) for found in page.findings]
        copy = folder / "data" / "backup.db"
        backup.take(location.database, copy, vault=vault_of(location), release="", now=now())
        wrong += found_in(folder, [word.encode() for word in words])
    finally:
        await log.close()
    return told, wrong


def run(options: Options) -> Outcome:
    """Forget people in a log of 100,000 messages."""
    with tempfile.TemporaryDirectory() as made:
        told, wrong = asyncio.run(forgettings(Path(made), MESSAGES, FORGOTTEN, random.Random(options.seed)))
    problems = [*wrong, *(f"{each.found} found of person {each.person}" for each in told if each.found)]
    return Outcome(
        f"{MESSAGES:,} messages, {FORGOTTEN} people forgotten while the log is open",
        tuple(each.told() for each in told),
        tuple(problems),
    )
