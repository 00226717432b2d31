"""One channel's replies, in order: compose, record, send, record; look first where a part's fate is unknown.

The outbox is the folded state's, so nothing here needs to survive a crash. What does not survive, on purpose, is the
knowledge that a reply was certainly not sent: after a restart every reply of unknown fate is looked for in Discord.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from bot.backoff import backoff
from bot.conversations import Conversations
from bot.core.addressing import nonce_of
from bot.core.commands import Complete
from bot.core.conversation import Conversation
from bot.core.delivery import (
    EditPart,
    Finish,
    GiveUp,
    LookFirst,
    Patience,
    RemovePart,
    SendPart,
    Step,
    WriteText,
    collecting,
    in_a_row,
    still_next,
)
from bot.core.events import AbandonReason
from bot.core.fate import doubtful, judge_edit, judge_look, judge_send
from bot.core.outbox import Pending
from bot.replies.composer import Composer, WordsErased
from bot.replies.knowledge import Knowledge
from bot.replies.notices import SHOWN_AFTER, Notices
from bot.replies.pace import Pace
from bot.replies.records import LONGEST_PAUSE, Records
from bot.replies.sender import LookFailed, Sender
from bot.replies.writing import Writing

_log = structlog.get_logger()


class Worker:
    """Works off one channel's outbox in its order."""

    def __init__(
        self,
        channel_id: int,
        *,
        conversations: Conversations,
        composer: Composer,
        sender: Sender,
        patience: Patience,
        pace: Pace,
        clock: Callable[[], int],
        notices: Notices | None = None,
    ) -> None:
        self.channel_id = channel_id
        self._conversations = conversations
        self._composer = composer
        self._sender = sender
        self._patience = patience
        self._pace = pace
        self._clock = clock
        self._known = Knowledge()
        self._notices = notices
        self._records = Records(channel_id, conversations, self._known, clock, notices)
        self._writing = Writing(
            channel_id,
            conversations=conversations,
            composer=composer,
            sender=sender,
            records=self._records,
            known=self._known,
            pace=pace,
        )
        self._failures = 0
        self._stopping = False
        self._changed = asyncio.Event()

    @property
    def sending(self) -> bool:
        """Tell whether a request is under way of which nobody could say what became of it."""
        return self._known.sending

    def trust(self, message_id: int) -> None:
        """Note that a reply was requested just now, so that nothing of it can be in Discord yet."""
        self._known.certain.add(message_id)

    def know(self, message_id: int, parts: tuple[str, ...]) -> None:
        """Keep the text of the reply composed last: it is mostly the one that is sent next."""
        self._known.texts = {message_id: parts}

    def doubt(self) -> None:
        """Forget what is certain."""
        self._known.certain.clear()

    def wake(self) -> None:
        """Note that the channel's state changed, so that a pause may end early."""
        self._changed.set()

    def stop(self) -> None:
        """Begin nothing more once the send under way has ended."""
        self._stopping = True
        self._writing.stop()

    async def run(self) -> None:
        """Work until nothing is left in the outbox."""
        while not self._stopping:
            self._changed.clear()
            try:
                state = await self._conversations.state(self.channel_id)
                if not state.outbox:
                    self._known.due.clear()
                    await self._conversations.finish(self.channel_id)
                    if self._changed.is_set():
                        continue
                    return
                await self._advance(state, self._known.next_of(state.outbox))
                self._failures = 0
            except Exception as error:  # noqa: BLE001 - nothing may end the only one who works for this channel
                # Mostly a log that can't be read or written: what was sent meanwhile is looked for once it can.
                self.doubt()
                self._failures += 1
                _log.warning("reply.held", channel=self.channel_id, reason=type(error).__name__)
                await self._pause(backoff(self._failures, LONGEST_PAUSE))

    async def _is_next(self, entry: Pending) -> bool:
        """Tell whether nothing that was recorded meanwhile goes before a reply, none of which is under way."""
        outbox = (await self._conversations.state(self.channel_id)).outbox
        return still_next(outbox, entry, self._known.certain)

    async def _advance(self, state: Conversation, entry: Pending) -> None:
        """Take one reply one step further, or wait until it is due."""
        wait = self._records.wait(entry)
        if self._known.waits_for and self._notices is not None:
            self._notices.waiting(self.channel_id, state)
            wait = min(wait, SHOWN_AFTER)
        if wait > 0:
            await self._pause(wait)
            return
        await self._sender.ready()
        state = await self._conversations.state(self.channel_id)
        if not state.outbox or self._known.next_of(state.outbox) != entry:
            # Much may be recorded until there is a connection.
            return
        self._known.turn_to(entry)
        try:
            await self._take(await self._step(entry), state, entry)
        except WordsErased:
            await self._records.abandon(entry, AbandonReason.ERASED)

    async def _step(self, entry: Pending) -> Step:
        texts = await self._texts(entry) if entry.begun and entry.composed else ()
        return self._known.step(entry, texts, self._clock(), self._patience)

    async def _take(self, step: Step, state: Conversation, entry: Pending) -> None:
        match step:
            case LookFirst():
                await self._look(state, entry)
            case GiveUp(reason):
                detail = self._awaited(entry) if reason is AbandonReason.EXPIRED else ""
                await self._records.abandon(entry, reason, detail)
            case WriteText():
                await self._write(state, entry)
            case SendPart(part):
                await self._send(entry, part)
            case EditPart(part, sent_id):
                await self._rewrite(entry, sent_id, (await self._texts(entry))[part])
            case RemovePart(sent_id):
                await self._rewrite(entry, sent_id, "")
            case Finish():
                await self._conversations.handle(self.channel_id, Complete(entry.message_id))

    async def _texts(self, entry: Pending) -> tuple[str, ...]:
        """Return the recorded text of a composed reply; raise WordsErased when it is gone."""
        return self._known.texts.get(entry.message_id) or await self._composer.parts(entry)

    async def _write(self, state: Conversation, entry: Pending) -> None:
        entries = in_a_row(state, entry) if self._patience.together else (entry,)
        wait = collecting(entries, self._clock(), self._patience)
        if wait > 0:
            await self._pause(wait / 1e6)
            return
        absence = self._composer.absence(entry) if self._known.written is None else None
        if absence is not None:
            await self._records.hold(entry, absence.reason, absence.seconds)
            return
        await self._writing.write(state, entries)

    def _awaited(self, entry: Pending) -> str:
        """Return for whom an unwritten reply waits, "" for nobody."""
        absence = None if entry.composed else self._composer.absence(entry)
        return absence.reason if absence is not None else self._known.waits_for

    async def _send(self, entry: Pending, part: int) -> None:
        text = (await self._texts(entry))[part]
        if not await self._is_next(entry):
            return
        # From here until the outcome is recorded, nobody can say that this part is not in Discord.
        self._known.certain.discard(entry.message_id)
        nonce = nonce_of(entry.message_id, part, entry.generation)
        self._known.sending = True
        try:
            outcome = await self._sender.send(
                self.channel_id,
                text,
                partial(self._is_next, entry),
                nonce=nonce,
                reply_to=entry.message_id,
                plain=entry.plain,
            )
            await self._records.conclude(entry, judge_send(entry, part, text, outcome))
        finally:
            self._known.sending = False

    async def _rewrite(self, entry: Pending, sent_id: int, text: str) -> None:
        """Let a message show ``text``, or be gone where that is empty; neither does any harm twice."""
        wait = self._known.quiet_until - asyncio.get_running_loop().time()
        if wait > max(self._pace.every, LONGEST_PAUSE):
            # While the answer was written, nobody needed to know.
            await self._records.delay(entry, "rate limit", wait)
            return
        await asyncio.sleep(wait)
        await self._pace.turn()
        edit, remove = self._sender.edit, self._sender.remove
        outcome = await (edit(self.channel_id, sent_id, text) if text else remove(self.channel_id, sent_id))
        self._known.quiet_until = asyncio.get_running_loop().time() + self._pace.every
        await self._records.conclude(entry, judge_edit(entry, sent_id, text, outcome))

    async def _look(self, state: Conversation, entry: Pending) -> None:
        """Look once for every reply of this channel whose fate is unknown, because ``entry`` is next."""
        doubted = doubtful(state.outbox, self._known.certain)
        try:
            look = await self._sender.look(self.channel_id, min(each.message_id for each in doubted))
        except LookFailed as error:
            await self._records.delay(entry, str(error), error.after)
            return
        for each in doubted:
            try:
                texts = await self._composer.parts(each) if each.composed and look.readable else ()
            except WordsErased:
                await self._records.abandon(each, AbandonReason.ERASED)
                continue
            now = await self._conversations.state(self.channel_id)
            await self._records.conclude(each, judge_look(now, each, texts, look, self._clock()))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
