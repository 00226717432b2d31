"""What discord.py stumbles over, made good: an event that it can't parse would end the client (FACTS 1.2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

Unreadable: TypeAlias = Callable[[str, Any, Exception], None]
"""Told of an event that could not be parsed: its name, its data and what was raised."""

NEEDED = frozenset(("READY", "RESUMED"))
"""Events without which a session is none: a new one is better."""


def guard(parsers: dict[str, Callable[[Any], None]], unreadable: Unreadable) -> None:
    """Have events that discord.py can't parse told of, one by one, instead of ending the connection."""
    for name, parse in parsers.items():
        if name not in NEEDED:
            parsers[name] = partial(_guarded, name, parse, unreadable)


def _guarded(name: str, parse: Callable[[Any], None], unreadable: Unreadable, data: Any) -> None:  # noqa: ANN401 - JSON
    try:
        parse(data)
    except Exception as error:  # noqa: BLE001 - whatever it trips over, the next event may be a good one
        unreadable(name, data, error)
