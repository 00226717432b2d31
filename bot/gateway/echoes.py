"""Messages of the bot's own account: the echo of a part that it sent, or one that this log did not send."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

import structlog

from bot.conversations import Conversations
from bot.core.addressing import Nonce, parse_nonce
from bot.core.commands import Confirm, NoteForeign
from bot.core.events import KeyKind, Proof, ReplyComposed, ReplySent
from bot.core.streams import stream_of
from bot.eventlog.reader import Reader
from bot.gateway.incoming import Incoming
from bot.replies.repair import NothingToRetry, tidy

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Reply:
    """What is on record about a finished reply; ``parts`` 0: nothing was composed."""

    sent: Sequence[ReplySent]
    parts: int
    begun: bool

    def part(self, trigger: int, about: Nonce | None) -> Nonce | None:
        """Return which part an unknown message is, None where it can be none.

        Parts are sent in order: without its nonce it is the first that is not known. One that was shown while it was
        written may have had any number of them.
        """
        known = {each.part for each in self.sent}
        found = about or Nonce(trigger, next(part for part in count() if part not in known))
        missing = found.part < self.parts and found.part not in known
        return found if missing or self.begun or found.generation > 1 else None


class Echoes:
    """Takes messages of the bot's own account."""

    def __init__(self, conversations: Conversations, reader: Reader) -> None:
        self._conversations = conversations
        self._reader = reader

    async def take(self, incoming: Incoming) -> None:
        """Record what a message says about a reply, if anything."""
        about = parse_nonce(incoming.nonce)
        trigger = about.message_id if about else incoming.reply_to
        if trigger is None:
            return
        state = await self._conversations.state(incoming.channel_id)
        if state.turn(incoming.message_id) is not None:
            return
        entry = state.pending(trigger)
        if entry is not None and (entry.composed or entry.begun):
            # Without its nonce (a history) the part can't be told here: the look before a repeat finds it.
            if about and (entry.begun or about.part < len(entry.sent_ids)):
                await self._confirm(incoming, about, Proof.ECHO)
            return
        await self._finished(incoming, trigger, about)

    async def _finished(self, incoming: Incoming, trigger: int, about: Nonce | None) -> None:
        """Take a message about a reply that nobody works on."""
        reply = await self._reply(incoming.channel_id, trigger)
        if any(each.sent_id == incoming.message_id for each in reply.sent):
            return
        part = reply.part(trigger, about)
        if part is None:
            await self._foreign(incoming, trigger)
            return
        # Given up here, and in Discord after all.
        await self._confirm(incoming, part, Proof.ECHO if about else Proof.HISTORY)
        if 0 < reply.parts <= part.part:
            with suppress(NothingToRetry):
                await tidy(self._conversations, self._reader, incoming.channel_id, trigger)

    async def _foreign(self, incoming: Incoming, trigger: int) -> None:
        _log.error(
            "reply.foreign_seen",
            channel=incoming.channel_id,
            message=trigger,
            sent=incoming.message_id,
            hint="another process uses this token: stop one of the two",
        )
        await self._conversations.handle(incoming.channel_id, NoteForeign(trigger, incoming.message_id))

    async def _reply(self, channel_id: int, trigger: int) -> _Reply:
        find, stream = self._reader.find, stream_of(channel_id)
        sent = [recorded.event for recorded in await find(stream, KeyKind.SENT, trigger)]
        composed = [recorded.event for recorded in await find(stream, KeyKind.COMPOSED, trigger)]
        parts = [event.parts for event in composed if isinstance(event, ReplyComposed)]
        return _Reply(
            [event for event in sent if isinstance(event, ReplySent)],
            parts[-1] if parts else 0,
            len(parts) > 1 or bool(await find(stream, KeyKind.BEGUN, trigger)),
        )

    async def _confirm(self, incoming: Incoming, part: Nonce, proof: Proof) -> None:
        command = Confirm(part.message_id, part.part, incoming.message_id, proof, part.generation)
        await self._conversations.handle(incoming.channel_id, command)
