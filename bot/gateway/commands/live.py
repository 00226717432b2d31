"""The buttons under answers: which answer each leads back to while this process lives.

The newest few hundred answers stay live. A button of an older one, or of one from before a restart, is answered with
a sentence rather than with Discord's "interaction failed".
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import discord

from bot.gateway.commands.answers import Answer, Button

KEPT = 300
GONE = "This page is no longer live: use the command again."
CUSTOM_ID = re.compile(r"replay:(?P<word>[0-9a-f]{16}):(?P<action>[a-z]+)")
STYLES = {False: discord.ButtonStyle.secondary, True: discord.ButtonStyle.danger}


@dataclass(frozen=True, slots=True)
class Live:
    """An answer with buttons, who may press them, and the command and options that led to it."""

    answer: Answer
    asker_id: int
    command: str
    options: str


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a live answer's button."""

    word: str
    action: str
    live: Live


class LiveAnswers:
    """The live answers, each by a word that nobody can guess."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, Live] = OrderedDict()

    def keep(self, live: Live, word: str = "") -> str:
        """Make an answer live and return its word, the one it has or a new one; the one longest unused ends."""
        word = word or secrets.token_hex(8)
        self._answers[word] = live
        self._answers.move_to_end(word)
        if len(self._answers) > KEPT:
            self._answers.popitem(last=False)
        return word

    def find(self, custom_id: str) -> Press | None:
        """Return what a button's press is, or None when its answer is no longer live."""
        match = CUSTOM_ID.fullmatch(custom_id)
        live = self._answers.get(match["word"]) if match else None
        return None if match is None or live is None else Press(match["word"], match["action"], live)

    def end(self, word: str) -> None:
        """Have an answer's buttons do nothing any more."""
        self._answers.pop(word, None)


def row(word: str, buttons: Iterable[Button]) -> discord.ui.View:
    """Return buttons as discord.py sends them; it is told not to listen, because ids lead back to the answer."""
    view = discord.ui.View(timeout=None)
    for button in buttons:
        item: discord.ui.Button[discord.ui.View] = discord.ui.Button(
            style=STYLES[button.dangerous],
            label=button.label,
            custom_id=f"replay:{word}:{button.action}",
            disabled=not button.enabled,
        )
        view.add_item(item)
    view.stop()
    return view
