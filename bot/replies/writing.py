"""Turns a requested reply into a composed one: asks the responder, shows what there is, records the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

from bot.core.commands import NOTHING, Compose, Spent
from bot.core.conversation import Conversation
from bot.core.events import EVENT_UNREADABLE, AbandonReason
from bot.core.outbox import Pending
from bot.errors import EcholessError
from bot.replies.composer import NoWords
from bot.replies.context import ChannelContext
from bot.replies.sending import LONGEST_PAUSE, Sending
from bot.replies.showing import GivenUp, Showing, go_on
from bot.responders.ask import Show
from bot.responders.protocol import Anew, ModelFailed

POISON_ATTEMPTS = 3
MOST_CUTS = 8
"""How often an answer may break off before that counts as a failed attempt. Each time costs money."""

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
        self._outdated = False

    def begin_anew(self) -> None:
        """Begin again with the answer that is being written, because words of the channel were erased.

        A model that fails may have a fallback, which would be told those words once more.
        """
        if self._composing is not None and not self._outdated:
            self._outdated = True
            self._composing.cancel()

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
            await self._model_failed(entry, error)
        except Exception as error:  # noqa: BLE001 - a responder may raise anything, and none may stop the channel
            await self._failed(entry, type(error).__name__)

    async def _ask(self, state: Conversation, entries: Sequence[Pending]) -> Compose | None:
        """Ask the responder, and record its answer, if any, as soon as it is complete."""
        unshown = partial(self._go_on, entries[0].message_id)
        streams = self._channel.shared.composer.streams(entries[0])
        showing = self._showing = Showing(self._channel, self._sending, entries[0].message_id) if streams else None
        async with showing.open() if showing else nullcontext():
            written = await self._composed(state, entries, showing.grow if showing else unshown)
            if written is not None:
                await self._record(written)
        return written

    async def _composed(self, state: Conversation, entries: Sequence[Pending], show: Show) -> Compose | None:
        """Return the answer to ``entries``; raise Outdated if words of the channel are erased meanwhile."""
        shared = self._channel.shared
        self._composing, self._outdated = asyncio.current_task(), False
        try:
            own = shared.called(self._channel.id)
            return await shared.composer.compose(state, self._channel.id, entries, own, show)
        finally:
            task, self._composing = self._composing, None
            # As asyncio.timeout does: this cancellation was ours, and another one goes on.
            if self._outdated and task is not None and not task.uncancel():
                raise Outdated

    def _go_on(self, message_id: int, _piece: str | Anew) -> None:
        """Take a piece of an answer that is not shown."""
        go_on(self._channel, message_id)

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
        spent = Spent(error.tokens_in, error.tokens_out, error.cost_micros, error.priced)
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
            await self._sending.abandon(entry, AbandonReason.POISON, reason, spent, refused=for_good)
        else:
            await self._sending.delay(entry, reason, None if after is None else min(after, LONGEST_PAUSE), spent)
