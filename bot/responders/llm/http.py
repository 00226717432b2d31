"""The way to a model's server, which may send anything: what it sends is bounded, so that memory is.

An answer that is longer than any can be, or an event of a stream that does not end, breaks the answer off. Every
provider of pydantic-ai that takes an HTTP client gets this one. Those that bring a client of their own are not bounded:
bedrock and xai (no HTTP client at all), cohere, groq and huggingface (another library's), github (tells of none) and
``gateway/...`` (made by a function).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
from pydantic_ai.models import create_async_httpx2_client

LONGEST_ANSWER = 32 * 2**20
"""Bytes of a response: a thousand pages, in the form in which streams carry them."""
LONGEST_EVENT = 2**20
"""Bytes of a stream between two blank lines: one event carries a word or two."""

CONNECT_SECONDS = 5.0
READ_SECONDS = 600.0
"""Who asks keeps the time itself; this ends what nobody waits for."""

CONNECTIONS = 100
_BLANKS = (b"\n\n", b"\r\r", b"\n\r\n")


class TooMuch(ValueError):
    """The server sends more than any answer has."""


class _Bounded(httpx2.AsyncByteStream):
    """Hands on what a response holds, as long as that is as much as an answer may have."""

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
    """Bound a response; one that is packed against our wish may hold anything."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise TooMuch
    if isinstance(response.stream, httpx2.AsyncByteStream):
        events = response.headers.get("Content-Type", "").startswith("text/event-stream")
        response.stream = _Bounded(response.stream, events=events)


def client() -> httpx2.AsyncClient:
    """Return a client whose responses are bounded; whoever has it closes it."""
    # Made by pydantic-ai, whose clients let no SDK lengthen the time for connecting.
    bounded = create_async_httpx2_client(
        timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
    )
    bounded.headers["Accept-Encoding"] = "identity"
    bounded.event_hooks = bounded.event_hooks | {"response": [_bound]}
    return bounded
