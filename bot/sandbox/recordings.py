"""Recorded chat: JSON Lines of {channel, at, author, bot, content}, checked whole before anything is played."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import decode

MAX_CONTENT = 4000
MAX_NAME = 100
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """One recorded message; ``offset`` is seconds since its channel's first."""

    channel: str
    offset: float
    author: str
    bot: bool
    content: str


@dataclass(frozen=True, slots=True)
class _Stamped:
    channel: str
    at: datetime
    author: str
    bot: bool
    content: str


def read_recording(path: Path) -> list[RecordedMessage]:
    """Read a file, in playing order; raise SandboxError that names every bad line (the first few of them).

    Each channel starts at once, whatever the year it was recorded in: its pace is kept, not its date.
    """
    try:
        with path.open(encoding="utf-8") as file:
            stamped, problems = _read_lines(file)
    except UnicodeDecodeError as error:
        raise SandboxError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}.") from error
    except OSError as error:
        raise SandboxError(f"{path} can't be read: {error.strerror}.") from error
    if problems:
        more = f"\n  and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        listing = "\n".join(f"  {problem}" for problem in problems[:_SHOWN])
        raise SandboxError(f"{path} was not played; put these lines right:\n{listing}{more}")
    if not stamped:
        raise SandboxError(f"{path} holds no messages: write one JSON object a line.")
    return _on_one_clock(stamped)


def _read_lines(lines: Iterable[str]) -> tuple[list[_Stamped], list[str]]:
    stamped: list[_Stamped] = []
    problems: list[str] = []
    for number, text in enumerate(lines, start=1):
        if text.strip():
            try:
                stamped.append(_read_line(text))
            except ValueError as error:
                problems.append(f"line {number}: {error}")
    return stamped, problems


def _read_line(text: str) -> _Stamped:
    try:
        value = decode(text)
    except ValueError:
        raise ValueError("not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - a bad line, not a bad call
    bot = value.get("bot", False)
    if not isinstance(bot, bool):
        raise ValueError("bot must be true or false")  # noqa: TRY004 - a bad line, not a bad call
    return _Stamped(
        _text(value, "channel", MAX_NAME),
        _time(value.get("at")),
        _text(value, "author", MAX_NAME),
        bot,
        _text(value, "content", MAX_CONTENT),
    )


def _text(value: dict[str, object], name: str, limit: int) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text.strip() or len(text) > limit:
        raise ValueError(f"{name} must be text of 1 to {limit} characters")
    return text


def _time(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("at must be a time such as 2007-10-24T13:45:00Z") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _on_one_clock(stamped: list[_Stamped]) -> list[RecordedMessage]:
    first: dict[str, datetime] = {}
    for item in stamped:
        first[item.channel] = min(item.at, first.get(item.channel, item.at))
    lines = [
        RecordedMessage(
            item.channel, (item.at - first[item.channel]).total_seconds(), item.author, item.bot, item.content
        )
        for item in stamped
    ]
    return sorted(lines, key=lambda line: line.offset)
