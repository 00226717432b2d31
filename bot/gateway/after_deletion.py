"""What a deletion in Discord takes along, beyond the words that the log erases with the deletion's own event.

- ``message.deleted`` of a person's message: summaries that saw it and, by setting, the answers to it. Of the bot's own:
  the words of the answer that it showed.
- ``channel.deleted``: the threads of the channel, also archived ones, which Discord does not name.
- ``server.left``: everything recorded on that server.

It follows from recorded events, and the log notes how far that is done. What a crash leaves is done at the next start,
before the bot connects.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

import structlog

from bot.backoff import backoff
from bot.conversations import Conversations
from bot.core.commands import Delete, DeleteChannel
from bot.core.conversation import Conversation
from bot.core.events import (
    ChannelDeleted,
    ErasureReason,
    Event,
    KeyKind,
    MessageDeleted,
    Recorded,
    ReplyComposed,
    ReplySent,
    ServerLeft,
)
from bot.core.streams import channel_of, stream_of
from bot.errors import EcholessError
from bot.eventlog.erasing import Wanted, erase
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from bot.gateway.first_seen import FirstSeen

NOTE = "deletions_done"
LONGEST_PAUSE = 60.0

_DELETIONS = frozenset((MessageDeleted, ChannelDeleted))
"""Looked up by type, because every event is, and ``isinstance`` of pydantic takes its time."""

_log = structlog.get_logger()


class AfterDeletion:
    """Takes the deletions one after the other; ``answers``: those to a deleted message lose their words, too."""

    def __init__(self, log: EventLog, conversations: Conversations, seen: FirstSeen, *, answers: bool) -> None:
        self._log = log
        self._conversations = conversations
        self._seen = seen
        self._answers = answers
        self._waiting: deque[Recorded] = deque()
        self._task: asyncio.Task[None] | None = None
        self._resumed = self._stopped = False

    async def resume(self) -> None:
        """Do what an earlier process left. A log without a note was written by a release that did none of this.

        Where the log fails, the next start goes on from the same place.
        """
        try:
            await self._resume()
        except EcholessError as error:
            _log.warning("deletion.unfinished", error=type(error).__name__, hint="goes on at the next start")
        else:
            self._resumed = True

    async def _resume(self) -> None:
        reader = self._log.reader
        done, newest = await reader.noted(NOTE), await reader.newest()
        if done is not None:
            types = (MessageDeleted.TYPE, ChannelDeleted.TYPE, ServerLeft.TYPE, ReplyComposed.TYPE)
            query = Query(types=types if self._answers else types[:-1], after_position=int(done))
            for recorded in [recorded async for recorded in reader.events(query)]:
                await self._take(recorded)
        await self._note(newest)

    def observe(self, _channel_id: int, state: Conversation, new: tuple[Recorded, ...]) -> None:
        """Begin with what newly recorded deletions of a channel take along."""
        for recorded in new:
            kind = type(recorded.event)
            if kind in _DELETIONS or (kind is ReplyComposed and self._answers and _too_late(state, recorded.event)):
                self.begin(recorded)

    def begin(self, recorded: Recorded) -> None:
        """Begin with what one recorded deletion takes along."""
        self._waiting.append(recorded)
        if self._task is None and not self._stopped:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="after deletions")

    async def stop(self) -> None:
        """Stop; the next start goes on. Where nothing is left, it has nothing to look through."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        if self._resumed and not self._waiting:
            with suppress(EcholessError):
                await self._note(await self._log.reader.newest())

    async def _run(self) -> None:
        failures = 0
        while self._waiting:
            try:
                await self._take(self._waiting[0])
                if len(self._waiting) == 1 and self._resumed:
                    await self._note(self._waiting[0].position)
            except EcholessError as error:
                failures += 1
                _log.warning("deletion.unfinished", error=type(error).__name__, hint="tried again")
                await asyncio.sleep(backoff(failures, LONGEST_PAUSE))
                continue
            except Exception as error:  # noqa: BLE001 - one of them must not keep the others from being done
                _log.error("deletion.failed", stream=self._waiting[0].stream, error=type(error).__name__)
            failures = 0
            self._waiting.popleft()
        self._task = None

    async def _take(self, recorded: Recorded) -> None:
        match recorded.event:
            case MessageDeleted(message_id=message_id):
                if recorded.stream != stream_of(message_id) and await self._has_thread(message_id):
                    await self._conversations.handle(message_id, Delete(message_id))
                if await self._takes_along(recorded.stream, message_id):
                    await self._erase(Wanted(message_ids=(message_id,), answers=self._answers, stream=recorded.stream))
            case ReplyComposed(message_id=message_id):
                if await self._log.aside.find(recorded.stream, KeyKind.DELETED, message_id):
                    await self._erase(Wanted(message_ids=(message_id,), answers=True, stream=recorded.stream))
            case ChannelDeleted():
                for thread_id in await self._seen.threads(channel_of(recorded.stream) or 0):
                    await self._conversations.handle(thread_id, DeleteChannel())
            case ServerLeft(guild_id=guild_id):
                await self._erase(Wanted(guild_id=guild_id))

    async def _has_thread(self, message_id: int) -> bool:
        """Tell whether a thread was opened for the answer to a message. It has the message's id."""
        return bool(await self._log.aside.find(stream_of(message_id), KeyKind.THREAD, message_id))

    async def _takes_along(self, stream: str, message_id: int) -> bool:
        """Tell whether a message was a person's, or shows a part of an answer of the bot as it is now.

        The bot itself deletes messages that an answer no longer needs; the answer keeps its words then.
        """
        reader = self._log.aside
        kinds = (KeyKind.RECEIVED, KeyKind.THREAD)
        if any([await reader.find(stream, kind, message_id) for kind in kinds]):
            return True
        sent = await reader.sent_as(stream, message_id)
        if sent is None or not isinstance(sent.event, ReplySent):
            return False
        composed = await reader.find(stream, KeyKind.COMPOSED, sent.event.message_id)
        newest = composed[-1].event if composed else None
        return isinstance(newest, ReplyComposed) and sent.event.part < newest.parts

    async def _erase(self, wanted: Wanted) -> None:
        await erase(self._log, wanted, ErasureReason.DELETED, record=self._conversations.record)

    async def _note(self, position: int) -> None:
        await self._log.note(NOTE, str(position).encode())


def _too_late(state: Conversation, composed: Event) -> bool:
    """Tell whether the question of an answer was deleted while it was written."""
    entry = state.pending(composed.about() or 0)
    return entry is not None and entry.trigger_deleted
