"""Shows one answer while it is written: its beginning at once, then edits, each with the newest text.

Nothing of this is needed for the answer to arrive: what fails here is written once more when the answer is composed.
Only the messages themselves are recorded, as parts sent; no event tells of an edit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from bot.core.commands import Begin
from bot.core.delivery import EditPart, SendPart
from bot.core.fate import NotYet, Refused, Sent, judge_shown
from bot.core.outbox import Pending
from bot.core.parts import split
from bot.replies.context import ChannelContext
from bot.replies.sending import Sending

TYPING_SECONDS = 8.0
"""Discord shows for ten seconds that somebody is typing."""
UNHURRIED_SECONDS = 0.3
"""An answer that begins sooner needs nobody told that it is being written."""

_log = structlog.get_logger()


class GivenUp(Exception):
    """The reply was given up while it was written: nobody needs the rest."""


def go_on(channel: ChannelContext, message_id: int) -> None:
    """Raise GivenUp where nobody waits for the answer to a message any more."""
    state = channel.all.conversations.peek(channel.id)
    if state is not None and state.pending(message_id) is None:
        raise GivenUp


class Showing:
    """What people see of an answer that is being written; one write at a time."""

    def __init__(self, channel: ChannelContext, sending: Sending, message_id: int) -> None:
        self._channel = channel
        self._known = channel.known
        self._sending = sending
        self._message_id = message_id
        self._text = ""
        self._shows = False
        self._grown = asyncio.Event()
        self._closed = asyncio.Event()

    def grow(self, piece: str) -> None:
        """Show the text with a piece more, before long; raise GivenUp where nobody waits for it any more."""
        go_on(self._channel, self._message_id)
        self._text += piece
        self._grown.set()

    def close(self) -> None:
        """Show nothing more."""
        self._closed.set()
        self._grown.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Show while the context lasts; what is under way at its end is waited for."""
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
                self._channel.all.pace.turn(first=not self._shows)
            ):
                return
            self._grown.clear()
            try:
                if await self._write():
                    # There may be more to show than one write takes.
                    self._grown.set()
            except Exception as error:  # noqa: BLE001 - what can't be shown now must not cost the answer
                _log.warning("reply.unshown", channel=self._channel.id, reason=type(error).__name__)
                self._rest(None)

    async def _type(self) -> None:
        """Tell that an answer is being written until there is something of it to see."""
        pause = UNHURRIED_SECONDS
        while True:
            try:
                async with asyncio.timeout(pause):
                    await self._grown.wait()
            except TimeoutError:
                pause = TYPING_SECONDS
                if self._channel.all.pace.spare():
                    await self._channel.all.sender.typing(self._channel.id)
            else:
                return

    async def _closes(self, seconds: float) -> bool:
        """Wait, and tell whether the answer was all there before the time was over."""
        if seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self._closed.wait()
            except TimeoutError:
                pass
        return self._closed.is_set()

    async def _closes_before(self, turn: asyncio.Future[None]) -> bool:
        """Wait for a turn, and tell whether the answer was all there before."""
        closing = asyncio.create_task(self._closed.wait())
        try:
            await asyncio.wait((turn, closing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            turn.cancel()
            closing.cancel()
        return self._closed.is_set()

    async def _write(self) -> bool:
        """Write what is missing first, and tell whether anything was."""
        parts = split(self._text)
        entry = await self._entry() if parts else None
        if entry is not None and not entry.begun:
            await self._channel.handle(Begin(self._message_id))
            # It may have been given up meanwhile, and then nothing has begun.
            entry = await self._entry()
        if entry is None or not entry.begun:
            return False
        if entry.plain:
            # Without a reference it is known by its text, which has to be whole.
            self._closed.set()
            return False
        step = self._known.piece(entry, parts)
        if step is None:
            return False
        self._known.sending = True
        try:
            match step:
                case SendPart(part):
                    await self._send(entry, part, parts[part])
                case EditPart(part, sent_id):
                    await self._edit(sent_id, parts[part])
        finally:
            self._known.sending = False
        return True

    async def _entry(self) -> Pending | None:
        return await self._channel.pending(self._message_id)

    async def _send(self, entry: Pending, part: int, text: str) -> None:
        """Send a part that is not in Discord yet."""
        self._known.certain.discard(self._message_id)
        outcome = await self._channel.send(entry, part, text, self._still_next)
        verdict = judge_shown(entry, part, text, outcome)
        self._shows = self._shows or bool(verdict.shown)
        if isinstance(outcome, Sent | Refused) and not verdict.shown:
            # What becomes of it is found out when the answer is there.
            self._closed.set()
        await self._sending.conclude(entry, verdict)
        self._rest(outcome.after if isinstance(outcome, NotYet) else None)

    async def _still_next(self) -> bool:
        """Tell whether the answer goes on to be shown: nobody gave it up meanwhile."""
        return await self._entry() is not None

    async def _edit(self, sent_id: int, text: str) -> None:
        """Let a message show more."""
        outcome = await self._channel.all.sender.edit(self._channel.id, sent_id, text)
        after: float | None = None
        self._known.shown.pop(sent_id, None)
        match outcome:
            case Sent():
                self._known.shown[sent_id] = text
            case NotYet(_, after):
                pass
            case Refused():
                self._closed.set()
        self._rest(after)

    def _rest(self, after: float | None) -> None:
        self._known.quiet_until = asyncio.get_running_loop().time() + max(self._channel.all.pace.every, after or 0.0)
