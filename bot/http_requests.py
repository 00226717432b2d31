"""What requests to addresses that an owner or a program names have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

import aiohttp

from bot import __version__

USER_AGENT = f"Echoless/{__version__}"
OURS = "idempotency-key|content-length|host|transfer-encoding|connection"
"""A pattern of the headers that nobody else may set."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A token (RFC 9110, section 5.6.2)."""


def parts_of(url: str) -> SplitResult:
    """Return the parts of an address over HTTP; raise ValueError, without its words, where it is none."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    raise ValueError("give an http:// or https:// address")


def are_settable(headers: Mapping[str, str], ours: re.Pattern[str]) -> bool:
    """Tell whether headers may be set, with what stands there as values; names that match ``ours`` may not."""
    return all(_NAME.fullmatch(name) and not ours.fullmatch(name) and fits(text) for name, text in headers.items())


def fits(text: str) -> bool:
    """Tell whether a header can hold a text."""
    return text.isascii() and text.isprintable()


def keyed(key: str) -> dict[str, str]:
    """Return the header by which a repeated request is known (draft-ietf-httpapi-idempotency-key-header-07)."""
    # A string as RFC 8941 writes it, which the draft asks for.
    return {"Idempotency-Key": f'"{key}"'}


async def start_of(content: aiohttp.StreamReader, most: int) -> bytes:
    """Return what an answer begins with: all of it, or somewhat more than ``most`` bytes."""
    read = b""
    while len(read) <= most and (chunk := await content.read(most)):
        read += chunk
    return read
