"""Recorded chat: JSON Lines of {channel, at, author, bot, content}, which is completely checked before it is played."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import decode, whole_text

MAX_CONTENT = 4000
MAX_NAME = 100
_SHOWN = 5


def _time(value: object) -> datetime:
    at = datetime.fromisoformat(str(value))
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


_Name = Annotated[str, BeforeValidator(whole_text), Field(max_length=MAX_NAME, pattern=r"\S")]


class RecordedMessage(BaseModel):
    """One recorded message; ``offset`` is computed: seconds since its channel's first message."""

    model_config = ConfigDict(strict=True)

    channel: _Name
    at: Annotated[datetime, BeforeValidator(_time)]
    author: _Name
    bot: bool = False
    content: Annotated[str, BeforeValidator(whole_text), Field(max_length=MAX_CONTENT, pattern=r"\S")]
    offset: float = 0.0


_EXPECTED = {
    "channel": f"text of 1 to {MAX_NAME} characters",
    "at": "a time such as 2007-10-24T13:45:00Z",
    "author": f"text of 1 to {MAX_NAME} characters",
    "bot": "true or false",
    "content": f"text of 1 to {MAX_CONTENT} characters",
}


def read_recording(path: Path) -> list[RecordedMessage]:
    """Read a file, in playing order; raise SandboxError that names the first bad lines.

    All channels start at once, even if they were recorded at different times: the pace is kept, not the date.
    """
    try:
        with path.open(encoding="utf-8") as file:
            messages, problems = _read_lines(file)
    except UnicodeDecodeError as error:
        raise SandboxError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}.") from error
    except OSError as error:
        raise SandboxError(f"{path} can't be read: {error.strerror}.") from error
    if problems:
        more = f"\n  and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        listing = "\n".join(f"  {problem}" for problem in problems[:_SHOWN])
        raise SandboxError(f"{path} was not played; put these lines right:\n{listing}{more}")
    if not messages:
        raise SandboxError(f"{path} holds no messages: write one JSON object a line.")
    return _on_one_clock(messages)


def _read_lines(lines: Iterable[str]) -> tuple[list[RecordedMessage], list[str]]:
    messages: list[RecordedMessage] = []
    problems: list[str] = []
    for number, text in enumerate(lines, start=1):
        if text.strip():
            try:
                messages.append(_read_line(text))
            except ValueError as error:
                problems.append(f"line {number}: {error}")
    return messages, problems


def _read_line(text: str) -> RecordedMessage:
    try:
        value = decode(text)
    except ValueError:
        raise ValueError("not JSON") from None
    try:
        return RecordedMessage.model_validate(value)
    except ValidationError as error:
        where = error.errors()[0]["loc"]
        name = str(where[0]) if where else ""
        raise ValueError(f"{name} must be {_EXPECTED[name]}" if name else "not a JSON object") from None


def _on_one_clock(messages: list[RecordedMessage]) -> list[RecordedMessage]:
    """Set the offsets, so that each channel begins at once, and sort by them."""
    first: dict[str, datetime] = {}
    for each in messages:
        first[each.channel] = min(each.at, first.get(each.channel, each.at))
    for each in messages:
        each.offset = (each.at - first[each.channel]).total_seconds()
    return sorted(messages, key=lambda message: message.offset)
