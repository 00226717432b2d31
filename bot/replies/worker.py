"""One channel's replies, in order: compose, record, send, record; look first where a part's fate is unknown.

The outbox is the folded state's, so nothing here needs to survive a crash. What does not survive, on purpose, is the
knowledge that a reply was certainly not sent: after a restart every reply of unknown fate is looked for in Discord.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.conversations import Conversations
from bot.core.addressing import nonce_of
from bot.core.commands import Abandon, Confirm, Delay, NoteForeign
from bot.core.conversation import Conversation
from bot.core.delivery import (
    GiveUp,
    LookFirst,
    Patience,
    SendPart,
    WriteText,
    collecting,
    found_parts,
    in_a_row,
    next_step,
    parts_of_others,
)
from bot.core.events import AbandonReason, Proof
from bot.core.outbox import Pending
from bot.errors import EcholessError
from bot.replies.backoff import backoff
from bot.replies.composer import Composer, WordsErased
from bot.replies.sender import Look, LookFailed, NotYet, Outcome, Refused, Sender, Sent, Unknown

POISON_ATTEMPTS = 3
LONGEST_PAUSE = 60.0

_log = structlog.get_logger()


class Worker:
    """Works off one channel's outbox, the oldest request first."""

    def __init__(
        self,
        channel_id: int,
        *,
        conversations: Conversations,
        composer: Composer,
        sender: Sender,
        patience: Patience,
        clock: Callable[[], int],
    ) -> None:
        self.channel_id = channel_id
        self._conversations = conversations
        self._composer = composer
        self._sender = sender
        self._patience = patience
        self._clock = clock
        self._certain: set[int] = set()
        self._texts: dict[int, tuple[str, ...]] = {}
        self._due: dict[int, float] = {}
        self._failures = 0
        self._stopping = False
        self._changed = asyncio.Event()
        self.sending = False

    def trust(self, message_id: int) -> None:
        """Note that a reply was requested just now, so that nothing of it can be in Discord yet."""
        self._certain.add(message_id)

    def know(self, message_id: int, parts: tuple[str, ...]) -> None:
        """Keep the text of the reply composed last: it is mostly the one that is sent next."""
        self._texts = {message_id: parts}

    def doubt(self) -> None:
        """Forget what is certain."""
        self._certain.clear()

    def wake(self) -> None:
        """Note that the channel's state changed, so that a pause may end early."""
        self._changed.set()

    def stop(self) -> None:
        """Begin nothing more once the send under way has ended."""
        self._stopping = True

    async def run(self) -> None:
        """Work until nothing is left in the outbox."""
        while not self._stopping:
            self._changed.clear()
            try:
                state = await self._conversations.state(self.channel_id)
                if not state.outbox:
                    self._due.clear()
                    await self._conversations.finish(self.channel_id)
                    if self._changed.is_set():
                        continue
                    return
                await self._advance(state, state.outbox[0])
                self._failures = 0
            except Exception as error:  # noqa: BLE001 - nothing may end the only one who works for this channel
                # Mostly a log that can't be read or written: what was sent meanwhile is looked for once it can.
                self.doubt()
                self._failures += 1
                _log.warning("reply.held", channel=self.channel_id, reason=type(error).__name__)
                await self._pause(backoff(self._failures, LONGEST_PAUSE))

    async def _advance(self, state: Conversation, entry: Pending) -> None:
        """Take one reply one step further, or wait until it is due."""
        wait = self._wait(entry)
        if wait > 0:
            await self._pause(wait)
            return
        await self._sender.ready()
        certain = entry.message_id in self._certain
        match next_step(entry, certain=certain, now=self._clock(), patience=self._patience):
            case LookFirst():
                await self._look(state)
            case GiveUp(reason):
                await self._abandon(entry, reason)
            case WriteText():
                await self._compose(state, entry)
            case SendPart(part):
                await self._send(entry, part)

    def _wait(self, entry: Pending) -> float:
        """Return the seconds until a delayed reply is due.

        Within a process that is measured on the loop's clock, which nobody can set back. After a restart the recorded
        time counts, but never for longer than the longest pause.
        """
        now = asyncio.get_running_loop().time()
        if entry.attempts and entry.message_id not in self._due:
            recorded = (entry.retry_at - self._clock()) / 1e6
            self._due[entry.message_id] = now + min(recorded, LONGEST_PAUSE)
        return self._due.get(entry.message_id, now) - now

    async def _compose(self, state: Conversation, entry: Pending) -> None:
        entries = in_a_row(state, entry) if self._patience.together else (entry,)
        wait = collecting(entries, self._clock(), self._patience)
        if wait > 0:
            await self._pause(wait / 1e6)
            return
        try:
            command = await self._composer.compose(state, self.channel_id, entries, self._sender.own_id)
        except WordsErased:
            await self._abandon(entry, AbandonReason.ERASED)
        except EcholessError:
            raise
        except Exception as error:  # noqa: BLE001 - a responder may raise anything, and none may stop the channel
            await self._compose_failed(entry, type(error).__name__)
        else:
            if command is None:
                await self._abandon(entry, AbandonReason.NO_ANSWER)
            else:
                await self._conversations.handle(self.channel_id, command)

    async def _compose_failed(self, entry: Pending, reason: str) -> None:
        if entry.attempts + 1 >= POISON_ATTEMPTS:
            await self._abandon(entry, AbandonReason.POISON, reason)
        else:
            await self._delay(entry, reason)

    async def _send(self, entry: Pending, part: int) -> None:
        try:
            texts = self._texts.get(entry.message_id) or await self._composer.parts(entry)
        except WordsErased:
            await self._abandon(entry, AbandonReason.ERASED)
            return
        # From here until the outcome is recorded, nobody can say that this part is not in Discord.
        self._certain.discard(entry.message_id)
        self.sending = True
        try:
            outcome = await self._sender.send(
                self.channel_id, texts[part], nonce=nonce_of(entry.message_id, part), reply_to=entry.message_id
            )
            await self._settle(entry, part, outcome)
        finally:
            self.sending = False

    async def _settle(self, entry: Pending, part: int, outcome: Outcome) -> None:
        """Record how a send ended."""
        match outcome:
            case Sent(message_id):
                command = Confirm(entry.message_id, part, message_id, Proof.RESPONSE)
                await self._conversations.handle(self.channel_id, command)
                self._certain.add(entry.message_id)
            case Refused(reason, detail):
                await self._abandon(entry, reason, detail)
            case NotYet(reason, after):
                self._certain.add(entry.message_id)
                await self._delay(entry, reason, after)
            case Unknown(reason):
                await self._delay(entry, reason)

    async def _look(self, state: Conversation) -> None:
        """Look once for every reply of this channel whose fate is unknown."""
        doubtful = [entry for entry in state.outbox if entry.message_id not in self._certain and not entry.asked]
        try:
            look = await self._sender.look(self.channel_id, min(entry.message_id for entry in doubtful))
        except LookFailed as error:
            await self._delay(doubtful[0], str(error))
            return
        for entry in doubtful:
            await self._judge(entry, look)

    async def _judge(self, entry: Pending, look: Look) -> None:
        """Settle a reply of unknown fate by what the look found."""
        if not entry.composed:
            self._certain.add(entry.message_id)
            answer = next((seen for seen in look.sightings if seen.reply_to == entry.message_id), None)
            if answer is not None:
                await self._conversations.handle(self.channel_id, NoteForeign(entry.message_id, answer.message_id))
            return
        if not look.readable:
            await self._abandon(entry, AbandonReason.UNKNOWN_FATE)
            return
        try:
            texts = await self._composer.parts(entry)
        except WordsErased:
            await self._abandon(entry, AbandonReason.ERASED)
            return
        taken = parts_of_others(await self._conversations.state(self.channel_id), entry)
        there = entry.message_id in look.present
        self._certain.add(entry.message_id)
        for part, sent_id in found_parts(entry, texts, look.sightings, trigger_there=there, taken=taken).items():
            await self._conversations.handle(self.channel_id, Confirm(entry.message_id, part, sent_id, Proof.HISTORY))

    async def _delay(self, entry: Pending, reason: str, after: float | None = None) -> None:
        attempt = entry.attempts + 1
        pause = backoff(attempt, LONGEST_PAUSE) if after is None else after
        self._due[entry.message_id] = asyncio.get_running_loop().time() + pause
        retry_at = self._clock() + int(pause * 1e6)
        command = Delay(entry.message_id, entry.next_part or 0, reason, attempt, retry_at)
        await self._conversations.handle(self.channel_id, command)
        _log.info("reply.delayed", channel=self.channel_id, message=entry.message_id, reason=reason, attempt=attempt)

    async def _abandon(self, entry: Pending, reason: AbandonReason, detail: str = "") -> None:
        await self._conversations.handle(self.channel_id, Abandon(entry.message_id, reason, detail))
        _log.warning(
            "reply.abandoned", channel=self.channel_id, message=entry.message_id, reason=reason.value, detail=detail
        )

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
