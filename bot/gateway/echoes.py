"""Messages of the bot's own account: echoes of parts that it sent, and messages that this log did not send."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain

import structlog

from bot.conversations import Conversations
from bot.core.addressing import Nonce, parse_nonce
from bot.core.commands import Confirm, NoteForeign, Receive
from bot.core.events import KeyKind, Via
from bot.core.fate import judge_echo
from bot.core.reply_record import ReplyRecord
from bot.core.streams import stream_of
from bot.eventlog.reader import Reader
from bot.gateway.incoming import Incoming
from bot.replies.repair import NothingToRetry, tidy

_LIVE = (Via.LIVE, Via.AHEAD)

_log = structlog.get_logger()


class Echoes:
    """Takes messages of the bot's own account; ``began_at`` is when the log began, in microseconds.

    ``shared``: other code of this process posts by the account, too. What it posts is recorded as a message.
    """

    def __init__(self, conversations: Conversations, reader: Reader, began_at: int, *, shared: bool = False) -> None:
        self._conversations = conversations
        self._reader = reader
        self._began_at = began_at
        self._shared = shared

    def may_be_ours(self, incoming: Incoming, via: Via) -> bool:
        """Tell whether a message of the bot's own account may be a part of a reply.

        A message that comes live has its nonce. The history shows none; there a part of a reply has a reference,
        unless Discord refused it.
        """
        if not self._shared:
            return bool(incoming.reply_to or (incoming.nonce and via in _LIVE))
        return via not in _LIVE or parse_nonce(incoming.nonce) is not None

    def known(self, incoming: Incoming) -> bool:
        """Tell whether a message needs no look, because the response to its request has told of it.

        Then it is recorded, or that waits for the log. If the log can't take that, it could not take the echo either.
        """
        state, sent_id = self._conversations.peek(incoming.channel_id), incoming.message_id
        if state is not None and state.turn(sent_id) is not None:
            return True
        queued = self._conversations.queued(incoming.channel_id)
        return any(isinstance(command, Confirm) and command.sent_id == sent_id for command in queued)

    async def take(self, incoming: Incoming, via: Via | None) -> None:
        """Record what a message tells about a reply, if it belongs to one.

        A message that this log did not send is recorded itself, too: people saw the bot say it. With ``via`` None the
        settings do not record its place.
        """
        about = parse_nonce(incoming.nonce)
        trigger = about.message_id if about else incoming.reply_to
        if self._shared and about is None:
            await self._of_other_code(incoming, via)
            return
        if trigger is None:
            return
        state = await self._conversations.state(incoming.channel_id)
        if state.turn(incoming.message_id) is not None:
            return
        entry = state.pending(trigger)
        if entry is None or not entry.may_be_sent:
            await self._finished(incoming, trigger, about, via)
        elif (command := judge_echo(entry, incoming.message_id, about)) is not None:
            await self._conversations.handle(incoming.channel_id, command)

    async def _of_other_code(self, incoming: Incoming, via: Via | None) -> None:
        """Record a message of the history, unless the log sent it. A look may find later that it did."""
        if via is None or (await self._conversations.state(incoming.channel_id)).turn(incoming.message_id) is not None:
            return
        if await self._reader.sent_as(stream_of(incoming.channel_id), incoming.message_id) is None:
            await self._conversations.handle(incoming.channel_id, Receive(incoming.received(via), incoming.body))

    async def _finished(self, incoming: Incoming, trigger: int, about: Nonce | None, via: Via | None) -> None:
        """Take a message that belongs to a reply that is no longer pending."""
        record = await self._record(incoming.channel_id, trigger)
        command = record.take(trigger, incoming.message_id, about)
        if command is None:
            return
        if isinstance(command, NoteForeign):
            self._say(incoming, trigger)
            if via is not None:
                await self._conversations.handle(incoming.channel_id, Receive(incoming.received(via), incoming.body))
        await self._conversations.handle(incoming.channel_id, command)
        if isinstance(command, Confirm) and 0 < record.parts <= command.part:
            with suppress(NothingToRetry):
                await tidy(self._conversations, self._reader, incoming.channel_id, trigger)

    def _say(self, incoming: Incoming, trigger: int) -> None:
        """Log that the bot's account answered a message without this log."""
        about = {"channel": incoming.channel_id, "message": trigger, "sent": incoming.message_id}
        if incoming.sent_at < self._began_at:
            _log.info("reply.taken_up", **about)
        else:
            _log.error("reply.foreign_seen", **about, hint="another process uses this token: stop one of the two")

    async def _record(self, channel_id: int, trigger: int) -> ReplyRecord:
        """Return the events of a reply that have keys. A search for all of its events would read the whole log."""
        kinds = (KeyKind.BEGUN, KeyKind.COMPOSED, KeyKind.SENT)
        found = [await self._reader.find(stream_of(channel_id), kind, trigger) for kind in kinds]
        return ReplyRecord.of(sorted(chain.from_iterable(found)))
