"""What discord.py stumbles over, made good: an event it can't parse, half a character, sessions that begin at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias

import discord

Unreadable: TypeAlias = Callable[[str, Any, Exception], None]
"""Told of an event that could not be parsed: its name, its data and what was raised."""

NEEDED = frozenset(("READY", "RESUMED"))
"""Events without which a session is none: a new one is better."""

_strictly: Callable[[str | bytes], Any] = discord.utils._from_json  # noqa: SLF001 - orjson's where that is installed


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


def one_queue(wait: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return discord.py's wait for a session's servers, without the error of one whose queue another has taken away.

    Sessions that begin within that wait share a queue, and the wait that ends first has said that they are ready.
    """

    async def waiting() -> None:
        try:
            await wait()
        except AttributeError as error:
            if error.name != "_ready_state":
                raise

    return waiting


def from_json(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Read JSON; half of a surrogate pair, which an escape can name and orjson refuses, is replaced."""
    try:
        return _strictly(text)
    except ValueError:
        whole = json.dumps(json.loads(text), ensure_ascii=False)
        return json.loads(whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
