"""An HTTP client for model servers that limits the size of responses, so that no server can fill the memory.

A response is broken off if it is longer than any answer can be, or if an event of a stream does not end. All providers
of pydantic-ai that accept an HTTP client get this one. Those with a client of their own have no limit: bedrock and xai
(no HTTP client at all), cohere, groq and huggingface (one of another library), github (names no client) and
``gateway/...`` (made by a function).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
from pydantic_ai.models import create_async_httpx2_client

LONGEST_ANSWER = 32 * 2**20
"""Bytes of a response; that is a thousand pages in the form of a stream."""
LONGEST_EVENT = 2**20
"""Bytes of a stream between two blank lines; an event usually holds a word or two."""

CONNECT_SECONDS = 5.0
READ_SECONDS = 600.0
"""A last resort: callers have shorter limits, and this ends requests that nobody waits for."""

CONNECTIONS = 100
_BLANKS = (b"\n\n", b"\r\r", b"\n\r\n")


class TooMuch(ValueError):
    """The server sends more than any answer can hold."""


class _Bounded(httpx2.AsyncByteStream):
    """Passes on the bytes of a response; raises TooMuch beyond the limits."""

    def __init__(self, stream: httpx2.AsyncByteStream, *, events: bool) -> None:
        self._stream = stream
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = event = 0
        end = b""
        async for chunk in self._stream:
            total += len(chunk)
            seen = end + chunk
            blank = max(seen.rfind(blank) for blank in _BLANKS)
            event = len(seen) - blank if blank >= 0 else event + len(chunk)
            end = seen[-2:]
            if total > LONGEST_ANSWER or (self._events and event > LONGEST_EVENT):
                raise TooMuch
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    """Limit a response; refuse a compressed one, which was not asked for and may expand to any size."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise TooMuch
    if isinstance(response.stream, httpx2.AsyncByteStream):
        events = response.headers.get("Content-Type", "").startswith("text/event-stream")
        response.stream = _Bounded(response.stream, events=events)


def client() -> httpx2.AsyncClient:
    """Return a client whose responses are limited; the caller has to close it."""
    # pydantic-ai makes it, because in its clients no SDK can lengthen the time-out for connecting.
    bounded = create_async_httpx2_client(
        timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
    )
    bounded.headers["Accept-Encoding"] = "identity"
    bounded.event_hooks = bounded.event_hooks | {"response": [_bound]}
    return bounded
