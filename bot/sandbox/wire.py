"""JSON as it goes over the wire."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeAlias

from aiohttp import web

Json: TypeAlias = dict[str, Any]

# ASCII output, because a lone surrogate that a client sent as an escape has no UTF-8 form.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, check_circular=False)


def encode(value: object) -> str:
    """Serialize compactly."""
    return _ENCODER.encode(value)


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)


def decode(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Parse strictly (no NaN, no bottomless nesting); raise ValueError otherwise."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        message = "nested too deeply"
        raise ValueError(message) from error


def json_response(value: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Answer JSON as exactly ``application/json``; discord.py takes the rest for text (docs/discord-facts.md, 2)."""
    return web.Response(body=encode(value).encode(), status=status, content_type="application/json", headers=headers)
