"""One POST of a question, and the pieces of its answer as they come, with limits on silence and size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from http import HTTPStatus
from typing import NamedTuple

import aiohttp

from bot.backoff import retry_after
from bot.responders.http.failures import Failed, of_content, of_error, of_silence, of_status
from bot.responders.http.forms import LONGEST_ANSWER, PAGE, Piece, Unreadable, streamed
from bot.responders.http.lines import Events, JsonLines, Lines
from bot.responders.patience import OutOfTime, Silent, within

_CHUNK = 2**16
_STREAMS: Mapping[str, Callable[[], Events | JsonLines]] = {
    "text/event-stream": Events,
    "application/x-ndjson": JsonLines,
    "application/ndjson": JsonLines,
    "application/jsonl": JsonLines,
}
ACCEPT = "application/json, text/event-stream, application/x-ndjson"
"""The forms of answers that can be read."""

Sent = AbstractAsyncContextManager[aiohttp.ClientResponse, None]
Whole = Callable[[bytes], Iterator[Piece]]


class Limits(NamedTuple):
    """Seconds until an answer begins and between two signs of life, and the moment of the loop's clock for its end."""

    begin: float
    between: float
    deadline: float


class Call:
    """A question that is posted once. ``alive`` is called as soon as it is accepted, ``whole`` reads a whole answer.

    ``clock`` returns seconds since the epoch. ``streams``: the answer comes in a stream, to be shown as it grows.
    """

    def __init__(
        self, sent: Sent, whole: Whole, limits: Limits, alive: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        self._sent = sent
        self._whole = whole
        self._limits = limits
        self._alive = alive
        self._clock = clock
        self._began = False
        self.streams = False

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Yield the pieces of the answer, the last of which is done; raises Failed, and OutOfTime."""
        try:
            async with AsyncExitStack() as stack:
                response = await self._begun(stack)
                pieces = await stack.enter_async_context(aclosing(self._read(response)))
                async for piece in pieces:
                    yield piece
        except Unreadable as error:
            raise Failed(of_content(str(error))) from None
        except Silent as error:
            raise Failed(of_silence(str(error), began=self._began)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Failed(of_error(error, began=self._began)) from None

    async def _begun(self, stack: AsyncExitStack) -> aiohttp.ClientResponse:
        """Return the response once its status is there; raise Failed if that says so."""
        begin = self._limits.begin
        response = await within(stack.enter_async_context(self._sent), begin, self._limits.deadline, begin)
        pause = retry_after(response.headers.get("Retry-After", ""), self._clock())
        if (failure := of_status(response.status, pause)) is not None:
            raise Failed(failure)
        self._began = True
        self._alive()
        return response

    async def _read(self, response: aiohttp.ClientResponse) -> AsyncGenerator[Piece, None]:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            # Nothing compressed was asked for, and it may expand to any size.
            raise Unreadable("it is compressed, which was not asked for: have it sent as it is")
        if response.status == HTTPStatus.NO_CONTENT:
            yield Piece(done=True)
        elif (stream := _STREAMS.get(response.content_type)) is not None:
            self.streams = True
            async with aclosing(self._streamed(response, stream())) as pieces:
                async for piece in pieces:
                    yield piece
        elif response.content_type == "application/json":
            data = b"".join([chunk async for chunk in self._chunks(response)])
            for piece in self._whole(data):
                yield piece
        else:
            raise Unreadable(f"its Content-Type is none of {ACCEPT}: {PAGE} shows them")

    async def _streamed(
        self, response: aiohttp.ClientResponse, stream: Events | JsonLines
    ) -> AsyncGenerator[Piece, None]:
        lines = Lines()
        async with aclosing(self._chunks(response)) as chunks:
            async for chunk in chunks:
                for data in filter(None, map(stream.feed, lines.feed(chunk))):
                    piece = streamed(data)
                    yield piece
                    if piece.done:
                        return
        # Whoever ends without a word of it was cut off, as far as anybody can tell.
        raise Failed(of_error(aiohttp.ClientPayloadError(), began=True))

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a response as they come; raise Unreadable beyond the limit."""
        between, total = self._limits.between, 0
        while chunk := await within(response.content.read(_CHUNK), between, self._limits.deadline, between):
            total += len(chunk)
            if total > LONGEST_ANSWER:
                raise Unreadable(f"it has more than {LONGEST_ANSWER} bytes: send less")
            yield chunk
            now = asyncio.get_running_loop().time()
            if now >= self._limits.deadline:
                # Reading what has already arrived never waits, so the time-out above could not fire.
                raise OutOfTime
