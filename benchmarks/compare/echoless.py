"""Echoless's side: logs written through its public face."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.compare.chat import Chat
from bot.conversations import Conversations
from bot.core import commands as c
from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.snapshots import EVERY

REPLY = "Restart the network manager and try again."
AT_ONCE = 500
"""Commands under way at once while a log is written; fewer where there are snapshots, which end a batch."""


def clock() -> int:
    """Return microseconds since the epoch."""
    return time.time_ns() // 1000


@asynccontextmanager
async def opened(folder: Path, *, full: bool = True) -> AsyncIterator[EventLog]:
    """Open the log in a folder."""
    log = await open_log(Location(folder), clock=clock, full=full)
    try:
        yield log
    finally:
        await log.close()


def draft(text: Chat, number: int) -> e.Draft:
    """Return the message with this number, ready to append."""
    event, body = text.received(number)
    return e.Draft(event, body, subject_id=event.author_id)


def mix(text: Chat, seed: int) -> Iterator[list[c.Command]]:
    """Yield what one message leads to: one in three is answered, some answers fail, some messages are edited or go."""
    chance = random.Random(seed)  # noqa: S311 - a seed repeats the run
    for number in itertools.count():
        event, body = text.received(number)
        message_id = event.message_id
        asked = chance.random() < 1 / 3
        fate = chance.random()
        commands: list[c.Command] = [c.Receive(event, body, e.Call.MENTION if asked else None, "rules")]
        if asked and fate < 1 / 50:
            commands.append(c.Abandon(message_id, e.AbandonReason.FORBIDDEN))
        elif asked:
            composed = e.ReplyComposed(message_id=message_id, parts=1, responder="rules")
            commands.append(c.Compose(composed, e.Body(parts=(REPLY,))))
            commands.append(c.Confirm(message_id, 0, message_id + 1, e.Proof.RESPONSE))
        elif fate < 1 / 20:
            edited = e.MessageEdited(message_id=message_id, author_id=event.author_id, edited_at=event.sent_at)
            commands.append(c.Edit(edited, body))
        elif fate < 1 / 10:
            commands.append(c.Delete(message_id))
        yield commands


async def write(folder: Path, text: Chat, channels: Sequence[int], events: int, *, snapshot_every: int = EVERY) -> int:
    """Write a log of about ``events`` events, whose channels take turns at random as people do; return its length.

    No snapshot is taken at the end, so that each channel ends with a tail of any length.
    """
    chance = random.Random(events)  # noqa: S311 - a seed repeats the run
    messages = mix(text, events)
    written = 0
    at_once = min(AT_ONCE, len(channels)) if snapshot_every < events else AT_ONCE
    async with opened(folder, full=False) as log:
        conversations = Conversations(log, hot_channels=2**40, snapshot_every=snapshot_every)
        while written < events:
            futures: list[asyncio.Future[tuple[e.Recorded, ...]]] = []
            while len(futures) < min(at_once, events - written):
                channel = chance.choice(channels)
                futures += [conversations.submit(channel, command) for command in next(messages)]
            written += sum(map(len, await asyncio.gather(*futures)))
    return written


def nothing(number: int) -> c.Command:
    """Return a command that a channel answers with no event: handling it makes the channel hot."""
    return c.Abandon(number, e.AbandonReason.CANCELLED)
