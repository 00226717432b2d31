"""The effects of new events: a worker for each channel whose outbox is not empty.

Workers react only to newly appended events; loading and replaying never reach this module. :meth:`Replies.recover`
finds the replies that a crash left unfinished.
"""

from __future__ import annotations

import asyncio

import structlog

from bot.background import Background
from bot.core.conversation import Conversation
from bot.core.events import MessageEdited, PostRequested, Recorded, ReplyRequested, Via, WordsErased
from bot.core.outbox import ASKED
from bot.errors import EcholessError
from bot.replies.context import ReplyContext
from bot.replies.worker import Worker

_NEW = frozenset((Via.LIVE, Via.AHEAD, *ASKED))
"""How messages arrive that were posted just now: no part of their replies can be in Discord yet."""

_ABOVE = frozenset((MessageEdited, WordsErased))
"""What changes words of a channel on which answers in its threads may build."""

FINISHED_AFTER = 1.0
"""Seconds from a channel's last reply until the log's note about unfinished work is removed.

All channels share one commit for it. Until then a restart looks at them in vain, which does no harm.
"""

_log = structlog.get_logger()


class Replies:
    """Keeps a worker for every channel with unfinished replies."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._workers: dict[int, tuple[Worker, asyncio.Task[None]]] = {}
        self._finished: set[int] = set()
        self._finishing: asyncio.TimerHandle | None = None
        self._background = Background()
        self._stopping = False

    @property
    def working(self) -> int:
        """Return how many channels have a worker."""
        return len(self._workers)

    def react(self, channel_id: int, state: Conversation, new: tuple[Recorded, ...]) -> None:
        """React to new events of a channel."""
        self._context.notices.react(channel_id, new)
        self._tell_threads(channel_id, new)
        worker = self._worker(channel_id) if state.outbox else self._at_work(channel_id)
        if worker is None:
            return
        for recorded in new:
            event = recorded.event
            worker.changed(event)
            if isinstance(event, WordsErased):
                worker.forget_words()
            if isinstance(event, PostRequested) or (isinstance(event, ReplyRequested) and event.via in _NEW):
                worker.trust(event.message_id)
        worker.wake()

    def _tell_threads(self, channel_id: int, new: tuple[Recorded, ...]) -> None:
        """Tell the threads of a channel what changes words there: their answers build on them, as on the question.

        A deletion is recorded in the thread, too (:mod:`bot.gateway.after_deletion`).
        """
        for event in [recorded.event for recorded in new if type(recorded.event) in _ABOVE]:
            for thread_id, (worker, _) in self._workers.items():
                if thread_id == channel_id or self._context.composer.begins_in(thread_id) != channel_id:
                    continue
                worker.changed(event)
                if isinstance(event, WordsErased):
                    worker.forget_words()

    def composed(self, channel_id: int, message_id: int, parts: tuple[str, ...]) -> None:
        """Keep the text of a newly composed reply for its sending."""
        worker = self._worker(channel_id)
        if worker is not None:
            worker.know(message_id, parts)

    async def recover(self) -> None:
        """Take up every unfinished reply, at the start and whenever a session begins.

        Replies that another process left are doubtful. What this process did itself, it still knows.
        """
        for worker, _ in self._workers.values():
            worker.wake()
        try:
            unfinished = await self._context.conversations.unfinished()
        except EcholessError as error:
            _log.error("outbox.unreadable", reason=str(error))
            return
        for channel_id in unfinished:
            if self._at_work(channel_id) is None:
                try:
                    self._context.notices.left(await self._context.conversations.state(channel_id))
                except EcholessError as error:
                    # It is read again later. The others need not wait for that.
                    _log.error("outbox.unreadable", channel=channel_id, reason=str(error))
                    continue
            self._worker(channel_id)

    async def stop(self, grace: float) -> None:
        """Let sends under way end within ``grace`` seconds, and begin no others."""
        self._stopping = True
        for worker, _ in self._workers.values():
            worker.stop()
        deadline = asyncio.get_running_loop().time() + grace
        while self._workers:
            for worker, task in self._workers.values():
                if not worker.sending or asyncio.get_running_loop().time() >= deadline:
                    task.cancel()
            tasks = [task for _, task in self._workers.values()]
            await asyncio.wait(tasks, timeout=1, return_when=asyncio.FIRST_COMPLETED)
        if self._finishing is not None:
            self._finishing.cancel()
        await self._finish()
        await self._background.end()
        await self._context.notices.stop()

    def _at_work(self, channel_id: int) -> Worker | None:
        found = self._workers.get(channel_id)
        return found[0] if found else None

    def _worker(self, channel_id: int) -> Worker | None:
        if self._stopping:
            return None
        found = self._at_work(channel_id)
        if found is not None:
            return found
        worker = Worker(channel_id, self._context)
        task = asyncio.get_running_loop().create_task(worker.run(), name=f"replies {channel_id}")
        self._workers[channel_id] = (worker, task)
        task.add_done_callback(lambda done: self._done(channel_id, done))
        return worker

    def _done(self, channel_id: int, task: asyncio.Task[None]) -> None:
        ended, _ = self._workers.pop(channel_id)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("replies.crashed", channel=channel_id, error=type(error).__name__)
            return
        # A request may have been appended after the worker's last look at the outbox.
        state = self._context.conversations.peek(channel_id)
        if state is None or not state.outbox:
            self._finish_later(channel_id)
        elif worker := self._worker(channel_id):
            worker.take_over(ended)

    def _finish_later(self, channel_id: int) -> None:
        self._finished.add(channel_id)
        if self._finishing is None and not self._stopping:
            begin = asyncio.get_running_loop().call_later
            self._finishing = begin(FINISHED_AFTER, lambda: self._background.start(self._finish()))

    async def _finish(self) -> None:
        """Have the log note which channels have no unfinished reply; those that fail are noted next time."""
        self._finishing = None
        channels = [channel_id for channel_id in self._finished if channel_id not in self._workers]
        self._finished.clear()
        noting = map(self._context.conversations.finish, channels)
        for channel_id, failure in zip(channels, await asyncio.gather(*noting, return_exceptions=True), strict=True):
            if failure is not None:
                _log.debug("replies.unnoted", channel=channel_id, error=type(failure).__name__)
                self._finish_later(channel_id)
