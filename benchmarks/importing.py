"""How fast messages are imported, beside the parts of it: the file read, and the same messages appended to a log.

``python -m benchmarks.importing FILE [MESSAGES] [PAIRS]``: ``FILE`` is recorded chat (JSON Lines of author, bot and
content), which is repeated until there are so many messages in a file as DiscordChatExporter writes it. Each run is a
process of its own. Prints seconds of the processor and of the wall, and the largest memory.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from bot.core.events import Draft
from bot.core.streams import stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.gateway.snowflakes import snowflake_at
from bot.importing import exporter
from bot.importing.found import Found
from bot.importing.recording import BATCH, Importer, Wanted
from bot.importing.sources import Terms, findings_in

FIRST = 1_600_000_000_000_000
APART = 1_500_000
"""Microseconds between two messages."""
HEAD = {"guild": {"id": "5", "name": "Ubuntu"}, "channel": {"id": "7", "type": "GuildTextChat", "name": "ubuntu"}}
EMPTY = ("attachments", "components", "embeds", "stickers", "reactions", "mentions", "inlineEmojis")


def messages(recorded: Path, count: int) -> Iterator[str]:
    """Yield so many messages in the exporter's form."""
    rows = [json.loads(line) for line in recorded.read_text(encoding="utf-8").splitlines()]
    people = {name: str(10**17 + at) for at, name in enumerate(dict.fromkeys(row["author"] for row in rows))}
    for number, row in enumerate(islice(cycle(rows), count)):
        author = {
            "id": people[row["author"]],
            "name": row["author"],
            "discriminator": "0000",
            "nickname": row["author"],
            "color": None,
            "isBot": row["bot"],
            "roles": [],
            "avatarUrl": "https://cdn.discordapp.com/embed/avatars/0.png",
        }
        said = {
            "id": str(snowflake_at(FIRST + number * APART)),
            "type": "Default",
            "timestamp": "2020-09-13T12:26:40+00:00",
            "timestampEdited": None,
            "isPinned": False,
            "content": row["content"],
            "author": author,
        }
        yield json.dumps(said | {name: [] for name in EMPTY}, indent=2, ensure_ascii=False)


def write(recorded: Path, file: Path, count: int) -> None:
    """Write a file in the exporter's form."""
    with file.open("w", encoding="utf-8") as out:
        out.write(json.dumps(HEAD, indent=2)[:-2] + ',\n  "messages": [\n')
        for at, text in enumerate(messages(recorded, count)):
            out.write((",\n" if at else "") + text)
        out.write("\n  ]\n}")


def clock() -> int:
    """Return microseconds since the epoch."""
    return time.time_ns() // 1000


def found_in(file: Path) -> Iterator[Found]:
    """Yield what the parser finds."""
    with file.open("rb") as opened:
        yield from (each for each in exporter.read(opened) if isinstance(each, Found))


async def parsed(file: Path, _folder: Path) -> None:
    """Read the file alone."""
    for _ in found_in(file):
        pass


async def appended(file: Path, folder: Path) -> None:
    """Append the messages, which are in memory, in batches of the same size."""
    everything = list(found_in(file))
    log = await open_log(Location(folder), clock=clock)
    began = time.process_time(), time.perf_counter()
    for start in range(0, len(everything), BATCH):
        batch = everything[start : start + BATCH]
        units = [(Draft(each.event, each.body, subject_id=each.event.author_id),) for each in batch]
        await log.append_units(stream_of(7), units)
    spent = time.process_time() - began[0], time.perf_counter() - began[1]
    await log.close()
    raise Spent(*spent)


async def imported(file: Path, folder: Path) -> None:
    """Import the file."""
    log = await open_log(Location(folder), clock=clock)
    await Importer(log.reader, log, Wanted(clock()), lambda *_: None).run(
        findings_in([file], Terms()), lambda _count: None
    )
    await log.close()


class Spent(Exception):
    """Ends a run with the seconds of its part that counts."""


def run(work: Callable[[Path, Path], Any], file: Path, folder: Path, outcome: Any) -> None:  # noqa: ANN401 - a pipe
    """Send the seconds and the memory that some work takes in this process."""
    began = time.process_time(), time.perf_counter()
    try:
        asyncio.run(work(file, folder))
    except Spent as spent:
        seconds = spent.args
    else:
        seconds = time.process_time() - began[0], time.perf_counter() - began[1]
    outcome.send((*seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main(recorded: Path, count: int = 100_000, pairs: int = 5) -> None:
    """Measure, one after the other, and print the medians."""
    scratch = Path(tempfile.mkdtemp())
    file = scratch / "export.json"
    write(recorded, file, count)
    figures: dict[str, list[tuple[float, ...]]] = {}
    for _ in range(pairs):
        for name, work in (("read", parsed), ("append", appended), ("import", imported)):
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.get_context("spawn").Process(
                target=run, args=(work, file, scratch / name, theirs)
            )
            process.start()
            figures.setdefault(name, []).append(ours.recv())
            process.join()
            shutil.rmtree(scratch / name, ignore_errors=True)
    size = file.stat().st_size / 1e6
    print(f"{count:,} messages, {size:,.0f} MB, medians of {pairs}:")  # noqa: T201 - its result
    for name, rows in figures.items():
        cpu, wall, memory = (statistics.median(each) for each in zip(*rows, strict=True))
        rate = f"{count / cpu:,.0f} a second of the processor, {count / wall:,.0f} of the wall"
        print(f"  {name:<7} {cpu:6.2f} s, {wall:6.2f} s: {rate}; {memory:,.0f} MB")  # noqa: T201 - its result
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
