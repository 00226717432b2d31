"""Which messages a client's handlers were given, and of which they have not ended: what a crash leaves of that is owed.

The log notes, at most once a second, up to which position it has seen messages, and the positions of those whose
handlers have not ended. After a start these are owed, and so is everything that was recorded since the note. So a
message is given at least once, and sometimes again: what handlers do by the log's keys happens once all the same.

A handler has ended when it returns or raises. Tasks that it starts, and ``wait_for``, are not followed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from bot.background import Background
from bot.core.conversation import Conversation
from bot.core.events import Author, CatchupCompleted, MessageReceived, Recorded, Via
from bot.core.streams import channel_of
from bot.errors import EcholessError, LogClosed
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query

Handler: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]

NOTE = "delivered"
NOTED_AFTER = 1.0
"""Seconds from a change until it is noted, with all others of that time."""
REMEMBERED = 10_000
"""How many of the newest messages are remembered that were given: each is given once by a process."""
_HISTORY = (Via.CATCHUP, Via.AUDIT)


async def forget(log: EventLog) -> None:
    """Have nothing be owed: without redelivery, nobody notes what handlers have done."""
    if await log.reader.noted(NOTE):
        await log.note(NOTE, b"")


class Deliveries:
    """Follows the handlers of messages; those before ``first_id`` were given before the log began.

    ``on_owed`` is called with a channel of which messages are owed, when it has been caught up.
    """

    def __init__(self, log: EventLog, first_id: int) -> None:
        self.on_owed: Callable[[int], None] = lambda _channel_id: None
        self._log = log
        self._first_id = first_id
        self._newest = 0
        self._running: dict[int, int] = {}
        self._given: dict[int, None] = {}
        self._open: dict[int, int] = {}
        self._owed: dict[int, list[int]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._background = Background()
        self._is_closed = False

    async def load(self) -> None:
        """Read from the log what an earlier process left; a log without a note owes nothing."""
        reader = self._log.reader
        noted, newest = await reader.noted(NOTE), await reader.newest()
        if noted:
            seen, *left = map(int, noted.split())
            query = Query(types=(MessageReceived.TYPE,), after_position=seen)
            for recorded in [*await reader.at(left), *[each async for each in reader.events(query)]]:
                self._recorded(channel_of(recorded.stream) or 0, recorded)
        self._newest = newest
        await self._note()

    @property
    def channels(self) -> tuple[int, ...]:
        """Return the channels of which messages are owed."""
        return tuple(self._owed)

    def owed(self, channel_id: int) -> list[int]:
        """Return the messages of a channel that are owed, the oldest first."""
        left = sorted(each for each in self._owed.pop(channel_id, ()) if each in self._open and each not in self._given)
        if left:
            self._owed[channel_id] = left
        return left

    def give(self, message_id: int) -> bool:
        """Note that handlers are called with a message now; return False where they were called before."""
        if message_id in self._given:
            return False
        self._given[message_id] = None
        if len(self._given) > REMEMBERED:
            del self._given[next(iter(self._given))]
        return True

    def called(self, message_id: int) -> None:
        """Note that the handlers of a message are called, if there are any."""
        if message_id not in self._running:
            self.end(message_id)

    def watched(self, handler: Handler, message_id: int) -> Handler:
        """Return a handler of a message that tells when it has ended."""
        self._running[message_id] = self._running.get(message_id, 0) + 1

        async def handling(*arguments: Any, **named: Any) -> None:  # noqa: ANN401 - discord.py's
            try:
                await handler(*arguments, **named)
            except (asyncio.CancelledError, LogClosed):
                # It was cut off, and is called again after the next start.
                raise
            except Exception:
                self._returned(message_id)
                raise
            self._returned(message_id)

        return handling

    def end(self, message_id: int) -> None:
        """Note that nothing is left to do for a message."""
        if self._open.pop(message_id, None) is not None:
            self._note_later()

    def observe(self, channel_id: int, _state: Conversation, new: tuple[Recorded, ...]) -> None:
        """Take new events of a channel."""
        is_complete = False
        for recorded in new:
            if type(recorded.event) is MessageReceived:
                self._newest = recorded.position
                self._recorded(channel_id, recorded)
            is_complete |= type(recorded.event) is CatchupCompleted or getattr(recorded.event, "via", "") is Via.AUDIT
        self._note_later()
        if is_complete and channel_id in self._owed:
            self.on_owed(channel_id)

    def freeze(self) -> None:
        """Take no handler for ended any more, because the log is closed under it."""
        self._is_closed = True

    async def close(self) -> None:
        """Note how far all is done."""
        if self._timer is not None:
            self._timer.cancel()
        await self._background.end()
        await self._note()

    def _recorded(self, channel_id: int, recorded: Recorded) -> None:
        event = recorded.event
        if not isinstance(event, MessageReceived) or event.author is Author.SELF or event.message_id < self._first_id:
            return
        message_id = event.message_id
        if message_id in self._running:
            self._open[message_id] = recorded.position
        elif message_id not in self._given:
            self._open[message_id] = recorded.position
            if event.via in _HISTORY or not self._newest:
                self._owed.setdefault(channel_id, []).append(message_id)

    def _returned(self, message_id: int) -> None:
        if self._is_closed:
            return
        left = self._running[message_id] - 1
        if left:
            self._running[message_id] = left
        else:
            del self._running[message_id]
            self.end(message_id)

    def _note_later(self) -> None:
        if self._timer is None and not self._is_closed:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(NOTED_AFTER, lambda: self._background.start(self._noted()))

    async def _noted(self) -> None:
        self._timer = None
        try:
            await self._note()
        except EcholessError:
            # The log can't be written just now. More is given again then, and nothing is lost.
            self._note_later()

    async def _note(self) -> None:
        await self._log.note(NOTE, " ".join(map(str, (self._newest, *self._open.values()))).encode())
