"""One connection to the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Self

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket, WebSocketClosure

CLOSE_SECONDS = 5.0
"""How long the other side of a connection may take to close it too; discord.py waits for 30 s."""

CUT = 1006
"""The code of a connection that ended without one (RFC 6455)."""


_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Session:
    """What it takes to go on with a session."""

    id: str
    sequence: int
    gateway: yarl.URL


class Ended(Exception):
    """A connection is over; its text is what the gateway does. Its session is over too unless ``resumable``."""

    def __init__(self, what: str, *, resumable: bool) -> None:
        super().__init__(what)
        self.resumable = resumable


class Link(DiscordWebSocket):
    """A connection that knows why it ended, and that leaves nothing open where it fails before a client has it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(socket, loop=loop)
        self._held = False
        socket._timeout = aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)  # noqa: SLF001 - nothing else takes it

    @classmethod
    async def connect(cls, client: discord.Client, session: Session | None) -> Self:
        """Connect and ask for a session: for this one again, or a new one.

        Raises Ended, discord.ConnectionClosed, aiohttp.ClientError or OSError where that fails.
        """
        if session is None:
            link = await cls.from_client(client, initial=True)
        else:
            link = await cls.from_client(
                client, resume=True, session=session.id, sequence=session.sequence, gateway=session.gateway
            )
        link._held = True  # noqa: SLF001 - its own
        return link

    async def poll_event(self) -> None:
        """Take what comes next; raise Ended where nothing does any more."""
        try:
            await self._or_close(super().poll_event())
        except ReconnectWebSocket as error:
            raise Ended(self._what(error), resumable=error.resume) from error

    async def received_message(self, frame: str | bytes, /) -> None:
        """Take a frame; a list is none, whatever stands in it, and discord.py would trip over it."""
        text = self._decompressor.decompress(frame) if isinstance(frame, bytes) else frame
        if text is not None and text.lstrip().startswith("["):
            _log.error("event.unreadable", type="", error="a list")
        elif text is not None:
            await super().received_message(text)

    async def identify(self) -> None:
        """Ask for a new session."""
        await self._or_close(super().identify())

    async def resume(self) -> None:
        """Ask for the session that was."""
        await self._or_close(super().resume())

    def session(self) -> Session | None:
        """Return what resumes the connection's session; None where it has none, or one without a name."""
        if not isinstance(self.session_id, str) or not self.session_id or self.sequence is None:
            return None
        return Session(self.session_id, self.sequence, self.gateway)

    async def _or_close(self, step: Awaitable[None]) -> None:
        try:
            await step
        except BaseException:
            if not self._held:
                if self._keep_alive is not None:
                    self._keep_alive.stop()
                await self.socket.close()
            raise

    def _what(self, error: ReconnectWebSocket) -> str:
        """Return what the gateway did: discord.py raises the same while it handles a closure, a silence, op 7, op 9."""
        handled = error.__context__
        if isinstance(handled, TimeoutError) or (isinstance(handled, WebSocketClosure) and self._close_code):
            return "says nothing any more"
        if isinstance(handled, WebSocketClosure):
            code = self.socket.close_code
            return "cuts the connection" if code in (None, CUT) else f"closes the connection with code {code}"
        return "asks for another connection" if error.resume else "says that the session is invalid"
