"""How results are written: JSON for machines, tables and times for eyes, nothing that could drive a terminal."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
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
    }
)
"""Fields that hold Discord ids. JSON gives them as text, as Discord does: many readers round numbers beyond 2**53."""

_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSAFE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def say_json(value: object) -> None:
    """Write one JSON value as a line."""
    click.echo(to_json(value))


def to_json(value: object) -> str:
    """Return the JSON of ``value`` on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def with_text_ids(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON fields with every Discord id as text."""
    return {name: _id_text(value) if name in ID_FIELDS else _inside(value) for name, value in fields.items()}


def _id_text(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_id_text(item) for item in value]
    return None if value is None else str(value)


def _inside(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return with_text_ids(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_inside(item) for item in value]
    return value


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
