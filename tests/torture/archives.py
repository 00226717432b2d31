"""Changes by accident, and files that are no archives: each is refused in a sentence, and nothing of it is read."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from bot.core.events import Draft, MessageDeleted
from bot.errors import LogError
from bot.eventlog import archive
from bot.eventlog.key_file import read_key
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.eventlog.master import vault_of
from tests.torture import logs
from tests.torture.table import Options, Outcome, with_progress

Made = Callable[[bytes], bytes]

CHANNEL = "channel:1"
_PAGE = 4096


def run(options: Options) -> Outcome:
    """Make so many changes to an archive, each to a copy of its own."""
    chance, counts, problems = random.Random(options.seed), Counter[tuple[str, str]](), []
    with tempfile.TemporaryDirectory() as made:
        whole, key = whole_in(Path(made))
        for number in with_progress("archives", range(options.count), options.count):
            kind, changed = any_change(whole, chance)
            said = refusal(changed, Path(made, "changed"), key)
            counts[kind, "refused" if said else "TAKEN"] += 1
            if not said:
                problems.append(f"{number}: a change was taken: {kind}")
    kinds = sorted({kind for kind, _ in counts})
    rows = tuple({"change": kind} | {what: counts[kind, what] for what in ("refused", "TAKEN")} for kind in kinds)
    return Outcome(f"{options.count:,} changes to an archive (seed {options.seed})", rows, tuple(problems))


def whole_in(folder: Path) -> tuple[bytes, bytes]:
    """Return the bytes of an archive of a channel, and its master key."""
    location = asyncio.run(quiet_log(folder / "log"))
    made = archived(location, folder / "whole")
    return made.path.read_bytes(), read_key(location.key_path)


async def quiet_log(folder: Path) -> Location:
    """Make a log of two channels that write in turn, with nothing left to do, and a word of one erased."""
    location = Location(folder)
    log = await open_log(location, clock=logs.clock(), full=False)
    try:
        await logs.append_more(log, 40)
        await log.append(CHANNEL, [Draft(MessageDeleted(message_id=logs.FIRST))])
    finally:
        await log.close()
    return location


def archived(location: Location, target: Path, stream: str = CHANNEL) -> archive.Archive:
    """Make an archive."""
    return archive.take(location.database, target, stream, vault=vault_of(location), release="", now=1)


def any_change(whole: bytes, chance: random.Random) -> tuple[str, bytes]:
    """Return what is changed, and the changed bytes, which differ."""
    kinds = dict(_changes(whole, chance.randrange(len(whole)), chance))
    kind = chance.choice([*kinds])
    changed = kinds[kind]
    return (kind, changed) if changed != whole else any_change(whole, chance)


def _changes(whole: bytes, at: int, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    yield "bit", whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :]
    yield "bytes", whole[:at] + chance.randbytes(16) + whole[at + 16 :]
    start = at // _PAGE * _PAGE
    yield "page", whole[:start] + chance.choice((bytes(_PAGE), chance.randbytes(_PAGE))) + whole[start + _PAGE :]
    yield "cut", whole[:at]
    yield "more", whole + chance.randbytes(chance.randrange(1, 100))
    yield "garbage", chance.randbytes(at)
    yield "header and garbage", whole[:100] + chance.randbytes(len(whole) - 200) + whole[-100:]


def refusal(content: bytes, path: Path, key: bytes) -> str:
    """Return how a file is refused, "" if it is taken; without the key, too, nothing but a LogError is raised."""
    path.write_bytes(content)
    with suppress(LogError):
        archive.look(path, [])
    try:
        archive.look(path, [key])
    except LogError as error:
        return str(error)
    return ""
