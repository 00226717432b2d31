"""Shows one answer while it is written: its beginning at once, then edits, each with the newest text.

The answer arrives without this, too: a write that fails here is made again when the answer is composed. Only the
messages are recorded, as sent parts. Edits are not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog

from bot.core.buttons import Row
from bot.core.commands import Begin
from bot.core.delivery import EditPart, SendPart
from bot.core.ending import continuing
from bot.core.fate import NotYet, Refused, Sent, judge_shown
from bot.core.outbox import Pending
from bot.core.parts import growing
from bot.replies.context import ChannelContext
from bot.replies.sending import Sending
from bot.responders.protocol import Anew

TYPING_SECONDS = 8.0
"""Seconds between two typing requests; Discord shows each for ten seconds."""
UNHURRIED_SECONDS = 0.3
"""Seconds after which typing is shown; an answer that begins sooner does not need it."""

_log = structlog.get_logger()


class GivenUp(Exception):
    """The reply was given up while it was written, so the rest is not needed."""


def go_on(channel: ChannelContext, message_id: int) -> None:
    """Raise GivenUp if the reply to a message is no longer pending, or its question is deleted."""
    state = channel.shared.conversations.peek(channel.id)
    entry = state.pending(message_id) if state is not None else None
    if state is not None and (entry is None or entry.trigger_deleted):
        raise GivenUp


class Showing:
    """Shows an answer that is being written, one write at a time; ``before``: the parts that it goes on with."""

    def __init__(self, channel: ChannelContext, sending: Sending, message_id: int, before: Sequence[str] = ()) -> None:
        self._channel = channel
        self._known = channel.known
        self._sending = sending
        self._message_id = message_id
        self._before = before
        self._text = ""
        self._shows = False
        self._grown = asyncio.Event()
        self._closed = asyncio.Event()

    def grow(self, piece: str | Anew) -> None:
        """Add a piece to the text, which is shown soon; raise GivenUp if the reply is no longer pending.

        Where the text begins anew, its first message is edited. Further ones are deleted when the answer is complete.
        """
        go_on(self._channel, self._message_id)
        self._text = "" if isinstance(piece, Anew) else self._text + piece
        self._grown.set()

    def close(self) -> None:
        """Stop showing."""
        self._closed.set()
        self._grown.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Show within the context; wait at its end for a write that is under way."""
        typing = asyncio.create_task(self._type())
        showing = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self.close()
            typing.cancel()
            await asyncio.wait((typing, showing))

    async def _run(self) -> None:
        while not self._closed.is_set():
            await self._grown.wait()
            wait = self._known.quiet_until - asyncio.get_running_loop().time()
            if await self._closes(wait) or await self._closes_before(
                self._channel.shared.pace.turn(first=not self._shows)
            ):
                return
            self._grown.clear()
            try:
                if await self._write():
                    # There may be more to show than fits into one write.
                    self._grown.set()
            except Exception as error:  # noqa: BLE001 - what can't be shown now must not cost the answer
                _log.warning("reply.unshown", channel=self._channel.id, reason=type(error).__name__)
                self._rest(None)

    async def _type(self) -> None:
        """Show typing until the beginning of the answer is visible."""
        pause = UNHURRIED_SECONDS
        while True:
            try:
                async with asyncio.timeout(pause):
                    await self._grown.wait()
            except TimeoutError:
                pause = TYPING_SECONDS
                if self._channel.shared.pace.spare():
                    await self._channel.shared.sender.typing(self._channel.id)
            else:
                return

    async def _closes(self, seconds: float) -> bool:
        """Wait ``seconds``; tell whether the answer was complete before they were over."""
        if seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self._closed.wait()
            except TimeoutError:
                pass
        return self._closed.is_set()

    async def _closes_before(self, turn: asyncio.Future[None]) -> bool:
        """Wait for a turn; tell whether the answer was complete before it came."""
        closing = asyncio.create_task(self._closed.wait())
        try:
            await asyncio.wait((turn, closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            turn.cancel()
            closing.cancel()
        return self._closed.is_set()

    async def _write(self) -> bool:
        """Write the first missing piece; tell whether there was one."""
        parts = continuing(self._before, self._text) if self._before else growing(self._text)
        entry = await self._entry() if parts else None
        if entry is not None and not self._findable(entry):
            self._closed.set()
            return False
        if entry is not None and (entry.awaited or not entry.begun):
            await self._channel.handle(Begin(self._message_id))
            # The reply may have been given up meanwhile. Then it has not begun.
            entry = await self._entry()
        if entry is None or entry.awaited or not entry.begun:
            return False
        step = self._known.piece(entry, parts)
        if step is None:
            return False
        self._known.sending = True
        try:
            match step:
                case SendPart(part):
                    await self._send(entry, part, parts[part], self._row(entry) if entry.plain else ())
                case EditPart(part, sent_id):
                    await self._edit(sent_id, parts[part], self._row(entry) if part == len(parts) - 1 else ())
        finally:
            self._known.sending = False
        return True

    def _row(self, entry: Pending) -> Row:
        return self._channel.shared.endings.row(entry)

    def _findable(self, entry: Pending) -> bool:
        """Tell whether a look can find a part of an answer whose text is not complete.

        Without a reference to the question, a button tells which answer it belongs to.
        """
        return not entry.plain or (bool(self._row(entry)) and self._channel.shared.sender.sees(self._channel.id))

    async def _entry(self) -> Pending | None:
        return await self._channel.pending(self._message_id)

    async def _send(self, entry: Pending, part: int, text: str, row: Row) -> None:
        """Send a part that is not in Discord yet."""
        self._known.certain.discard(self._message_id)
        outcome = await self._channel.send(entry, part, text, self._still_next, row)
        verdict = judge_shown(entry, part, text, outcome, row)
        self._shows = self._shows or bool(verdict.shown)
        if isinstance(outcome, Sent | Refused) and not verdict.shown:
            # Its fate is found out when the answer is complete.
            self._closed.set()
        await self._sending.conclude(entry, verdict)
        self._rest(outcome.after_seconds if isinstance(outcome, NotYet) else None)

    async def _still_next(self) -> bool:
        """Tell whether the answer is still to be shown: it was not given up, nor its question deleted meanwhile."""
        entry = await self._entry()
        return entry is not None and not entry.trigger_deleted

    async def _edit(self, sent_id: int, text: str, row: Row) -> None:
        """Edit a message to show more."""
        outcome = await self._channel.shared.sender.edit(self._channel.id, sent_id, text, row)
        after: float | None = None
        self._known.shown.pop(sent_id, None)
        match outcome:
            case Sent():
                self._shows = True
                self._known.see({sent_id: text}, {sent_id: row})
            case NotYet(_, after):
                pass
            case Refused():
                self._closed.set()
        self._rest(after)

    def _rest(self, after: float | None) -> None:
        self._known.quiet_until = asyncio.get_running_loop().time() + max(self._channel.shared.pace.every, after or 0.0)
