"""How fast moderators are answered: a channel of 100,000 events in a log of 1,000,000.

    .venv/bin/python -m benchmarks.moderation [--folder DIR] [--events 1000000] [--channel-events 100000] [--calls 200]

Writes the log where the folder has none (a few minutes), then asks for states at random versions, timeline pages, why,
what is pending, and verifies the whole log.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.app.bot import reading_context
from bot.app.responders import responders_of
from bot.config import Config
from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.core.events import KeyKind, ReplySent
from bot.core.streams import stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log, open_reader
from bot.moderation import checks, explain, history, repair, rewind, status
from bot.moderation.command import Report

BUSY = 5_000
OTHERS = range(10_000, 10_900)
FIRST_ID = 1_300_000_000_000_000_000
BATCH = 250


async def write(folder: Path, events: int, channel_events: int, seed: int, channel_id: int = BUSY) -> None:
    """Write a log in which a busy channel's events lie between those of many others."""
    ticks = iter(range(1_700_000_000_000_000, 2**62, 250_000))
    log = await open_log(Location(folder), clock=lambda: next(ticks), full=False)
    conversations = Conversations(log)
    chance = random.Random(seed)  # noqa: S311 - a seed repeats the run
    messages = _messages(chance)
    busy, others = 0, 0
    while busy < channel_events:
        futures = [conversations.submit(channel_id, command) for _ in range(BATCH // 4) for command in next(messages)]
        busy += sum(map(len, await asyncio.gather(*futures)))
        while others < (events - channel_events) * busy // channel_events:
            others += await _chatter(log, chance, others)
    await conversations.close()
    await log.close()


def _messages(chance: random.Random) -> Iterator[list[c.Command]]:
    """Yield what one message leads to: one in three is answered, some answers fail, some messages are edited or go."""
    for number in range(2**40):
        message_id = FIRST_ID + number * 1000
        author = 100 + chance.randrange(300)
        event = e.MessageReceived(message_id=message_id, author_id=author, sent_at=number, guild_id=7)
        body = e.Body(name=f"person {author}", parts=("Is anybody else seeing this since the update?",))
        asked = chance.random() < 1 / 3
        commands: list[c.Command] = [c.Receive(event, body, e.Call.MENTION if asked else None, "rules")]
        fate = chance.random()
        if asked and fate < 1 / 50:
            commands.append(c.Abandon(message_id, e.AbandonReason.FORBIDDEN))
        elif asked:
            composed = e.ReplyComposed(message_id=message_id, parts=1, responder="rules")
            commands.append(c.Compose(composed, e.Body(parts=("Restart the network manager and try again.",))))
            commands.append(c.Confirm(message_id, 0, message_id + 1, e.Proof.RESPONSE))
        elif fate < 1 / 20:
            edited = e.MessageEdited(message_id=message_id, author_id=author, edited_at=number)
            commands.append(c.Edit(edited, body))
        elif fate < 1 / 10:
            commands.append(c.Delete(message_id))
        yield commands


async def _chatter(log: EventLog, chance: random.Random, number: int) -> int:
    """Append messages to one of the other channels."""
    stream = stream_of(chance.choice(OTHERS))
    count = 300
    drafts = [
        e.Draft(e.MessageReceived(message_id=FIRST_ID + number + at, author_id=5, sent_at=0), e.Body(parts=("so?",)), 5)
        for at in range(count)
    ]
    await log.append(stream, drafts)
    return count


async def measure(folder: Path, calls: int, seed: int) -> tuple[list[tuple[str, list[float]]], Report]:
    """Ask as often as wanted, and verify once."""
    chance = random.Random(seed)  # noqa: S311 - a seed repeats the run
    reader = await open_reader(Location(folder))
    settings = Config.model_validate({"log": {"path": str(folder)}})
    context = reading_context(settings, reader, responders_of(settings))
    stream = stream_of(BUSY)
    head = await reader.head(stream)
    sent = [
        found.event.sent_id for found in await reader.find(stream, KeyKind.SENT) if isinstance(found.event, ReplySent)
    ]

    def anywhen() -> str:
        return str(chance.randrange(head))

    few = max(calls // 10, 1)
    results = [
        ("state folded, any version", await timed(calls, lambda: reader.load(stream, upto=chance.randrange(head)))),
        ("state with its words, any version", await timed(calls, lambda: history.state(context, BUSY, anywhen()))),
        ("timeline, newest page", await timed(calls, lambda: history.timeline(context, BUSY))),
        ("timeline, any page", await timed(calls, lambda: history.timeline(context, BUSY, cursor=anywhen()))),
        (
            "timeline of one person",
            await timed(few, lambda: history.timeline(context, BUSY, person=100 + chance.randrange(300))),
        ),
        (
            "timeline of a type that is not there",
            await timed(few, lambda: history.timeline(context, BUSY, types=("dm.opened",))),
        ),
        ("why, by the answer", await timed(few, lambda: explain.why(context, BUSY, chance.choice(sent)))),
        ("diff of any two versions", await timed(few, lambda: history.diff(context, BUSY, anywhen(), anywhen()))),
        ("preview of a rewind to any version", await timed(few, lambda: rewind.preview(context, BUSY, anywhen()))),
        ("pending", await timed(few, lambda: repair.pending(context))),
        ("status", await timed(few, lambda: status.status(context))),
    ]
    verified = await checks.verify(context)
    await reader.close()
    return results, verified


def snapshot_bytes(folder: Path) -> tuple[int, int]:
    """Return how many snapshots the busy channel keeps and how many bytes they take."""
    with closing(sqlite3.connect(folder / "events.db")) as database:
        row: tuple[int, int] = database.execute(
            "SELECT count(*), sum(length(state)) FROM snapshots "
            "WHERE stream_id = (SELECT id FROM streams WHERE name = ?)",
            (stream_of(BUSY),),
        ).fetchone()
    return row


async def timed(calls: int, call: Callable[[], Awaitable[object]]) -> list[float]:
    """Return the milliseconds of so many calls, the fastest first."""
    took = []
    for _ in range(calls):
        began = time.perf_counter()
        await call()
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--channel-events", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


async def main() -> int:
    """Write and measure; return the exit code."""
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        if not Location(folder).has_log():
            began = time.monotonic()
            await write(folder, options.events, options.channel_events, options.seed)
            Console().print(f"written in {time.monotonic() - began:.0f} s")
        results, verified = await measure(folder, options.calls, options.seed)
        _print(results)
        count, size = snapshot_bytes(folder)
        Console().print(f"snapshots of the busy channel: {count}, {size:,} bytes")
        Console().print(f"verify: {verified.title}; {verified.lines[0]}; peak memory {_peak_memory():.0f} MiB")
    return 0 if verified.data["ok"] else 1


def _print(results: list[tuple[str, list[float]]]) -> None:
    table = Table("milliseconds", "calls", "p50", "p99", "max", title="Moderators' commands")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, took in results:
        p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
        table.add_row(name, str(len(took)), f"{p50:.1f}", f"{p99:.1f}", f"{took[-1]:.1f}")
    Console().print(table)


def _peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

# NEED tests.moderating
