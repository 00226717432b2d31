"""What is printed: above the line that is being typed, in order, whoever prints it."""

from __future__ import annotations

import asyncio

from prompt_toolkit.application import get_app_or_none
from rich.console import Console, RenderableType
from rich.text import Text

from bot.sandbox.chat.safe import printable_lines


class ChatScreen:
    """Prints in the background, so that world and prompt never wait for each other."""

    def __init__(self, console: Console) -> None:
        """Take where to print; Text alone is printed, so that nothing in it is read as markup."""
        self._console = console
        self._waiting: asyncio.Queue[tuple[RenderableType, bool]] = asyncio.Queue()

    def say(self, what: RenderableType, *, soft_wrap: bool = True) -> None:
        """Print something that is fit for a terminal; its lines are left to the terminal, for whoever copies them."""
        self._waiting.put_nowait((what, soft_wrap))

    def note(self, sentence: str) -> None:
        """Print a sentence of the chat's own."""
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
        """Print in one go, with the line that is being typed taken away and drawn anew below.

        prompt_toolkit's own ``in_terminal`` gives the terminal its line mode back meanwhile, in which a key that is
        pressed at that moment is lost.
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
