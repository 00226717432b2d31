"""The library py-event-sourcing with its SQLite streams, as its documentation shows.

It sets WAL and ``synchronous`` NORMAL, which leaves commits to a later sync. Here it gets FULL, so that the durability
is the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from py_event_sourcing import CandidateEvent, sqlite_stream_factory

from benchmarks.compare.contenders.payload import payload
from bot.core import events as e

NAME = "py-event-sourcing"


class Write(NamedTuple):
    """One event for a stream, and the version at which it expects the stream."""

    stream: int
    version: int
    event: Any


@asynccontextmanager
async def opened(database: Path, streams: int) -> AsyncIterator[Sequence[Any]]:
    """Open so many streams on a file."""
    async with AsyncExitStack() as stack:
        open_stream = await stack.enter_async_context(sqlite_stream_factory(str(database)))
        some = [await stack.enter_async_context(open_stream(f"channel:{number}")) for number in range(streams)]
        await some[0].storage_handle.write_conn.execute("PRAGMA synchronous = FULL")
        yield some


def candidate(draft: e.Draft) -> Any:  # noqa: ANN401 - the library's
    """Return one of our messages as one of theirs."""
    return CandidateEvent(type=draft.event.TYPE, data=payload(draft).encode())


async def append(streams: Sequence[Any], write: Write) -> None:
    """Append one event at the version that it expects."""
    # Their version 0 is an empty stream's.
    await streams[write.stream].write([write.event], expected_version=write.version)
