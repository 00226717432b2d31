"""One channel's replies, in order: compose, record, send, record. If the fate of a part is unknown, look first.

The outbox is part of the folded state, so nothing here has to survive a crash. The knowledge that a reply was certainly
not sent is lost on purpose: after a restart every reply of unknown fate is looked for in Discord.
"""

from __future__ import annotations

import asyncio

import structlog

from bot.backoff import backoff
from bot.core.commands import Complete
from bot.core.conversation import Conversation
from bot.core.delivery import (
    EditPart,
    Finish,
    GiveUp,
    LookFirst,
    MoveToThread,
    OpenThread,
    RemovePart,
    SendPart,
    Step,
    TakeShown,
    WriteText,
    collecting,
    in_a_row,
)
from bot.core.ending import STOPPED
from bot.core.events import AbandonReason, Button, ButtonPressed, Event, MessageDeleted, MessageEdited
from bot.core.outbox import Pending
from bot.replies.context import ChannelContext, ReplyContext
from bot.replies.notices import SHOWN_AFTER
from bot.replies.reading import NoWords
from bot.replies.sending import LONGEST_PAUSE, Sending
from bot.replies.threads import Threads
from bot.replies.writing import Writing
from bot.times import SECOND

_log = structlog.get_logger()


class Worker:
    """Works through one channel's outbox in its order."""

    def __init__(self, channel_id: int, context: ReplyContext) -> None:
        self._channel = ChannelContext(channel_id, context)
        self._known = self._channel.known
        self._sending = Sending(self._channel)
        self._writing = Writing(self._channel, self._sending)
        self._threads = Threads(self._channel, self._sending)
        self._failures = 0
        self._stopping = False
        self._woken = asyncio.Event()

    @property
    def sending(self) -> bool:
        """Tell whether a request, or a tool's call, is under way whose outcome would be unknown if it were cut off."""
        return self._known.sending or self._channel.shared.composer.calling(self._channel.id)

    def trust(self, message_id: int) -> None:
        """Note that a reply was requested just now, so no part of it can be in Discord yet."""
        self._known.certain.add(message_id)

    def know(self, message_id: int, parts: tuple[str, ...]) -> None:
        """Keep the text of the last composed reply, which is usually sent next."""
        self._known.texts = {message_id: parts}

    def take_over(self, ended: Worker) -> None:
        """Trust what a worker of this channel trusted that ended meanwhile: it was told of replies too late."""
        self._known.certain |= ended._known.certain

    def doubt(self) -> None:
        """Forget which replies are certain."""
        self._known.certain.clear()

    def forget_words(self) -> None:
        """Forget all words of the channel, because some were erased; an answer that is being written is begun anew."""
        self._known.forget_words()
        self._writing.begin_anew()

    def changed(self, event: Event) -> None:
        """Take an event that may change what is being written: its question was edited or deleted, or it is stopped."""
        match event:
            case MessageDeleted(message_id=message_id):
                self._sending.hurry(message_id)
                self._writing.begin_anew(message_id)
            case MessageEdited(message_id=message_id):
                self._writing.edited(message_id)
            case ButtonPressed(message_id=message_id, button=Button.STOP):
                self._sending.hurry(message_id)
                self._writing.end_early(message_id)

    def wake(self) -> None:
        """Note that the channel's state changed, which may end a pause."""
        self._woken.set()

    def stop(self) -> None:
        """Stop after the send that is under way."""
        self._stopping = True
        self._writing.stop()

    async def run(self) -> None:
        """Work until the outbox is empty."""
        while not self._stopping:
            self._woken.clear()
            try:
                state = await self._channel.state()
                if not state.outbox:
                    self._known.due.clear()
                    if self._woken.is_set():
                        continue
                    return
                await self._advance(state, self._known.next_of(state.outbox))
                self._failures = 0
            except Exception as error:  # noqa: BLE001 - nothing may end the only one who works for this channel
                # Usually the log can't be read or written. Once it can, parts that were sent meanwhile are looked for.
                self.doubt()
                self._failures += 1
                _log.warning("reply.held", channel=self._channel.id, reason=type(error).__name__)
                await self._pause(backoff(self._failures, LONGEST_PAUSE))

    async def _advance(self, state: Conversation, entry: Pending) -> None:
        """Take one step with one reply, or wait until it is due."""
        wait = self._sending.wait(entry)
        if self._known.waits_for:
            self._channel.shared.notices.waiting(self._channel.id, state)
            wait = min(wait, SHOWN_AFTER)
        if wait > 0:
            await self._pause(wait)
            return
        await self._channel.shared.sender.ready()
        state = await self._channel.state()
        if not state.outbox or self._known.next_of(state.outbox) != entry:
            # The state may have changed until there is a connection.
            return
        self._known.turn_to(entry)
        try:
            await self._take(await self._step(entry), state, entry)
        except NoWords as error:
            await self._sending.abandon(entry, error.reason, error.detail)

    async def _step(self, entry: Pending) -> Step:
        needed = entry.begun and entry.composed and not entry.trigger_deleted
        texts = await self._sending.texts(entry) if needed else ()
        row = self._sending.row(entry, len(entry.sent_ids) - 1)
        return self._known.step(entry, texts, self._channel.shared.clock(), self._channel.shared.patience, row)

    async def _take(self, step: Step, state: Conversation, entry: Pending) -> None:
        match step:
            case LookFirst():
                await self._sending.look(state, entry)
            case GiveUp(reason, detail):
                awaited = self._awaited(entry) if reason is AbandonReason.EXPIRED else ""
                await self._sending.abandon(entry, reason, detail or awaited)
            case WriteText():
                await self._write(state, entry)
            case TakeShown():
                await self._writing.take_shown(entry, STOPPED, AbandonReason.CANCELLED, spent=None)
            case OpenThread():
                # A proxy bot's copy of the message may come, and is answered in its place.
                if (wait := self._channel.shared.withheld(self._channel.id, entry)) > 0:
                    await self._pause(wait / SECOND)
                else:
                    await self._threads.open(entry)
            case MoveToThread():
                await self._threads.move(entry)
            case SendPart(part):
                await self._sending.send(entry, part)
            case EditPart(part, sent_id):
                text = (await self._sending.texts(entry))[part]
                await self._sending.rewrite(entry, sent_id, text, self._sending.row(entry, part))
            case RemovePart(sent_id):
                await self._sending.rewrite(entry, sent_id, "")
            case Finish():
                await self._channel.handle(Complete(entry.message_id))

    async def _write(self, state: Conversation, entry: Pending) -> None:
        entries = in_a_row(state, entry) if self._channel.shared.patience.together_us else (entry,)
        if lacking := self._lacking(entry):
            await self._sending.abandon(entry, AbandonReason.FORBIDDEN, f"no permission {lacking}")
            return
        withheld = max(self._channel.shared.withheld(self._channel.id, each) for each in entries)
        wait = max(withheld, collecting(entries, self._channel.shared.clock(), self._channel.shared.patience))
        if wait > 0:
            await self._pause(wait / SECOND)
            return
        absence = self._channel.shared.composer.absence(entry) if self._known.written is None else None
        if absence is not None and self._is_lost(entry):
            await self._writing.lose(entry, AbandonReason.EXPIRED, absence.reason)
            return
        if absence is not None:
            await self._sending.hold(entry, absence.reason, absence.seconds)
            return
        await self._writing.write(state, entries)

    def _is_lost(self, entry: Pending) -> bool:
        """Tell whether the rest of an answer that is partly shown was waited for long enough."""
        shared = self._channel.shared
        late = shared.clock() - entry.requested_at > shared.patience.max_age_us
        return late and entry.partly_shown

    def _lacking(self, entry: Pending) -> str:
        """Return the permission without which an answer would be paid for in vain; "" if none is known to be lacking.

        An answer that is written already goes on, and so does one that is edited into messages of the bot.
        """
        shared, unwritten = self._channel.shared, self._known.written is None
        if entry.asked or not entry.untouched or not unwritten or not shared.composer.costs(entry):
            return ""
        return shared.sender.lacks(self._channel.id)

    def _awaited(self, entry: Pending) -> str:
        """Return what an unwritten reply waits for, "" if it does not wait."""
        absence = None if entry.composed else self._channel.shared.composer.absence(entry)
        return absence.reason if absence is not None else self._known.waits_for

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
