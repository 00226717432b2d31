"""Opens the thread in which an answer is to stand, and hands the reply over to it.

Each step is recorded before the next: intended, opened, moved. A thread that is started from a message has that
message's id, so there can't be two, and a repeated request finds it. Once it is recorded as opened, the answer can't
come in the channel any more. The thread's stream takes the request for it once, by the key of that event.
"""

from __future__ import annotations

import structlog

from bot.core.commands import BeginThread, NoteThread
from bot.core.events import (
    KeyKind,
    Proof,
    ReplyMoved,
    ReplyRequested,
    ThreadBegun,
    ThreadIntended,
    ThreadOpened,
    ThreadRefused,
    Via,
)
from bot.core.fate import NotYet, Refused, Sent, Unknown
from bot.core.outbox import Pending
from bot.core.streams import stream_of
from bot.core.threads import judge_opening
from bot.replies.context import ChannelContext
from bot.replies.sending import Sending

IN_A_THREAD = "I answer in a thread."
"""The response to a command whose answer stands in a thread: the thread is started from it."""

_log = structlog.get_logger()


class Threads:
    """Takes the replies of one channel to threads."""

    def __init__(self, channel: ChannelContext, sending: Sending) -> None:
        self._channel = channel
        self._known = channel.known
        self._sending = sending

    async def open(self, entry: Pending) -> None:
        """Open the thread for a reply; a command's response has to be there first, because it is started from it."""
        shared = self._channel.shared
        self._known.sending = True
        try:
            if not entry.thread_id:
                await self._respond(entry)
                return
            title = await shared.composer.title(self._channel.id, entry, shared.called(self._channel.id))
            outcome = await shared.sender.open_thread(self._channel.id, entry.thread_id, title)
            await self._conclude(entry, judge_opening(entry, outcome))
        finally:
            self._known.sending = False

    async def move(self, entry: Pending) -> None:
        """Have the answer requested in the thread, once, and finish the reply here.

        If this process opened the thread, nothing of the answer can be in it. Otherwise it looks there first.
        """
        shared, reader = self._channel.shared, self._channel.shared.composer.reader
        found = await reader.find(stream_of(self._channel.id), KeyKind.REQUESTED, entry.message_id)
        asked = next(each.event for each in found if isinstance(each.event, ReplyRequested))
        via = Via.LIVE if entry.message_id in self._known.certain else Via.CATCHUP
        begun = ThreadBegun(message_id=entry.message_id, parent_id=self._channel.id)
        begin = BeginThread(asked.model_copy(update={"via": via}), begun, entry.asked_position)
        await shared.conversations.handle(entry.thread_id, begin)
        moved = ReplyMoved(message_id=entry.message_id, thread_id=entry.thread_id)
        await self._channel.handle(NoteThread(moved))

    async def _respond(self, entry: Pending) -> None:
        """Write the response to a command and record that the thread is started from it."""
        match await self._channel.shared.responses.answer(entry.message_id, IN_A_THREAD):
            case Sent(response_id):
                intended = ThreadIntended(message_id=entry.message_id, starter_id=response_id)
                await self._channel.handle(NoteThread(intended))
            case Refused(reason, detail):
                await self._sending.abandon(entry, reason, detail)
            case NotYet(reason, after) | Unknown(reason, after):
                await self._sending.delay(entry, reason, after)

    async def _conclude(self, entry: Pending, finding: ThreadOpened | ThreadRefused | NotYet | Unknown) -> None:
        match finding:
            case NotYet(reason, after) | Unknown(reason, after):
                await self._sending.delay(entry, reason, after)
            case ThreadRefused(reason=reason):
                await self._channel.handle(NoteThread(finding))
                _log.info("thread.refused", channel=self._channel.id, message=entry.message_id, reason=reason)
            case ThreadOpened(thread_id=thread_id, proof=proof):
                if proof is not Proof.RESPONSE:
                    # Another process with this token may have opened it, and answered.
                    self._known.certain.discard(entry.message_id)
                await self._channel.handle(NoteThread(finding))
                _log.info("thread.opened", channel=self._channel.id, message=entry.message_id, thread=thread_id)
