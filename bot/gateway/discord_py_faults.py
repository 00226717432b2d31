"""Repairs of discord.py: events it can't parse (docs/discord-facts.md, 1.2), half characters, simultaneous sessions.

Also its wait for servers when none are missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, TypeAlias

import discord
import structlog
from discord.state import ConnectionState

Unreadable: TypeAlias = Callable[[str, Any, Exception], None]
"""Called for an event that could not be parsed, with its name, its data and the error."""

NEEDED = frozenset(("READY", "RESUMED"))
"""Events that a session needs. When one of them can't be parsed, a new session has to begin."""

DEEPEST = 100
"""The deepest nesting that is read. Discord sends nothing as deep, and no JSON reader takes any depth."""

_TELL_OF_A_SERVER = frozenset(("guild_available", "guild_unavailable", "guild_join", "guild_remove"))
_MOMENT = 0.001
"""Seconds. With 0, discord.py would leave servers in its queue."""

_DIGITS = 1_000
"""Digits from which a number is read as null. Python refuses to read a number of some thousand digits."""

_MARKS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_log = structlog.get_logger()

_strictly: Callable[[str | bytes], Any] = discord.utils._from_json  # noqa: SLF001 - orjson's where that is installed


def guard(parsers: dict[str, Callable[[Any], None]], unreadable: Unreadable) -> None:
    """Wrap discord.py's parsers: an error reports the event to ``unreadable`` and does not end the connection."""
    for name, parse in parsers.items():
        if name not in NEEDED:
            parsers[name] = partial(_guarded, name, parse, unreadable)


def _guarded(name: str, parse: Callable[[Any], None], unreadable: Unreadable, data: Any) -> None:  # noqa: ANN401 - JSON
    try:
        parse(data)
    except Exception as error:  # noqa: BLE001 - whatever it trips over, the next event may be a good one
        unreadable(name, data, error)


def one_queue(wait: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return discord.py's wait for a session's servers, without its error when another session has removed the queue.

    Sessions that begin during that wait share a queue. The wait that ends first removes it and reports all as ready.
    """

    async def waiting() -> None:
        try:
            await wait()
        except AttributeError as error:
            if error.name != "_ready_state":
                raise

    return waiting


class MissingServers:
    """The servers that READY named and that have not come yet. When none is missing, a session's start is over.

    discord.py waits ``guild_ready_timeout`` after each server for another one, even after the last.
    """

    def __init__(self, state: ConnectionState[Any]) -> None:
        self._state = state
        self._longest = state.guild_ready_timeout
        self._missing: set[int] = set()

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an event by discord.py's name of it, before it waits on."""
        if event == "connect":
            self._missing = {guild.id for guild in self._state.guilds if guild.unavailable}
        elif event in _TELL_OF_A_SERVER:
            self._missing.discard(arguments[0].id)
        else:
            return
        self._state.guild_ready_timeout = self._longest if self._missing else _MOMENT


def from_json(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Read JSON; raise ValueError when it is not JSON.

    Half of a surrogate pair, which orjson refuses, is replaced. Values nested deeper than :data:`DEEPEST`, NaN,
    Infinity and overlong numbers are read as null.
    """
    try:
        return _strictly(text)
    except (ValueError, RecursionError):
        whole = text if isinstance(text, str) else text.decode(errors="replace")
        read = json.loads("".join(_pruned(whole)), parse_int=_int, parse_constant=lambda _: None)
        clean = json.dumps(read, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
        return json.loads(clean.decode("utf-16-le", "replace"))


def for_discord_py(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Read JSON in place of discord.py's reader, so that no frame of the gateway can end the connection.

    A frame that can't be read becomes one with an opcode that discord.py ignores.
    """
    try:
        read = from_json(text)
    except (ValueError, RecursionError) as error:
        _log.error("event.unreadable", error=type(error).__name__)
        read = None
    if isinstance(read, list):
        return read
    if not isinstance(read, dict):
        return {"op": None}
    return _framed(read) if "op" in read else read


def _framed(frame: dict[str, Any]) -> dict[str, Any]:
    """Return a frame whose event name and sequence number have the right types."""
    name, number = frame.get("t"), frame.get("s")
    if not isinstance(name, str | None):
        frame["t"] = None
    if not isinstance(number, int | None):
        frame["s"] = None
    if name == "RESUMED" and not isinstance(frame.get("d"), dict):
        # discord.py writes into this object.
        frame["d"] = {}
    return frame


def _int(digits: str) -> int | None:
    return int(digits) if len(digits) < _DIGITS else None


def _pruned(text: str) -> Iterator[str]:
    """Yield the pieces of a JSON text; values nested too deeply become null."""
    depth = shown = 0
    for mark in _MARKS.finditer(text):
        sign = mark[0]
        if sign in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                yield text[shown : mark.start()]
                yield "null"
        elif sign in "]}":
            depth -= 1
            if depth == DEEPEST:
                shown = mark.end()
    yield text[shown:] if depth <= DEEPEST else ""
