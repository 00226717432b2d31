"""The library eventsource-py with its SQLite event store, as its documentation shows.

It sets WAL and leaves ``synchronous`` to SQLite, whose default is FULL: the durability is the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid5

from eventsource import DomainEvent, ExpectedVersion, SQLiteEventStore, StreamId, register_event

from bot.core import events as e

NAME = "eventsource-py"
CATEGORY = "Channel"
_SPACE = UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


@register_event
class MessageReceived(DomainEvent):
    """Somebody posted a message."""

    event_type: str = "MessageReceived"
    aggregate_type: str = CATEGORY
    message_id: int
    author_id: int
    sent_at: int
    name: str
    text: str


def identity(stream: str) -> UUID:
    """Return the id of a channel."""
    return uuid5(_SPACE, stream)


def received(stream: str, version: int, draft: e.Draft) -> MessageReceived:
    """Return one of our messages as one of theirs."""
    fact, body = draft.event, draft.body
    if not isinstance(fact, e.MessageReceived) or body is None:
        raise TypeError("Only messages are appended here.")
    return MessageReceived(
        aggregate_id=identity(stream),
        aggregate_version=version,
        message_id=fact.message_id,
        author_id=fact.author_id,
        sent_at=fact.sent_at,
        name=body.name,
        text=body.text,
    )


@asynccontextmanager
async def opened(database: Path) -> AsyncIterator[SQLiteEventStore]:
    """Open the store on a file."""
    store = SQLiteEventStore(str(database))
    try:
        yield store
    finally:
        await store.close()


async def append(store: SQLiteEventStore, event: MessageReceived) -> None:
    """Append one event at the version before its own."""
    stream = StreamId(aggregate_id=event.aggregate_id, category=CATEGORY)
    await store.append(stream, [event], ExpectedVersion.exact(event.aggregate_version - 1))
