"""The shell around the core: take a channel's state, decide, append, fold, and retry on conflict.

Each channel has a mailbox. Commands that wait in it are decided one after the other and appended as one batch, so a
busy channel does not need a commit for each message. The most recently used channels are kept in memory. A cold channel
is loaded from its newest snapshot and the events after it.

Only newly appended events are passed to ``on_appended``, so loading and replaying can't cause an effect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

from bot.background import Background
from bot.conversations.hot_channels import HotChannel, HotChannels, refuse
from bot.core.commands import Command, Record
from bot.core.conversation import Conversation
from bot.core.decider import decide_all
from bot.core.events import Draft, Drafts, PlainEvent, Recorded, ReplyComposed
from bot.core.fold import apply, copy
from bot.core.streams import channel_of, stream_of
from bot.errors import EcholessError, LogError, LogUnreadable, VersionConflict
from bot.eventlog import snapshots
from bot.eventlog.batch import Appended
from bot.eventlog.log import EventLog
from bot.eventlog.reader import Loaded

Appending: TypeAlias = Callable[[int, Conversation, tuple[Recorded, ...]], None]
"""Called with a channel, its state after an append, and the newly appended events; must not block or raise."""

Composing: TypeAlias = Callable[[int, int, tuple[str, ...]], None]
"""Called for each newly composed reply, before its event, with the channel, the message and the texts of the parts."""

Failing: TypeAlias = Callable[[int, Exception], None]
"""Called when a channel can't be read, and when commands of it were not recorded, before another one of it is taken."""

ATTEMPTS = 5
BATCH = 2000
"""The most commands decided at once: tens of milliseconds of work, so that the gateway's heartbeat is not late."""


class MailboxFull(EcholessError):
    """More commands wait for the log than the settings allow. A catch-up records the messages later."""


class Conversations:
    """The conversations of all channels, in memory or on disk."""

    def __init__(
        self,
        log: EventLog,
        *,
        hot_channels: int = 10_000,
        hot_bytes: int = 64_000_000,
        snapshot_every: int = snapshots.EVERY,
        queue: int = 50_000,
    ) -> None:
        self.on_appended: list[Appending] = []
        self.on_composed: list[Composing] = []
        self.on_failed: list[Failing] = []
        self._log = log
        self._hot = HotChannels(hot_channels, hot_bytes)
        self._every = snapshot_every
        self._queue = queue
        self._waiting = 0
        self._background = Background()

    @property
    def hot(self) -> int:
        """Return how many channels are in memory."""
        return len(self._hot)

    @property
    def hot_bytes(self) -> int:
        """Return about how many bytes of memory the hot channels take."""
        return self._hot.bytes

    @property
    def waiting(self) -> int:
        """Return how many commands wait for the log."""
        return self._waiting

    @property
    def pending(self) -> int:
        """Return how many replies of hot channels are unfinished."""
        return sum(len(channel.state.outbox) for channel in self._hot if channel.state)

    def submit(self, channel_id: int, command: Command) -> asyncio.Future[tuple[Recorded, ...]]:
        """Queue ``command`` at once and return a future of the events it newly appended.

        The future raises MailboxFull when too many commands wait, LogError when the log can't be read or written.
        """
        future: asyncio.Future[tuple[Recorded, ...]] = asyncio.get_running_loop().create_future()
        if self._waiting >= self._queue:
            error = MailboxFull(f"{self._waiting} commands wait for the log: channel {channel_id} is caught up later.")
            self._tell_failed(channel_id, error)
            refuse(future, error)
            return future
        channel = self._channel(channel_id)
        channel.mailbox.append((command, future))
        self._waiting += 1
        self._serve(channel)
        return future

    def queued(self, channel_id: int) -> Iterable[Command]:
        """Return the commands of a channel that wait for the log, oldest first."""
        channel = self._hot.get(channel_id)
        return (command for command, _ in channel.mailbox) if channel else ()

    async def settled(self, channel_id: int) -> None:
        """Wait until the commands of a channel that wait now are recorded, or refused."""
        channel = self._hot.get(channel_id)
        if channel is not None and channel.mailbox:
            await asyncio.wait((channel.mailbox[-1][1],))

    async def handle(self, channel_id: int, command: Command) -> tuple[Recorded, ...]:
        """Decide and record ``command``; return the events it newly appended."""
        return await self.submit(channel_id, command)

    async def record(self, stream: str, event: PlainEvent) -> None:
        """Record an event in any stream; in a channel's as :meth:`handle` does, so that its state is known further."""
        channel_id = channel_of(stream)
        if channel_id is None:
            await self._log.append(stream, (Draft(event),))
        else:
            await self.handle(channel_id, Record(event))

    async def state(self, channel_id: int) -> Conversation:
        """Return the state of a channel now; raise LogUnreadable when the log can't be read there."""
        if (state := self.peek(channel_id)) is not None:
            return state
        try:
            return (await self._loaded(channel_id)).state
        except LogUnreadable as error:
            self._tell_failed(channel_id, error)
            raise

    def peek(self, channel_id: int) -> Conversation | None:
        """Return the state of a hot channel without waiting, None for a cold one."""
        channel = self._hot.get(channel_id)
        return channel.state if channel else None

    def forget(self, channel_id: int) -> None:
        """Forget the state of an idle channel; its next use loads it from the log."""
        channel = self._hot.get(channel_id)
        if channel is not None and not channel.busy:
            self._hot.put(channel, None)

    async def unfinished(self) -> list[int]:
        """Return the channels that may have unfinished replies from before."""
        channels = (channel_of(stream) for stream in await self._log.reader.unfinished())
        return [channel for channel in channels if channel is not None]

    async def finish(self, channel_id: int) -> None:
        """Note that a channel has no unfinished reply, if that is so."""
        state = await self.state(channel_id)
        if not state.outbox:
            await self._log.finish(stream_of(channel_id), state.version)

    async def close(self) -> None:
        """Handle all waiting commands, then save a snapshot of every hot channel."""
        while busy := [channel.idle for channel in self._hot if channel.idle is not None]:
            await asyncio.wait(busy)
        await self._background.end()
        for channel in self._hot:
            self._snapshot(channel)
        await self._background.end()
        self._hot.drop(self._hot)

    def _channel(self, channel_id: int) -> HotChannel:
        if self._hot.get(channel_id) is None:
            going = self._hot.surplus()
            for channel in going:
                self._snapshot(channel)
            self._hot.drop(going)
        return self._hot.use(channel_id)

    def _serve(self, channel: HotChannel) -> None:
        if not channel.busy:
            loop = asyncio.get_running_loop()
            channel.idle = loop.create_future()
            # At the loop's next turn, so that commands which come together share a commit.
            loop.call_soon(self._go_on, channel)

    def _go_on(self, channel: HotChannel, attempt: int = 1) -> None:
        """Have the commands that wait in a channel recorded, batch by batch.

        These steps are callbacks and no task, because every message takes them.
        """
        while channel.mailbox:
            if channel.state is None:
                self._background.start(self._load(channel, attempt))
                return
            try:
                if self._append(channel, channel.state, attempt):
                    return
            except Exception as error:  # noqa: BLE001 - every caller is told, whatever it is
                self._fail(channel, error)
        channel.rest()

    async def _load(self, channel: HotChannel, attempt: int) -> None:
        try:
            loaded = await self._loaded(channel.id)
        except Exception as error:  # noqa: BLE001 - every caller is told, whatever it is
            self._fail(channel, error)
        else:
            self._hot.put(channel, loaded.state)
            channel.saved_version = loaded.snapshot_version
        self._go_on(channel, attempt)

    async def _loaded(self, channel_id: int) -> Loaded:
        try:
            return await self._log.reader.load(stream_of(channel_id))
        except LogError as error:
            raise LogUnreadable(f"Channel {channel_id} can't be read from the log. {error}") from error

    def _append(self, channel: HotChannel, state: Conversation, attempt: int) -> bool:
        """Decide a batch and give its events to the log; return False when that is done, because there are none."""
        size = min(BATCH, len(channel.mailbox))
        decided = decide_all(state, [channel.mailbox[at][0] for at in range(size)])
        units = [drafts for drafts in decided if drafts]
        if not units:
            self._answer(channel, [()] * size)
            return False
        appending = self._log.append_units(stream_of(channel.id), units, expected_version=state.version)
        appending.add_done_callback(partial(self._appended, channel, decided, attempt))
        return True

    def _appended(
        self, channel: HotChannel, decided: Sequence[Drafts], attempt: int, appending: asyncio.Future[list[Appended]]
    ) -> None:
        """Take what became of a batch; decide it again if somebody else appended to the stream."""
        try:
            self._answer(channel, self._fold(channel, decided, appending.result()))
        except VersionConflict as error:
            if attempt < ATTEMPTS:
                self._hot.put(channel, None)
                self._go_on(channel, attempt + 1)
                return
            self._fail(channel, error)
        except Exception as error:  # noqa: BLE001 - every caller is told, whatever it is
            self._fail(channel, error)
        self._go_on(channel)

    def _answer(self, channel: HotChannel, outcomes: Sequence[tuple[Recorded, ...]]) -> None:
        """Give the oldest commands of a channel their outcomes."""
        for outcome in outcomes:
            _, future = channel.mailbox.popleft()
            self._waiting -= 1
            if not future.done():
                future.set_result(outcome)

    def _fold(
        self, channel: HotChannel, decided: Sequence[Drafts], appended: Sequence[Appended]
    ) -> list[tuple[Recorded, ...]]:
        before = channel.state or Conversation()
        results = iter(appended)
        outcomes: list[tuple[Recorded, ...]] = []
        state = copy(before)
        for drafts in decided:
            if not drafts:
                outcomes.append(())
                continue
            result = next(results, None)
            if result is None:
                break
            apply(state, result.new)
            outcomes.append(result.new)
        self._hot.put(channel, state)
        new = tuple(recorded for outcome in outcomes for recorded in outcome)
        if state.outbox:
            self._tell_composed(channel.id, decided, outcomes)
        if new:
            for listener in self.on_appended:
                listener(channel.id, state, new)
        if snapshots.due(before.version, state.version, self._every):
            self._snapshot(channel)
        return outcomes

    def _tell_composed(
        self, channel_id: int, decided: Sequence[Drafts], outcomes: Sequence[tuple[Recorded, ...]]
    ) -> None:
        """Pass on the words of composed replies, so that they need not be read from the log to be sent."""
        for drafts, new in zip(decided, outcomes, strict=False):
            for draft in drafts if new else ():
                if isinstance(draft.event, ReplyComposed) and draft.body is not None:
                    for listener in self.on_composed:
                        listener(channel_id, draft.event.message_id, draft.body.parts)

    def _fail(self, channel: HotChannel, error: Exception) -> None:
        """Refuse all waiting commands of a channel, so that no later message is recorded as if none were missing."""
        self._hot.put(channel, None)
        self._tell_failed(channel.id, error)
        while channel.mailbox:
            _, future = channel.mailbox.popleft()
            self._waiting -= 1
            refuse(future, error)

    def _tell_failed(self, channel_id: int, error: Exception) -> None:
        for listener in self.on_failed:
            listener(channel_id, error)

    def _snapshot(self, channel: HotChannel) -> None:
        state = channel.state
        if state is not None and state.version > channel.saved_version:
            channel.saved_version = state.version
            self._background.start(self._save(stream_of(channel.id), state))

    async def _save(self, stream: str, state: Conversation) -> None:
        try:
            await self._log.save_snapshot(stream, state)
        except EcholessError:
            # A snapshot is only a cache. Without it the next load folds more events.
            return
