"""Which streams a restart has to look at."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog

Opener = Callable[[Location], AbstractAsyncContextManager[EventLog]]

STREAM = "channel:1"


def said(message_id: int) -> e.Draft:
    """Somebody posts a message."""
    return e.Draft(e.MessageReceived(message_id=message_id, author_id=7, sent_at=1))


def asked(message_id: int) -> e.Draft:
    """Request a reply to it."""
    return e.Draft(e.ReplyRequested(message_id=message_id, author_id=7, responder="rules", call=e.Call.DM))


async def test_streams_with_unfinished_work_are_noted(location: Location, opened: Opener) -> None:
    """A restart finds each stream whose work nobody finished, in the order the streams came to be."""
    retried = e.Draft(e.ReplyRetried(message_id=1, author_id=7, responder="rules", by="owner", asked_at=1))
    async with opened(location) as log:
        for stream, drafts in (("c", [said(1), asked(1)]), ("b", [said(1)]), ("a", [retried]), ("d", [asked(1)])):
            await log.append(stream, drafts)
        await log.finish("d", 1)
    async with opened(location) as log:
        assert await log.reader.unfinished() == ["c", "a"]

        await log.append("d", [asked(1)])
        await log.finish("a", 1)
        assert await log.reader.unfinished() == ["c"]


async def test_work_that_came_meanwhile_is_not_finished(log: EventLog) -> None:
    """Whoever finishes a stream at a version speaks of that version alone."""
    await log.append(STREAM, [said(1), asked(1)])
    await log.append(STREAM, [said(2), asked(2)])

    await log.finish(STREAM, 2)
    assert await log.reader.unfinished() == [STREAM]
    await log.finish(STREAM, 4)
    assert await log.reader.unfinished() == []
