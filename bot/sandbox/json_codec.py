"""Reads and writes JSON as Discord does."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeAlias, TypeVar, cast

from aiohttp import web

Json: TypeAlias = dict[str, Any]

# ASCII, because a client can send a lone surrogate as an escape, and UTF-8 can't write it.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=False)


def encode(value: object) -> str:
    """Serialize compactly."""
    return _ENCODER.encode(value)


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)


def decode(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Parse strictly; raise ValueError also for NaN and for nesting that is too deep."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        message = "nested too deeply"
        raise ValueError(message) from error


_Value = TypeVar("_Value")


def whole_text(value: _Value) -> _Value:
    """Replace halves of characters (lone surrogates) in text: a JSON escape can name them, UTF-8 can't write them."""
    if not isinstance(value, str) or value.isascii():
        return value
    return cast("_Value", value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def json_response(value: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer with exactly ``application/json``; discord.py reads other types as text (docs/discord-facts.md, 2)."""
    return web.Response(body=encode(value).encode(), status=status, content_type="application/json", headers=headers)
