"""``/events``: the log's events as they are recorded, as server-sent events.

The form is that of https://html.spec.whatwg.org/multipage/server-sent-events.html. An id is the incarnation and the
position, so who comes again with ``Last-Event-ID`` goes on after it, and is told (``event: restored``) where a backup
took away what was sent.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web

from bot.errors import EcholessError
from bot.eventlog.codec import event_models
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.eventlog.pages import History, Page
from bot.eventlog.reader import Reader
from bot.moderation.following import LOOK_EVERY, Forked, Start, follow, followed
from bot.moderation.text import Line

MOST = 8
"""So many may follow at once."""
HEARTBEAT = 15.0
"""Seconds without an event after which a comment is sent, by which both sides notice a lost connection."""
PATIENCE = 30.0
"""Seconds for a reader to take a page: it has one to take at a time, and is let go when it does not."""

_ID = re.compile(r"(\d{1,18}):(\d{1,18})", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


class EventFeed:
    """Sends the events of a log to whoever has the ``token``; people's words only if ``words``, and to who asks."""

    def __init__(self, location: Location, token: str, *, words: bool) -> None:
        self._location = location
        self._token = token.encode()
        self._words = words
        self._followers: set[asyncio.Event] = set()
        self._stopping = False

    def committed(self, _events: int) -> None:
        """Tell those who follow that there is more."""
        for woken in self._followers:
            woken.set()

    async def stop(self, _application: web.Application) -> None:
        """Let those who follow go."""
        self._stopping = True
        self.committed(0)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Answer a request with events, until it or the bot ends."""
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, b"Bearer " + self._token):
            return _refused(HTTPStatus.UNAUTHORIZED, "Send the token as a bearer's.", {"WWW-Authenticate": "Bearer"})
        try:
            start, types, words = _asked(request)
        except ValueError as error:
            return _refused(HTTPStatus.BAD_REQUEST, str(error))
        if words and not self._words:
            return _refused(HTTPStatus.FORBIDDEN, "The settings keep words in: telemetry.events_words.")
        if len(self._followers) >= MOST:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST} follow already.", {"Retry-After": "10"})
        woken = asyncio.Event()
        self._followers.add(woken)
        try:
            return await self._send(request, woken, start, types, words=words)
        finally:
            self._followers.discard(woken)

    async def _send(
        self, request: web.Request, woken: asyncio.Event, start: Start, types: tuple[str, ...], *, words: bool
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        sent = loop.time() - HEARTBEAT
        with suppress(ConnectionError):
            async with aclosing(self._texts(woken, start, types, words=words)) as texts:
                async for text in texts:
                    if text or loop.time() - sent >= HEARTBEAT:
                        await _write(request, response, text or ": \n\n")
                        sent = loop.time()
        return response

    async def _texts(
        self, woken: asyncio.Event, start: Start, types: tuple[str, ...], *, words: bool
    ) -> AsyncGenerator[str, None]:
        """Yield what to send, page by page; "" for a page without events."""
        opening, idle = partial(self._reading, words=words), partial(_idle, woken)
        while True:
            path = self._location.database
            try:
                async with aclosing(follow(opening, path, start, types, words=words, idle=idle)) as pages:
                    async for history, page in pages:
                        yield _sent(history, page)
                        if self._stopping:
                            return
            except Forked as error:
                start = Start(error.shared, error.incarnation)
                place = {"after": error.shared, "incarnation": error.incarnation}
                yield _event("restored", (error.incarnation, error.shared), place)
            except EcholessError as error:
                yield _event("error", None, {"why": str(error)})
                return

    @asynccontextmanager
    async def _reading(self, *, words: bool) -> AsyncIterator[Reader]:
        reader = await open_reader(self._location, words=words)
        try:
            yield reader
        finally:
            await reader.close()


async def _idle(woken: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(HEARTBEAT):
            await woken.wait()
            await asyncio.sleep(LOOK_EVERY)
    woken.clear()


def _asked(request: web.Request) -> tuple[Start, tuple[str, ...], bool]:
    """Return where to begin, which types, and whether words are asked for; raise ValueError saying what is wrong."""
    query = request.query
    if unknown := set(query) - {"from", "incarnation", "type", "words"}:
        raise ValueError(f"There is no parameter {min(unknown)}: there are from, incarnation, type and words.")
    types = tuple(query.getall("type", []))
    if set(types) - {model.TYPE for model in event_models()}:
        raise ValueError("There is no such type: `echoless log stats` names them.")
    if query.get("words", "false") not in ("true", "false"):
        raise ValueError("words is true or false.")
    words = query.get("words") == "true"
    if (last := request.headers.get("Last-Event-ID")) is not None:
        found = _ID.fullmatch(last)
        if found is None:
            raise ValueError("Last-Event-ID is an id that was sent: INCARNATION:POSITION.")
        return Start(int(found[2]), int(found[1])), types, words
    for name in ("from", "incarnation"):
        if name in query and not _NUMBER.fullmatch(query[name]):
            raise ValueError(f"{name} is a whole number.")
    start = Start(*(int(query[name]) if name in query else None for name in ("from", "incarnation")))
    return start, types, words


def _refused(status: HTTPStatus, why: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{why}\n", headers=headers)


async def _write(request: web.Request, response: web.StreamResponse, text: str) -> None:
    """Write a text; raise ConnectionError where the reader is gone, or does not take it."""
    try:
        async with asyncio.timeout(PATIENCE):
            await response.write(text.encode())
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()  # what it did not take is dropped
        raise ConnectionAbortedError from None


def _sent(history: History, page: Page) -> str:
    """Return the events of a page, and those that can't be read, in the order of the log."""
    texts: dict[int, str] = {}
    for recorded in page.events:
        line = followed(history, Line(recorded, page.words.get(recorded.position)))
        texts[recorded.position] = _event(None, (history.incarnation, recorded.position), line)
    for each in page.skipped:
        texts[each.position] = _event("unreadable", (history.incarnation, each.position), each._asdict())
    return "".join(texts[position] for position in sorted(texts))


def _event(name: str | None, number: tuple[int, int] | None, data: dict[str, Any]) -> str:
    named = f"event: {name}\n" if name else ""
    numbered = f"id: {number[0]}:{number[1]}\n" if number else ""
    return f"{named}{numbered}data: {json.dumps(data, separators=(',', ':'))}\n\n"
