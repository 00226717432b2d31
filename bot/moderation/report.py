"""What every command answers with, for the gateway and the command line to render, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.errors import EcholessError


class ModerationError(EcholessError):
    """What was asked can't be done; the sentence is for whoever asked."""


@dataclass(frozen=True, slots=True)
class File:
    """An attachment."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """An answer: ``title`` and ``lines`` for eyes, ``data`` the same for machines (JSON).

    A line states one fact and is about 100 columns wide at most; it may hold people's words, with everything escaped
    that could drive a terminal. ``more`` is the cursor of the next page, None at the end.
    """

    title: str
    lines: tuple[str, ...] = ()
    data: Any = None
    file: File | None = None
    more: str | None = None
