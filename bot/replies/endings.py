"""What stands below an answer: the mark of one that was cut, and its buttons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from bot.core.buttons import ButtonId, Row
from bot.core.ending import CUTS, with_mark
from bot.core.events import Button
from bot.core.outbox import Pending
from bot.replies.words import WORDS, Word

Shown: TypeAlias = Literal["off", "cut", "all"]
"""Where buttons stand: nowhere; below what is being written or was cut; also below each complete answer of a model."""

_WRITTEN: Mapping[Shown, tuple[Button, ...]] = MappingProxyType(
    {"off": (), "cut": (Button.STOP,), "all": (Button.STOP,)}
)
_CUT: Mapping[Shown, tuple[Button, ...]] = MappingProxyType(
    {"off": (), "cut": (Button.GO_ON, Button.AGAIN), "all": (Button.GO_ON, Button.AGAIN, Button.WHY)}
)
_WHOLE: Mapping[Shown, tuple[Button, ...]] = MappingProxyType({"off": (), "cut": (), "all": (Button.AGAIN, Button.WHY)})


@dataclass(frozen=True, slots=True)
class Endings:
    """Says what stands below answers; ``words`` are those of the settings."""

    buttons: Shown = "off"
    words: Mapping[Word, str] = field(default_factory=lambda: WORDS)

    def row(self, entry: Pending) -> Row:
        """Return the buttons below the last part of an answer, written or being written."""
        # An answer to a command is edited with a token, which ends. What nothing could end early, no model wrote.
        if entry.asked or (entry.composed and not entry.finish):
            return ()
        chosen = _WRITTEN if not entry.composed else _CUT if entry.finish in CUTS else _WHOLE
        return tuple(ButtonId(button, entry.message_id, entry.generation) for button in chosen[self.buttons])

    def unmarked(self, text: str) -> str:
        """Return the last part of an answer, as Discord shows it, without a mark."""
        marks = (f"\n-# {self.words[cut]}" for cut in CUTS.values())
        return next((text.removesuffix(mark) for mark in marks if text.endswith(mark)), text)

    def marked(self, entry: Pending, parts: Sequence[str]) -> tuple[str, ...]:
        """Return the parts of a composed answer as they are sent."""
        cut = CUTS.get(entry.finish)
        return with_mark(parts, self.words[cut] if cut else "")
