"""How results are written: JSON for machines, tables and times for eyes, nothing that could drive a terminal."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, cast

import click
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.cli.moments import MICROSECONDS

ID_FIELDS = frozenset(
    {
        "after",
        "author_id",
        "channel_id",
        "guild_id",
        "id",
        "message_id",
        "reply_to",
        "sent_id",
        "sent_ids",
        "upto",
        "user_id",
    }
)
"""Fields that hold Discord ids. JSON gives them as text, as Discord does: many readers round numbers beyond 2**53."""

_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSAFE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def say_json(value: object) -> None:
    """Write one JSON value as a line."""
    click.echo(to_json(value))


def to_json(value: object) -> str:
    """Return the JSON of ``value`` on one line, in plain ASCII: words of people must not drive a terminal."""
    return json.dumps(value, separators=(",", ":"))


def plain(value: Any, *, is_id: bool = False) -> Any:  # noqa: ANN401 - JSON
    """Return an event, a state, or a part of one, as JSON: fields by name, Discord ids as text (0, none: null)."""
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, tuple | list) and not hasattr(value, "_asdict"):
        return [plain(item, is_id=is_id) for item in value]
    named = _fields(value)
    if named is not None:
        return {name: plain(item, is_id=name in ID_FIELDS) for name, item in named}
    if is_id:
        return str(value) if value else None
    return value


def _fields(value: Any) -> Iterable[tuple[str, Any]] | None:  # noqa: ANN401 - whatever an event may hold
    if isinstance(value, BaseModel):
        return value
    if is_dataclass(value):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, tuple):
        return cast("Iterable[tuple[str, Any]]", value._asdict().items())  # type: ignore[attr-defined]  # a named one
    return None


def printable(text: str) -> str:
    """Return people's words on one line, with everything escaped that could drive a terminal or turn its direction."""
    return "".join(
        character.encode("unicode_escape", "surrogatepass").decode()
        if unicodedata.category(character) in _UNSAFE or character in _BIDIRECTIONAL
        else character
        for character in text
    )


def iso_time(moment: int) -> str:
    """Return microseconds since the epoch as an ISO time in UTC."""
    seconds, micros = divmod(moment, MICROSECONDS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros).isoformat(timespec="microseconds")


def local_time(moment: int) -> str:
    """Return microseconds since the epoch as a local time to the millisecond."""
    return datetime.fromtimestamp(moment / MICROSECONDS).astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def size_text(size: int) -> str:
    """Return a size in bytes the way people read it."""
    amount, unit = float(size), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:  # noqa: PLR2004 - what makes a KiB
            break
        amount, unit = amount / 1024, larger
    return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"


def count_text(count: int, noun: str) -> str:
    """Return ``1 event`` or ``1,234 events``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def console(*, stderr: bool = False) -> Console:
    """Return a console for tables; off a terminal it is wide, so that nothing is cut for a pipe."""
    made = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, emoji=False, markup=False, width=200)


def progress() -> Progress:
    """Return a progress bar on stderr, shown on a terminal alone."""
    screen = console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )
