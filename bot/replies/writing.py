"""Turns a requested reply into a composed one: asks the responder, shows what there is, records the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

from bot.core.commands import NOTHING, Compose, Spent
from bot.core.conversation import Conversation
from bot.core.ending import LOST, STOPPED, changed
from bot.core.events import EVENT_UNREADABLE, AbandonReason
from bot.core.fate import Look
from bot.core.outbox import Pending
from bot.core.sources import with_sources, without_sources
from bot.errors import EcholessError
from bot.replies.context import ChannelContext
from bot.replies.reading import NoWords
from bot.replies.sender import LookFailed
from bot.replies.sending import LONGEST_PAUSE, Sending
from bot.replies.showing import GivenUp, Showing, go_on
from bot.responders.ask import Show
from bot.responders.protocol import Anew, ModelFailed

POISON_ATTEMPTS = 3
MOST_CUTS = 8
"""How often an answer may break off before that counts as a failed attempt. Each time costs money."""

MOST_EDITS = 5
"""How often an answer is begun anew because its question is edited. A later edit is left to whoever asks again."""

STOP_GRACE = 1.0
"""Seconds for a responder to end an answer that is stopped, and to say what it took."""

FIRST_LOOK = 1.0
"""Seconds until the first check whether a service that is away is back, unless the service says when."""


class Outdated(Exception):
    """Words that the answer may build on were erased while it was written."""


class Writing:
    """Has the answers of a channel written one at a time."""

    def __init__(self, channel: ChannelContext, sending: Sending) -> None:
        self._channel = channel
        self._known = channel.known
        self._sending = sending
        self._showing: Showing | None = None
        self._composing: asyncio.Task[object] | None = None
        self._about: frozenset[int] = frozenset()
        self._outdated = False

    def begin_anew(self, message_id: int = 0) -> None:
        """End the writing that is under way, if it is about a message (0: about any), so that the next step follows.

        Where words of the channel were erased, that asks again: a model that fails may have a fallback, which would be
        told those words once more.
        """
        if self._composing is not None and not self._outdated and (not message_id or message_id in self._about):
            self._outdated = True
            self._composing.cancel()

    def edited(self, message_id: int) -> None:
        """Begin again with the answer to a message that was edited, some times at most: each costs money."""
        if self._composing is not None and message_id in self._about and self._known.edits < MOST_EDITS:
            self._known.edits += 1
            self.begin_anew(message_id)

    def end_early(self, message_id: int) -> None:
        """End the answer to a message where it is: a responder that does not look is interrupted soon."""
        if self._composing is not None and message_id in self._about:
            asyncio.get_running_loop().call_later(STOP_GRACE, self._interrupt, message_id)

    def _interrupt(self, message_id: int) -> None:
        """End the writing of an answer that was stopped, and not that of another one asked for since."""
        if self._stopped(message_id):
            self.begin_anew(message_id)

    def stop(self) -> None:
        """Stop showing the answer that is being written."""
        if self._showing is not None:
            self._showing.close()

    async def write(self, state: Conversation, entries: Sequence[Pending]) -> None:
        """Have the answer to ``entries`` written and recorded, or record why there is none.

        An answer that could not be recorded is kept, because it was paid for; the responder is not asked again.
        """
        entry = entries[0]
        try:
            if self._known.written is not None:
                await self._record(self._known.written)
            elif not await self._ask(state, entries):
                await self._sending.abandon(entry, AbandonReason.NO_ANSWER)
        except NoWords as error:
            await self._sending.abandon(entry, error.reason, error.detail)
        except (GivenUp, Outdated):
            # The model's work ended with the stream. The log says why there is no reply, or the next step asks again.
            return
        except EcholessError:
            raise
        except ModelFailed as error:
            if self._stopped(entry.message_id):
                await self.take_shown(entry, STOPPED, AbandonReason.CANCELLED, spent=_spent(error))
            else:
                await self._model_failed(entry, error)
        except Exception as error:  # noqa: BLE001 - a responder may raise anything, and none may stop the channel
            await self._failed(entry, type(error).__name__)

    async def _ask(self, state: Conversation, entries: Sequence[Pending]) -> Compose | None:
        """Ask the responder, and record its answer, if any, as soon as it is complete."""
        unshown = partial(self._go_on, entries[0].message_id)
        showing = self._showing = await self._shown(entries[0])
        async with showing.open() if showing else nullcontext():
            written = await self._composed(state, entries, showing.grow if showing else unshown)
            if written is not None:
                await self._record(written)
        return written

    async def _shown(self, entry: Pending) -> Showing | None:
        """Return what shows an answer while it is written, None if it is shown when it is whole."""
        shared = self._channel.shared
        old = any(sent_id and shared.sender.seldom_edited(sent_id, shared.clock()) for sent_id in entry.sent_ids)
        if old or not shared.composer.streams(entry):
            return None
        before, _ = await shared.composer.before(entry)
        # All of an answer that goes on but its last part stays, and is known to be shown.
        self._known.see({each: text for each, text in zip(entry.sent_ids, before[:-1], strict=False) if each}, {})
        return Showing(self._channel, self._sending, entry.message_id, before)

    async def _composed(self, state: Conversation, entries: Sequence[Pending], show: Show) -> Compose | None:
        """Return the answer to ``entries``; raise Outdated if words of the channel are erased meanwhile."""
        shared, entry = self._channel.shared, entries[0]
        self._about = frozenset(each.message_id for each in entries)
        self._composing, self._outdated = asyncio.current_task(), False
        try:
            if await self._channel.pending(entry.message_id) != entry:
                raise Outdated
            own, stopped = shared.called(self._channel.id), partial(self._stopped, entry.message_id)
            return await shared.composer.compose(state, self._channel.id, entries, own, show, stopped)
        finally:
            task, self._composing = self._composing, None
            # As asyncio.timeout does: this cancellation was ours, and another one goes on.
            if self._outdated and task is not None and not task.uncancel():
                raise Outdated

    def _go_on(self, message_id: int, _piece: str | Anew) -> None:
        """Take a piece of an answer that is not shown."""
        go_on(self._channel, message_id)

    def _stopped(self, message_id: int) -> bool:
        """Tell whether somebody stopped the answer to a message."""
        state = self._channel.shared.conversations.peek(self._channel.id)
        entry = state.pending(message_id) if state is not None else None
        return entry is not None and entry.stopped

    async def take_shown(
        self, entry: Pending, finish: str, otherwise: AbandonReason, detail: str = "", spent: Spent | None = NOTHING
    ) -> None:
        """Record what Discord shows of an answer as the answer; give it up with the reason ``otherwise`` if nothing is.

        A look says what is shown, also of what another process showed. ``spent`` None: nobody says what it took.
        """
        shared, message_id = self._channel.shared, entry.message_id
        now = await self._channel.pending(message_id)
        ids = [sent_id for sent_id in now.sent_ids if sent_id] if now is not None else []
        try:
            look = await shared.sender.look(self._channel.id, message_id) if ids else Look(())
        except LookFailed as error:
            await self._sending.delay(entry, str(error), error.after_seconds, spent or NOTHING)
            return
        self._known.see(
            {seen.message_id: seen.text for seen in look.sightings},
            {seen.message_id: seen.row for seen in look.sightings},
        )
        parts = await self._parts_of(now, [self._known.shown.get(sent_id, "") for sent_id in ids]) if now else ()
        if now is None or not parts or not all(part.strip() for part in parts):
            await self._sending.abandon(entry, otherwise, detail, spent or NOTHING)
            return
        await self._record(shared.composer.taken(now, parts, finish, spent))

    async def _parts_of(self, entry: Pending, shown: Sequence[str]) -> tuple[str, ...]:
        """Return the parts of an answer that messages show, without what is left of an earlier one under it."""
        composer = self._channel.shared.composer
        if entry.generation == 1 or not shown:
            return tuple(shown)
        if not entry.continues_position:
            return changed(shown, (await composer.replaced(self._channel.id, entry))[0])
        _, tools = await composer.before(entry)
        last = without_sources(self._channel.shared.endings.unmarked(shown[-1]))
        return (*shown[:-1], with_sources(last, tools))

    async def _record(self, written: Compose) -> None:
        self._known.written = written
        event = written.event
        if not await self._channel.handle(written):
            entry = await self._channel.pending(event.message_id)
            if entry is not None and not entry.composed and entry.generation == event.generation:
                # The log has an answer already, by an event that can't be read. It would refuse each further one.
                await self._sending.abandon(entry, AbandonReason.GAVE_UP, EVENT_UNREADABLE)
        self._known.written = None

    async def _model_failed(self, entry: Pending, error: ModelFailed) -> None:
        spent = _spent(error)
        if error.waits and not self._to_blame(error):
            after = FIRST_LOOK if error.retry_after is None else min(error.retry_after, LONGEST_PAUSE)
            await self._sending.hold(entry, error.reason, after, spent)
        else:
            await self._failed(entry, error.reason, error.retry_after, spent, for_good=error.permanent)

    def _to_blame(self, error: ModelFailed) -> bool:
        """Tell whether the question itself keeps the model from answering.

        That is so if the model answered others since the last failure, or if this answer broke off again and again.
        """
        before, self._known.others = self._known.others, error.others or self._known.others
        self._known.cuts += error.cut
        return 0 < before < error.others or self._known.cuts > MOST_CUTS

    async def _failed(
        self,
        entry: Pending,
        reason: str,
        after: float | None = None,
        spent: Spent = NOTHING,
        *,
        for_good: bool = False,
    ) -> None:
        # Errors of Discord delay a reply, too, but they say nothing about the responder.
        self._known.failures += 1
        if for_good or self._known.failures >= POISON_ATTEMPTS:
            self._known.failures = 0
            await self._give_up(entry, reason, spent, for_good=for_good)
        else:
            await self._sending.delay(entry, reason, None if after is None else min(after, LONGEST_PAUSE), spent)

    async def _give_up(self, entry: Pending, reason: str, spent: Spent, *, for_good: bool) -> None:
        """Give a reply up; what is shown of it is not given up."""
        now = await self._channel.pending(entry.message_id)
        if now is None or not now.partly_shown:
            await self._sending.abandon(entry, AbandonReason.POISON, reason, spent, refused=for_good)
            return
        await self._sending.delay(entry, reason, 0.0, spent)
        await self.lose(now, AbandonReason.POISON, reason)

    async def lose(self, entry: Pending, otherwise: AbandonReason, detail: str) -> None:
        """End an answer whose rest will not come: what is shown of it is the answer.

        For one that was written over an earlier answer, that one comes back.
        """
        composer, anew = self._channel.shared.composer, entry.generation > 1 and not entry.continues_position
        parts, finish = await composer.replaced(self._channel.id, entry) if anew else ((), "")
        if parts:
            await self._record(composer.taken(entry, parts, finish, NOTHING))
        else:
            await self.take_shown(entry, LOST, otherwise, detail)


def _spent(error: ModelFailed) -> Spent:
    return Spent(error.tokens_in, error.tokens_out, error.cost_micros, error.priced)
