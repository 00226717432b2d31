"""What a command is answered with: pages to leaf through, and questions to confirm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.gateway.commands.render import pages
from bot.moderation import File, Report

MOST_PAGES = 12
"""More pages than that are easier read as a file."""

Fetch = Callable[[str], Awaitable[Report]]
Act = Callable[[], Awaitable[Report]]


@dataclass(frozen=True, slots=True)
class Button:
    """One button; ``action`` is what its press is called."""

    action: str
    label: str
    enabled: bool = True
    dangerous: bool = False


@dataclass(frozen=True, slots=True)
class Screen:
    """What a message shows."""

    text: str
    buttons: tuple[Button, ...] = ()
    file: File | None = None


class Answer:
    """A report as pages; ``fetch`` brings the report after a cursor, where there may be one.

    ``channel_id`` is the channel it tells of (None: of none).
    """

    def __init__(self, report: Report, *, channel_id: int | None = None, fetch: Fetch | None = None) -> None:
        self.channel_id = channel_id
        self._pages = pages(report.title, report.lines)
        self._file = report.file
        self._more = report.more if fetch is not None else None
        self._fetch = fetch
        self._at = 0
        self._turning = asyncio.Lock()
        if len(self._pages) > MOST_PAGES and self._file is None:
            text = "\n".join((report.title, "", *report.lines, ""))
            self._file = File("answer.txt", text.encode())
            self._pages = [f"{self._pages[0]}\n-# The beginning; all of it is in the file."]

    @property
    def screen(self) -> Screen:
        """Return what the message shows now."""
        return Screen(self._pages[self._at] + self._footer, self._buttons, self._file)

    def decides(self, action: str) -> bool:
        """Tell whether a press makes the buttons do nothing from then on."""
        del action
        return False

    def named(self, command: str, action: str) -> str:
        """Return what the log calls a press; leafing through what was read already is not worth a record."""
        return f"{command} {action}" if action == "next" and self._at + 1 >= len(self._pages) else ""

    async def press(self, action: str) -> Answer:
        """Do what a button says and return the answer from then on."""
        async with self._turning:
            if action == "previous":
                self._at = max(0, self._at - 1)
            elif action == "next":
                await self._turn()
        return self

    async def _turn(self) -> None:
        if self._at + 1 >= len(self._pages) and self._more is not None and self._fetch is not None:
            report = await self._fetch(self._more)
            self._pages += pages(report.title, report.lines)
            self._more = report.more
        self._at = min(self._at + 1, len(self._pages) - 1)

    @property
    def _several(self) -> bool:
        return len(self._pages) > 1 or self._more is not None

    @property
    def _footer(self) -> str:
        if not self._several:
            return ""
        of = "" if self._more else f" of {len(self._pages)}"
        return f"\n-# Page {self._at + 1}{of}"

    @property
    def _buttons(self) -> tuple[Button, ...]:
        if not self._several:
            return ()
        further = self._at + 1 < len(self._pages) or self._more is not None
        return (Button("previous", "Previous", enabled=self._at > 0), Button("next", "Next", enabled=further))


class Question(Answer):
    """A preview with a button that does what it shows, once, and one that does not."""

    def __init__(self, preview: Report, *, channel_id: int, label: str, act: Act) -> None:
        super().__init__(preview, channel_id=channel_id)
        self._label = label
        self._act = act

    @property
    def screen(self) -> Screen:
        """Return the preview with its buttons."""
        shown = super().screen
        deciding = (Button("confirm", self._label, dangerous=True), Button("cancel", "Cancel"))
        return Screen(shown.text, (*shown.buttons, *deciding), shown.file)

    def decides(self, action: str) -> bool:
        """Tell whether a press decides."""
        return action in ("confirm", "cancel")

    def named(self, command: str, action: str) -> str:
        """Return the command's own name for doing it."""
        return {"confirm": command, "cancel": f"{command} cancel"}.get(action, "")

    async def press(self, action: str) -> Answer:
        """Act, or leave it, or turn a page of the preview."""
        if action == "confirm":
            return Answer(await self._act(), channel_id=self.channel_id)
        if action == "cancel":
            return plain("Nothing was changed.")
        return await super().press(action)


def plain(sentence: str) -> Answer:
    """Return an answer of one sentence."""
    return Answer(Report(sentence))
