"""Bodies of HTTP responses, with a limit that holds while they are read."""

from __future__ import annotations

import aiohttp

_CHUNK = 2**16


class TooLong(ValueError):
    """A body has more bytes than it may have."""


async def body_of(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the whole body of a response; raise TooLong after ``limit`` bytes, and aiohttp's errors."""
    data = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        data += chunk
        if len(data) > limit:
            response.close()
            raise TooLong
    return bytes(data)
