"""Changes by accident: bits, runs of bytes and whole pages of a log's files, and files cut short.

Each change that alters anything a reader can see is reported by verification, with an anchor where it takes the end
away, or refused at opening. Nothing ends with a traceback: neither reading nor verifying nor opening as the owner.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bot.core import events as e
from bot.errors import LogError
from bot.eventlog.anchor import Anchor, anchor_of
from bot.eventlog.database import PAGE_SIZE
from bot.eventlog.location import Location
from bot.eventlog.log import open_log, open_reader
from bot.eventlog.reader import Reader
from tests.torture import logs
from tests.torture.table import Options, Outcome, with_progress

_RUN = 16
_OWNED_EVERY = 4
"""The owner opens every fourth log and appends to it."""


class Verdict(StrEnum):
    """What became of a change."""

    UNSEEN = "unseen"
    REPORTED = "reported"
    ANCHORED = "anchor"
    REFUSED = "refused"
    SILENT = "SILENT"
    TRACEBACK = "TRACEBACK"


@dataclass(frozen=True, slots=True)
class Template:
    """A whole log, what a reader sees there, and its anchor."""

    location: Location
    seen: logs.Seen
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Change:
    """A change to one file, described so that it can be made again."""

    file: str
    kind: str
    make: Callable[[Path], object]
    text: str


def run(options: Options) -> Outcome:
    """Make so many changes, each to a copy of its own."""
    return asyncio.run(_run(options))


async def _run(options: Options) -> Outcome:
    chance = random.Random(options.seed)
    counts: Counter[tuple[str, str, Verdict]] = Counter()
    problems = []
    with tempfile.TemporaryDirectory() as made:
        templates = await templates_in(Path(made))
        for number in with_progress("flips", range(options.count), options.count):
            template = chance.choice(templates)
            change = any_change(template.location.folder, chance)
            verdict, why = await tried(template, change, Path(made, "copy"), owned=number % _OWNED_EVERY == 0)
            counts[change.file, change.kind, verdict] += 1
            if verdict in {Verdict.SILENT, Verdict.TRACEBACK}:
                problems.append(f"{number}: {verdict}: {change.file} {change.text}: {why}")
    kinds = sorted({(file, kind) for file, kind, _ in counts})
    rows = [
        {"file": file, "change": kind} | {verdict.value: counts[file, kind, verdict] for verdict in Verdict}
        for file, kind in kinds
    ]
    total = {verdict.value: sum(n for (*_, each), n in counts.items() if each is verdict) for verdict in Verdict}
    return Outcome(
        f"{options.count:,} changes to a log's files (seed {options.seed})",
        (*rows, {"file": "all", "change": ""} | total),
        tuple(problems),
    )


async def templates_in(folder: Path) -> list[Template]:
    """Make a log at rest, and one in use."""
    closed = await logs.make_log(folder / "closed")
    return [await _template(closed), await _template(await logs.make_log_in_use(closed, folder / "used"))]


async def _template(location: Location) -> Template:
    reading = logs.copy(location, location.folder.with_name(location.folder.name + ".read"))
    reader = await open_reader(reading)
    try:
        known = await reader.connection.run(anchor_of)
        assert (await logs.judged(reader, known)).anchored == ()
        return Template(location, await logs.seen(reader), known)
    finally:
        await reader.close()


def any_change(folder: Path, chance: random.Random) -> Change:
    """Draw a change to one of a log's files; every third aims at a snapshot."""
    files = [path for path in sorted(folder.iterdir()) if path.name.startswith("events.db")]
    path = chance.choice(files)
    content = path.read_bytes()
    places = _snapshots(content) if chance.random() < 1 / 3 else ()
    at = (chance.choice(places) + chance.randrange(2000) if places else chance.randrange(len(content))) % len(content)
    kind = chance.choices(("bit", "bytes", "page", "cut"), (10, 5, 3, 1))[0]
    if kind == "bit":
        bit = 1 << chance.randrange(8)
        return Change(
            path.name, kind, lambda copy: logs.write_at(copy, at, bytes([content[at] ^ bit])), f"at {at}, bit {bit}"
        )
    if kind == "bytes":
        run = chance.choice((bytes(_RUN), b"\xff" * _RUN, chance.randbytes(_RUN)))
        return Change(path.name, kind, lambda copy: logs.write_at(copy, at, run), f"at {at}: {run.hex()}")
    if kind == "page":
        return _page(path, content, at, chance)
    return Change(path.name, kind, lambda copy: copy.write_bytes(content[:at]), f"to {at} bytes")


def _page(path: Path, content: bytes, at: int, chance: random.Random) -> Change:
    """Draw a change of a whole page: to nothing, to noise, or to another page of the file."""
    pages = range(0, len(content) - PAGE_SIZE + 1, PAGE_SIZE)
    start, other = at // PAGE_SIZE * PAGE_SIZE, chance.choice(pages)
    what = chance.choice((bytes(PAGE_SIZE), chance.randbytes(PAGE_SIZE), content[other : other + PAGE_SIZE]))
    what = what[: len(content) - start]
    return Change(path.name, "page", lambda copy: logs.write_at(copy, start, what), f"at {start}, {what[:8].hex()}...")


def _snapshots(content: bytes) -> Sequence[int]:
    """Return where the states of snapshots lie in a file."""
    found, at = [], content.find(b'{"version":')
    while at >= 0:
        found.append(at)
        at = content.find(b'{"version":', at + 1)
    return found


async def tried(template: Template, change: Change, folder: Path, *, owned: bool) -> tuple[Verdict, str]:
    """Make a change to a copy, and say what became of it and why."""
    location = logs.copy(template.location, folder)
    change.make(location.folder / change.file)
    try:
        verdict, why = await _read(template, location)
        if owned:
            await _own(location)
    except Exception as error:  # noqa: BLE001 - a traceback is what is looked for
        return Verdict.TRACEBACK, f"{type(error).__name__}: {error}"
    return verdict, why


async def _read(template: Template, location: Location) -> tuple[Verdict, str]:
    try:
        reader = await open_reader(location)
    except LogError:
        return Verdict.REFUSED, ""
    try:
        judged = await logs.judged(reader, template.anchor)
        difference = await _difference(template, reader)
    finally:
        await reader.close()
    if judged.alone:
        return Verdict.REPORTED, ""
    if judged.anchored:
        return Verdict.ANCHORED, ""
    return (Verdict.SILENT, difference) if difference else (Verdict.UNSEEN, "")


async def _difference(template: Template, reader: Reader) -> str:
    """Return which part of what a reader sees is another now, or can't be read; "" if none is."""
    try:
        now = await logs.seen(reader)
    except LogError as error:
        return str(error)
    return ", ".join(name for name, value in template.seen.items() if now[name] != value)


async def _own(location: Location) -> None:
    """Open a log as its owner and append to it, unless it is refused."""
    try:
        log = await open_log(location, clock=logs.clock(), full=False)
    except LogError:
        return
    try:
        await log.append("bot", [e.Draft(e.BotStopped(reason="end"))])
    except LogError:
        pass
    finally:
        await log.close()
