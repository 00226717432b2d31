"""How fast moderators are answered: a channel of 100,000 events in a log of 1,000,000.

    .venv/bin/python -m benchmarks.moderation [--folder DIR] [--events 1000000] [--channel-events 100000] [--calls 200]

Writes the log where the folder has none (a few minutes), then asks for states at random versions, timeline pages, why,
what is pending, and verifies the whole log.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.conversations import Conversations, stream_of
from bot.core import commands as c
from bot.core import events as e
from bot.eventlog.log import EventLog, Location, open_log

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
            print(f"written in {time.monotonic() - began:.0f} s")  # noqa: T201 - a script
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
