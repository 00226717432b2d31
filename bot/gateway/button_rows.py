"""Buttons under a message, as Discord has them and as we do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import discord

from bot.core.buttons import Row, custom_id_of, parse_custom_id
from bot.replies.words import Word


def view_of(row: Row, words: Mapping[Word, str]) -> discord.ui.View:
    """Return buttons as discord.py sends them. Presses come to us by their ids, and not to the view."""
    view = discord.ui.View(timeout=None)
    for button in row:
        view.add_item(discord.ui.Button(label=words[button.button.value], custom_id=custom_id_of(button)))
    view.stop()
    return view


def row_of(message: Any) -> Row:  # noqa: ANN401 - Discord's JSON
    """Return the buttons of ours under a message (docs: components, action row and button)."""
    rows = message.get("components") or ()
    items = [item for row in rows if isinstance(row, dict) for item in row.get("components") or ()]
    found = (parse_custom_id(str(item.get("custom_id"))) for item in items if isinstance(item, dict))
    return tuple(button for button in found if button is not None)
