"""The buttons under an answer. All that they hold is what finds the answer in the log, so they outlive the process.

A row is what stands under a message, from left to right.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

from bot.core.events import Button

LONGEST_LABEL = 80
"""Characters of a button's label (docs: components, button)."""

_CUSTOM_ID = re.compile(r"reply:(?P<button>[a-z_]{1,9}):(?P<message>[1-9][0-9]{0,18})\.(?P<generation>[1-9])")


class ButtonId(NamedTuple):
    """A button, the message that the answer above it answers, and the generation of that answer."""

    button: Button
    message_id: int
    generation: int = 1


Row: TypeAlias = tuple[ButtonId, ...]


def custom_id_of(button: ButtonId) -> str:
    """Return a button's ``custom_id``: of the 100 characters that Discord takes (docs: components), at most 40."""
    return f"reply:{button.button}:{button.message_id}.{button.generation}"


def parse_custom_id(text: str) -> ButtonId | None:
    """Return the button of a ``custom_id``, None if it is not one of ours."""
    found = _CUSTOM_ID.fullmatch(text)
    if found is None or found["button"] not in set(Button):
        return None
    return ButtonId(Button(found["button"]), int(found["message"]), int(found["generation"]))
