"""Conversations over a log in real files, and short ways to ask them for something."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from bot.conversations import Conversations
from bot.core.commands import Command, Receive
from bot.core.events import Body, Call, MessageReceived, Recorded
from bot.core.streams import stream_of
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log

Sql = Callable[..., list[tuple[object, ...]]]
SECOND = 1_000_000


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EventLog]:
    """Return an empty log whose clock moves on by a second whenever it is read: once for each append."""
    seconds: Iterator[int] = count(1_700_000_000)
    log = await open_log(Location(tmp_path), clock=lambda: next(seconds) * SECOND, full=False)
    yield log
    await log.close()


@pytest.fixture
def sql(tmp_path: Path, log: EventLog) -> Sql:
    """Return what runs SQL on the log's file behind its back."""
    del log

    def sql(text: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as connection:
            return connection.execute(text).fetchall()

    return sql


def message(number: int, call: Call | None = None) -> Receive:
    """Return the arrival of a message, addressed to the bot by ``call``."""
    event = MessageReceived(message_id=number, author_id=1, sent_at=0)
    return Receive(event=event, body=Body(name="ada", parts=(f"text {number}",)), call=call, responder="rules")


def long_message(number: int) -> Receive:
    """Return the arrival of a message that fits in no page left half empty."""
    event = MessageReceived(message_id=number, author_id=1, sent_at=0)
    return Receive(event=event, body=Body(parts=("x" * 200_000,)))


async def submit(conversations: Conversations, channel: int, commands: Sequence[Command]) -> list[tuple[Recorded, ...]]:
    """Submit commands in one go and return what each newly appended."""
    return await asyncio.gather(*[conversations.submit(channel, command) for command in commands])


async def failures(
    conversations: Conversations, channel: int, commands: Sequence[Command]
) -> list[tuple[Recorded, ...] | BaseException]:
    """Submit commands in one go and return what came of each, errors among them."""
    futures = [conversations.submit(channel, command) for command in commands]
    return await asyncio.gather(*futures, return_exceptions=True)


async def history(log: EventLog, channel: int) -> list[Recorded]:
    """Return every event of a channel."""
    return [recorded async for page in log.reader.tail(stream_of(channel)) for recorded in page]


async def received(log: EventLog, channel: int) -> list[int]:
    """Return the ids of a channel's messages in the order in which they are recorded."""
    return [each.event.message_id for each in await history(log, channel) if isinstance(each.event, MessageReceived)]


async def fill_disk(log: EventLog) -> None:
    """Let the database grow no further, as on a full disk."""
    await _limit_pages(log, 1)


async def free_disk(log: EventLog) -> None:
    """Let the database grow again."""
    await _limit_pages(log, 1_000_000)


async def _limit_pages(log: EventLog, pages: int) -> None:
    await log._writer.connection.run(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}"))
