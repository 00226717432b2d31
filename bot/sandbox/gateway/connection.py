"""One websocket of a bot: Hello, heartbeats, IDENTIFY or RESUME, then the events of its session."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import deque
from typing import Any

from aiohttp import WSMsgType, web

from bot.sandbox.gateway.faults import Storm
from bot.sandbox.gateway.hub import Hub
from bot.sandbox.gateway.members import member_chunks
from bot.sandbox.gateway.protocol import (
    CLIENT_COMMANDS,
    COMMANDS_PER_MINUTE,
    MAX_CLIENT_PAYLOAD,
    Close,
    GatewayClosed,
    Op,
)
from bot.sandbox.gateway.session import GatewaySession, SentDispatch
from bot.sandbox.json_codec import decode, encode

_BATCH = 64
_CLOSE_PATIENCE = 2.0
# A client may miss one heartbeat; the documents name no number.
_HEARTBEAT_GRACE = 2.0
# So large that the sandbox, and not the websocket library, refuses a large frame (4002).
_LIBRARY_LIMIT = 1 << 20


class GatewayConnection:
    """Serves one websocket; its outbox is bounded, so that a client that does not read can't stall others."""

    def __init__(self, hub: Hub, request: web.Request) -> None:
        """Take the upgrade request; ``run`` answers it."""
        self._hub = hub
        self._request = request
        self._websocket = web.WebSocketResponse(compress=False, max_msg_size=_LIBRARY_LIMIT, timeout=_CLOSE_PATIENCE)
        self._outbox: deque[SentDispatch | str | Storm] = deque()
        self._wake = asyncio.Event()
        self._commands: deque[float] = deque()
        self._compressor = zlib.compressobj(level=1) if request.query.get("compress") == "zlib-stream" else None
        self.session: GatewaySession | None = None
        self.closed_by_us = False
        self.last_heartbeat = time.monotonic()

    @property
    def backlog(self) -> int:
        """Return the number of items that wait to be sent."""
        return len(self._outbox)

    def enqueue(self, item: SentDispatch | str | Storm) -> None:
        """Send or do something later; a full outbox ends the session."""
        if len(self._outbox) >= self._hub.options.queue_limit:
            self._hub.overflow(self)
            return
        self._outbox.append(item)
        self._wake.set()

    async def run(self) -> web.WebSocketResponse:
        """Serve until either side closes."""
        await self._websocket.prepare(self._request)
        interval = self._hub.options.heartbeat_interval
        self._hub.strike(self, "connect")
        self.enqueue(encode({"op": Op.HELLO, "s": None, "t": None, "d": {"heartbeat_interval": int(interval * 1000)}}))
        self._hub.strike(self, "hello")
        helpers = [asyncio.create_task(self._write()), asyncio.create_task(self._watch_heartbeats())]
        try:
            self._check_query()
            await self._read()
        except GatewayClosed as closed:
            await self.close(closed.code, closed.reason)
        finally:
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            self._hub.connection_ended(self, self._websocket.close_code)
        return self._websocket

    def _check_query(self) -> None:
        if self._request.query.get("v", "10") != "10":
            raise GatewayClosed(Close.INVALID_API_VERSION, "Invalid API version.")

    async def _read(self) -> None:
        async for message in self._websocket:
            if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
                self._receive(message.data)

    def _receive(self, data: str | bytes) -> None:
        if len(data) > MAX_CLIENT_PAYLOAD:
            raise GatewayClosed(Close.DECODE_ERROR, "Payload too large.")
        try:
            payload = decode(data)
        except ValueError:
            payload = None
        if not isinstance(payload, dict) or not isinstance(payload.get("op"), int):
            raise GatewayClosed(Close.DECODE_ERROR, "Error while decoding payload.")
        self._count_command()
        operation, body = payload["op"], payload.get("d")
        if operation == Op.HEARTBEAT:
            self._heartbeat(body)
        elif operation == Op.IDENTIFY:
            self._hub.identify(self, _mapping(body))
        elif operation == Op.RESUME:
            self._hub.resume(self, _mapping(body))
        elif operation not in CLIENT_COMMANDS:
            raise GatewayClosed(Close.UNKNOWN_OPCODE, "Unknown opcode.")
        elif self.session is None:
            raise GatewayClosed(Close.NOT_AUTHENTICATED, "Not authenticated.")
        elif operation == Op.REQUEST_GUILD_MEMBERS:
            for chunk in member_chunks(self.session, self._hub.world.guilds, _mapping(body)):
                self.session.push("GUILD_MEMBERS_CHUNK", encode(chunk))

    def _count_command(self) -> None:
        now = time.monotonic()
        self._commands.append(now)
        while self._commands[0] < now - 60:
            self._commands.popleft()
        if len(self._commands) > COMMANDS_PER_MINUTE:
            raise GatewayClosed(Close.RATE_LIMITED, "Rate limited.")

    def _heartbeat(self, sequence: object) -> None:
        if sequence is not None and not isinstance(sequence, int):
            raise GatewayClosed(Close.DECODE_ERROR, "Error while decoding payload.")
        self.last_heartbeat = time.monotonic()
        if self.session is not None:
            self.session.last_heartbeat = time.time()
        if self._hub.unmuted.is_set():
            self.enqueue(encode({"op": Op.HEARTBEAT_ACK}))

    async def _watch_heartbeats(self) -> None:
        patience = self._hub.options.heartbeat_interval * _HEARTBEAT_GRACE
        while (left := self.last_heartbeat + patience - time.monotonic()) > 0:  # noqa: ASYNC110 - time is the event
            await asyncio.sleep(left)
        await self.close(Close.SESSION_TIMED_OUT, "Session timed out.")

    async def _write(self) -> None:
        try:
            while True:
                await self._wake.wait()
                await self._hub.unmuted.wait()
                for _ in range(min(_BATCH, len(self._outbox))):
                    await self._send(self._outbox.popleft())
                if not self._outbox:
                    self._wake.clear()
                self._hub.progress.set()
                await asyncio.sleep(0)
        except ConnectionError:
            return

    async def _send(self, item: SentDispatch | str | Storm) -> None:
        if isinstance(item, Storm):
            await self._fail(item)
            return
        text = item if isinstance(item, str) else item.frame()
        if self._compressor is None:
            await self._websocket.send_str(text)
        else:
            data = self._compressor.compress(text.encode()) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
            await self._websocket.send_bytes(data)

    async def _fail(self, storm: Storm) -> None:
        """Do what the storm says; send nothing after it."""
        if storm.does == "close":
            self._hub.close_later(self, storm.code)
        if storm.does == "cut" and self._request.transport is not None:
            self.closed_by_us = True
            # The client still receives what was sent before.
            self._request.transport.close()
        await asyncio.Event().wait()

    async def close(self, code: int, reason: str = "") -> None:
        """Close with a code; cut the connection if the client does not answer."""
        self.closed_by_us = True
        try:
            async with asyncio.timeout(_CLOSE_PATIENCE * 2):
                await self._websocket.close(code=code, message=reason.encode())
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Cut the connection without a close frame."""
        self.closed_by_us = True
        transport = self._request.transport
        if transport is not None:
            transport.abort()


def _mapping(body: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    if not isinstance(body, dict):
        raise GatewayClosed(Close.DECODE_ERROR, "Error while decoding payload.")
    return body
