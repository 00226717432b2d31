"""Bodies of HTTP responses, with a limit that holds while they are read."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp

_CHUNK = 2**16
HEAD = 64
"""The first bytes of a body, which may tell that the rest is not wanted."""


class TooLong(ValueError):
    """A body has more bytes than it may have."""


async def body_of(
    response: aiohttp.ClientResponse, limit: int, look: Callable[[bytes], None] = lambda _head: None
) -> bytes:
    """Return the whole body of a response; raise TooLong after ``limit`` bytes, and aiohttp's errors.

    ``look`` is given its first bytes as soon as they are there, and may raise an error to end it.
    """
    data = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        unseen = len(data) < HEAD
        data += chunk
        if unseen and len(data) >= HEAD:
            look(bytes(data[:HEAD]))
        if len(data) > limit:
            response.close()
            raise TooLong
    if len(data) < HEAD:
        look(bytes(data))
    return bytes(data)
