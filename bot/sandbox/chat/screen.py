"""The screen of a chat: prints above the line that is being typed; no text can control the terminal."""

from __future__ import annotations

import asyncio
import unicodedata

from prompt_toolkit.application import get_app_or_none
from rich.console import Console, RenderableType
from rich.text import Text

_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSAFE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TAB = "    "


class ChatScreen:
    """Prints in the background, so that the world and the prompt never wait for each other."""

    def __init__(self, console: Console) -> None:
        """Take where to print."""
        self._console = console
        self._waiting: asyncio.Queue[tuple[RenderableType, bool]] = asyncio.Queue()

    def say(self, what: RenderableType, *, soft_wrap: bool = True) -> None:
        """Print text that is already printable; with ``soft_wrap`` the terminal wraps its lines, for copying."""
        self._waiting.put_nowait((what, soft_wrap))

    def note(self, sentence: str) -> None:
        """Print a remark of the chat itself."""
        self.say(_plain(sentence, "dim"), soft_wrap=False)

    def refuse(self, sentence: str) -> None:
        """Print why something can't be done."""
        self.say(_plain(sentence, "red"), soft_wrap=False)

    async def run(self) -> None:
        """Print until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            try:
                self._print(batch)
            finally:
                for _ in batch:
                    self._waiting.task_done()

    async def flush(self) -> None:
        """Wait until everything is printed."""
        await self._waiting.join()

    def _print(self, batch: list[tuple[RenderableType, bool]]) -> None:
        """Erase the line that is being typed, print, and draw the line again below.

        prompt_toolkit's own ``in_terminal`` switches the terminal back to its line mode meanwhile, and loses a key that
        is pressed at that moment.
        """
        present = get_app_or_none()
        line = present if present is not None and present.is_running else None
        if line is not None:
            line.renderer.erase()
        for what, soft_wrap in batch:
            self._console.print(what, highlight=False, soft_wrap=soft_wrap)
        if line is not None:
            line.renderer.request_absolute_cursor_position()
            line.invalidate()


def _plain(sentence: str, style: str) -> Text:
    return Text("\n".join(printable_lines(sentence)), style=style)


def printable(text: object) -> str:
    """Return text on one line; escape characters that could control a terminal or the direction of text."""
    return "".join(_escaped(character) for character in str(text).replace("\t", _TAB))


def printable_lines(text: object) -> list[str]:
    """Return the lines of a text, each made printable."""
    return [printable(line) for line in str(text).replace("\r\n", "\n").split("\n")]


def _escaped(character: str) -> str:
    if unicodedata.category(character) in _UNSAFE or character in _BIDIRECTIONAL:
        return character.encode("unicode_escape", "surrogatepass").decode()
    return character
