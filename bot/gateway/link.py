"""One connection to the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass
from functools import partial
from types import coroutine
from typing import Any, Self, TypeAlias

import aiohttp
import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket, WebSocketClosure

CLOSE_SECONDS = 5.0
"""Seconds that the other side may take to close a connection too; discord.py waits for 30 s."""

CUT = 1006
"""The code for a connection that ended without a close code (RFC 6455)."""

Receiving: TypeAlias = Coroutine[Any, Any, aiohttp.WSMessage]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Session:
    """The data that resumes a session."""

    id: str
    sequence: int
    gateway: yarl.URL


class Ended(Exception):
    """A connection has ended; the text says what the gateway did. Unless ``resumable``, its session has ended too."""

    def __init__(self, what: str, *, resumable: bool) -> None:
        super().__init__(what)
        self.resumable = resumable


class Link(DiscordWebSocket):
    """A connection that knows why it ended. It closes its socket when it fails before a client holds it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(socket, loop=loop)
        self._held = False
        socket._timeout = aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS)  # noqa: SLF001 - nothing else takes it
        socket.receive = partial(received, socket.receive)  # type: ignore[method-assign]

    @classmethod
    async def connect(cls, client: discord.Client, session: Session | None) -> Self:
        """Connect, and resume ``session`` or, for None, ask for a new one.

        Raises Ended, discord.ConnectionClosed, aiohttp.ClientError or OSError when that fails.
        """
        if session is None:
            link = await cls.from_client(client, initial=True, shard_id=client.shard_id)
        else:
            link = await cls.from_client(
                client,
                shard_id=client.shard_id,
                resume=True,
                session=session.id,
                sequence=session.sequence,
                gateway=session.gateway,
            )
        link._held = True  # noqa: SLF001 - its own
        return link

    async def poll_event(self) -> None:
        """Take the next frame; raise Ended when the connection has ended."""
        try:
            await self._or_close(super().poll_event())
        except ReconnectWebSocket as error:
            raise Ended(self._what(error), resumable=error.resume) from error

    async def received_message(self, frame: str | bytes, /) -> None:
        """Take a frame, but ignore a JSON list, which is never a frame and which discord.py can't handle."""
        text = self._decompressor.decompress(frame) if isinstance(frame, bytes) else frame
        if text is not None and text.lstrip().startswith("["):
            _log.error("event.unreadable", error="a list")
        elif text is not None:
            await super().received_message(text)

    async def identify(self) -> None:
        """Ask for a new session."""
        await self._or_close(super().identify())

    async def resume(self) -> None:
        """Ask to resume the session."""
        await self._or_close(super().resume())

    def session(self) -> Session | None:
        """Return the data that resumes the connection's session; None when it has no session or no session id."""
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
        """Return what the gateway did. discord.py raises this error alike for a closure, a silence, op 7 and op 9."""
        handled = error.__context__
        if isinstance(handled, TimeoutError) or (isinstance(handled, WebSocketClosure) and self._close_code):
            return "says nothing any more"
        if isinstance(handled, WebSocketClosure):
            code = self.socket.close_code
            return "cuts the connection" if code in (None, CUT) else f"closes the connection with code {code}"
        return "asks for another connection" if error.resume else "says that the session is invalid"


async def received(receive: Callable[[], Receiving], timeout: float | None = None) -> aiohttp.WSMessage:  # noqa: ASYNC109 - aiohttp's
    """Return the next frame; raise TimeoutError when none comes for ``timeout`` seconds.

    aiohttp itself sets a timer for each frame and removes it again. In a burst the next frame is there already.
    """
    receiving = receive()
    try:
        awaited = receiving.send(None)
    except StopIteration as ended:
        return ended.value  # type: ignore[no-any-return]
    async with asyncio.timeout(timeout):
        return await _rest(receiving, awaited)


@coroutine
def _rest(begun: Receiving, awaited: Any) -> Generator[Any, Any, aiohttp.WSMessage]:  # noqa: ANN401 - for the event loop
    """Go on with a coroutine that was begun and waits for ``awaited``."""
    while True:
        try:
            result = yield awaited
        except BaseException as error:  # noqa: BLE001 - the event loop cancels it
            resume = partial(begun.throw, error)
        else:
            resume = partial(begun.send, result)
        try:
            awaited = resume()
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]
