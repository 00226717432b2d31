"""What discord.py stumbles over, made good: an event it can't parse, half a character, sessions that begin at once.

And its wait for servers, of which there may be no more.
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
"""Told of an event that could not be parsed: its name, its data and what was raised."""

NEEDED = frozenset(("READY", "RESUMED"))
"""Events without which a session is none: a new one is better."""

DEEPEST = 100
"""Nothing that Discord sends is nested as deeply; what is deeper is left out, for no reader of JSON takes any depth."""

_TELL_OF_A_SERVER = frozenset(("guild_available", "guild_unavailable", "guild_join", "guild_remove"))
_MOMENT = 0.001
"""Seconds: more than none, within which discord.py would leave servers in its queue."""

_DIGITS = 1_000
"""No number has as many, and Python refuses to read one of a few thousand."""

_MARKS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_log = structlog.get_logger()

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


class MissingServers:
    """The servers that READY named and that have not come: without any, a session's start is over in a moment.

    discord.py waits ``guild_ready_timeout`` after each server for another; that long for one that is out.
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
    """Read JSON; raise ValueError for what is none.

    Half of a surrogate pair, which an escape can name and orjson refuses, is replaced; what is nested too deeply, and
    a number that is none or has no end, is read as null.
    """
    try:
        return _strictly(text)
    except (ValueError, RecursionError):
        whole = text if isinstance(text, str) else text.decode(errors="replace")
        read = json.loads("".join(_pruned(whole)), parse_int=_int, parse_constant=lambda _: None)
        clean = json.dumps(read, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
        return json.loads(clean.decode("utf-16-le", "replace"))


def for_discord_py(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Read JSON where discord.py does: whatever the gateway sends, its connection goes on.

    A frame that can't be read stands for none: it has an operation that discord.py knows nothing of.
    """
    try:
        read = from_json(text)
    except (ValueError, RecursionError) as error:
        _log.error("event.unreadable", type="", error=type(error).__name__)
        read = None
    if isinstance(read, list):
        return read
    if not isinstance(read, dict):
        return {"op": None}
    return _framed(read) if "op" in read else read


def _framed(frame: dict[str, Any]) -> dict[str, Any]:
    """Return a frame whose name and number are such."""
    name, number = frame.get("t"), frame.get("s")
    if not isinstance(name, str | None):
        frame["t"] = None
    if not isinstance(number, int | None):
        frame["s"] = None
    if name == "RESUMED" and not isinstance(frame.get("d"), dict):
        # discord.py writes into it.
        frame["d"] = {}
    return frame


def _int(digits: str) -> int | None:
    return int(digits) if len(digits) < _DIGITS else None


def _pruned(text: str) -> Iterator[str]:
    """Yield the pieces of a JSON text without what is nested too deeply."""
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
