"""Events of the calls of tools: what a model, or whoever else answers, has done while an answer is written."""

from __future__ import annotations

from pydantic import Field

from bot.core.events.base import MessageEvent
from bot.core.events.vocabulary import Key, KeyKind, ToolOutcome

MOST_CALLS = 999


def call_slot(number: int, generation: int) -> int:
    """Return the number of a call among all calls of all generations of a reply."""
    return number + (generation - 1) * (MOST_CALLS + 1)


class ToolCalled(MessageEvent):
    """A tool is about to be called, for the ``number``-th time (from 1) while this answer to a message is written.

    Body: the arguments as JSON, then what was written before the call, if anything was.
    """

    TYPE = "tool.called"
    WORDED = True

    tool: str
    number: int = Field(ge=1, le=MOST_CALLS)
    generation: int = 1

    def key(self) -> Key:
        """Return ``called:<message id>:<slot>``."""
        return Key(KeyKind.TOOL_CALLED, self.message_id, call_slot(self.number, self.generation))


class ToolReturned(MessageEvent):
    """What became of a call. Body: the result, or a sentence in its place.

    ``size`` is that of the result in bytes, before it was cut. ``kept``: the result is the body; otherwise that says
    only what was found, and the tool is asked again. ``again``: the call was made once more after a crash, which its
    tool allows.
    """

    TYPE = "tool.returned"
    WORDED = True

    tool: str
    number: int = Field(ge=1, le=MOST_CALLS)
    outcome: ToolOutcome
    size: int = 0
    kept: bool = True
    again: bool = False
    generation: int = 1

    def key(self) -> Key:
        """Return ``returned:<message id>:<slot>``."""
        return Key(KeyKind.TOOL_RETURNED, self.message_id, call_slot(self.number, self.generation))
