"""New events of one conversation, as server-sent events: each says up to which version there is something to show.

Who comes again with ``Last-Event-ID`` is told at once what they missed, as browsers do by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus

from aiohttp import web

from bot.core.streams import stream_of
from bot.eventlog.reader import Reader
from bot.page.guard import HEADERS, Refused, cookie_name
from bot.page.sessions import Session
from bot.page.site import Site, number

MOST = 50
"""So many may follow at once."""
LOOK_EVERY = 0.3
"""Seconds between two looks at the newest version of a conversation: one row by its index."""
HEARTBEAT = 15.0
"""Seconds after which a comment is sent, by which both sides notice a lost connection."""


class Live:
    """Tells those who look at a conversation when it grows."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._followers = 0
        self._stopping = asyncio.Event()

    async def stop(self, _application: web.Application) -> None:
        """Let those who follow go."""
        self._stopping.set()

    async def follow(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Answer with events until the viewer leaves, may not look any more, or the server ends."""
        channel_id, context = await self._site.about(request, session)
        if self._followers >= MOST:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST} follow already.")
        last = {"id": request.headers.get("Last-Event-ID", "")}
        shown = number(last, "id") or number(request.query, "version") or 0
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        self._followers += 1
        try:
            await response.prepare(request)
            with suppress(ConnectionError):
                async for text in self._news(context.reader, channel_id, shown):
                    if not await self._may_look(request, session, channel_id):
                        break
                    await response.write(text.encode())
        finally:
            self._followers -= 1
        return response

    async def _news(self, reader: Reader, channel_id: int, shown: int) -> AsyncIterator[str]:
        """Yield what to send, beginning with what is beyond version ``shown``."""
        loop = asyncio.get_running_loop()
        sent = loop.time() - HEARTBEAT
        while not self._stopping.is_set():
            head = await reader.head(stream_of(channel_id))
            if head > shown or loop.time() - sent >= HEARTBEAT:
                yield f"id: {head}\ndata: {head}\n\n" if head > shown else ": \n\n"
                shown, sent = head, loop.time()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._stopping.wait()

    async def _may_look(self, request: web.Request, session: Session, channel_id: int) -> bool:
        """Tell whether the session lasts and the conversation may still be seen."""
        lasts = self._site.sessions.of(request.cookies.get(cookie_name(request), "")) is session
        return lasts and channel_id in await session.viewer.visible((channel_id,))
