"""Asking for a reply again by hand: a reply that was given up is sent as it is, a complete one is composed anew."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.conversations import Conversations
from bot.core.commands import Retry
from bot.core.events import Recorded, ReplyAbandoned, ReplyRequested, ReplyRetried
from bot.core.reply_record import ReplyRecord
from bot.core.streams import channel_of, stream_of
from bot.errors import EcholessError
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader

ITSELF = "the bot"
MOST_GENERATIONS = 9
"""The most answers to one message: part and generation have to fit into a nonce (docs/discord-facts.md, 1.1)."""


class NothingToRetry(EcholessError):
    """The reply can't be asked for again; the error's text says why."""


async def retry(
    conversations: Conversations, reader: Reader, channel_id: int, message_id: int, *, by: str
) -> tuple[Recorded, ...]:
    """Ask for the reply to a message again and return what was recorded.

    A composed text stays, and parts that are in Discord are not sent again. Raises NothingToRetry when no answer was
    requested, when the message was answered, or when it still waits for its answer.
    """
    request, past = await _past(conversations, reader, channel_id, message_id)
    if past.complete:
        raise NothingToRetry(f"Message {message_id} was answered: all parts of the reply are in Discord.")
    return await conversations.handle(channel_id, Retry(past.asked_again(request, by)))


async def again(
    conversations: Conversations, reader: Reader, channel_id: int, message_id: int, *, by: str
) -> tuple[Recorded, ...]:
    """Have the answer to a message composed anew, into the messages that show the present one.

    Returns what was recorded. Raises NothingToRetry when there is no answer yet, or it is being written.
    """
    request, past = await _past(conversations, reader, channel_id, message_id)
    if other := past.together_with:
        raise NothingToRetry(f"Message {message_id} was answered together with message {other}: name that one.")
    if not past.written:
        raise NothingToRetry(f"Message {message_id} has no answer to be composed anew: retry its reply instead.")
    if past.generation >= MOST_GENERATIONS:
        raise NothingToRetry(f"Message {message_id} was answered {past.generation} times: that is the most.")
    return await conversations.handle(channel_id, Retry(past.asked_again(request, by, anew=True)))


async def tidy(conversations: Conversations, reader: Reader, channel_id: int, message_id: int) -> tuple[Recorded, ...]:
    """Take up a complete reply once more, to delete messages that its answer does not need.

    Such a message was on its way when a process died, and arrived after the next process had looked for it. Raises
    NothingToRetry when the reply is not complete.
    """
    request, past = await _past(conversations, reader, channel_id, message_id)
    if not past.complete:
        raise NothingToRetry(f"The reply to message {message_id} is not complete: nothing of it is left over.")
    return await conversations.handle(channel_id, Retry(past.asked_again(request, ITSELF)))


async def record_of(reader: Reader, channel_id: int, message_id: int) -> ReplyRecord:
    """Return the record of the reply to a message."""
    query = Query(stream=stream_of(channel_id), message_id=message_id)
    return ReplyRecord.of([recorded async for recorded in reader.events(query)])


async def given_up(
    reader: Reader, channel_id: int | None, limit: int
) -> AsyncIterator[tuple[int, int, ReplyAbandoned]]:
    """Yield channel, time and event of replies that were given up and not asked for again, the newest first.

    ``channel_id`` None means all channels; ``limit`` is the number of events to read.
    """
    stream = None if channel_id is None else stream_of(channel_id)
    query = Query(stream=stream, types=(ReplyAbandoned.TYPE, ReplyRetried.TYPE), newest_first=True)
    seen: set[tuple[str, int | None]] = set()
    async for recorded in reader.events(query, limit=limit):
        event, channel, reply = recorded.event, channel_of(recorded.stream), (recorded.stream, recorded.event.about())
        if isinstance(event, ReplyAbandoned) and channel is not None and reply not in seen:
            yield channel, recorded.recorded_at, event
        seen.add(reply)


async def _past(
    conversations: Conversations, reader: Reader, channel_id: int, message_id: int
) -> tuple[ReplyRequested, ReplyRecord]:
    """Return the record of a finished reply; raise NothingToRetry if there is none."""
    past = await record_of(reader, channel_id, message_id)
    if past.request is None:
        raise NothingToRetry(f"No reply to message {message_id} was ever requested in channel {channel_id}.")
    if past.asked:
        raise NothingToRetry(f"Question {message_id} was asked by a command, whose time is over: ask it again.")
    if past.thread_id:
        raise NothingToRetry(f"The reply to message {message_id} is in thread {past.thread_id}: name that channel.")
    if (await conversations.state(channel_id)).pending(message_id) is not None:
        raise NothingToRetry(f"The reply to message {message_id} is not given up: it is still being tried.")
    return past.request, past
