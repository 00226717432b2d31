"""The answers to commands: reports in pages, previews to confirm, and the buttons under both.

The newest few hundred answers stay live. A press of a button of an older answer, or of one from before a restart, gets
a sentence instead of Discord's "interaction failed".
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import discord
from cachetools import LRUCache

from bot.moderation.command import Report, ReportFile

ROOM = 1900
"""Characters of one page. A message holds 2000 (docs: message, content); heading, fence and footer need the rest."""
FENCE = "```"
_FENCE_SIGN = FENCE[0]
MOST_PAGES = 12
"""Pages; a longer report becomes a file, which is easier to read."""
KEPT = 300
GONE = "This page is no longer live: use the command again."
CUSTOM_ID = re.compile(r"replay:(?P<word>[0-9a-f]{16}):(?P<action>[a-z]+)")
STYLES = {False: discord.ButtonStyle.secondary, True: discord.ButtonStyle.danger}

Fetch = Callable[[str], Awaitable[Report]]
Act = Callable[[], Awaitable[Report]]
TakeBack = Callable[[Report], Awaitable[Report]]
"""Takes back what a report tells of."""


@dataclass(frozen=True, slots=True)
class Button:
    """One button; ``action`` is the name of its press."""

    action: str
    label: str
    enabled: bool = True
    dangerous: bool = False


@dataclass(frozen=True, slots=True)
class Display:
    """The content of a message."""

    text: str
    buttons: tuple[Button, ...] = ()
    file: ReportFile | None = None


class PagedReport:
    """A report in pages.

    ``fetch`` returns the report after a cursor (None: the report is complete). ``channel_id`` is the channel that the
    report is about (None: no single one), ``channels`` are those that it may be about then.
    """

    def __init__(
        self,
        report: Report,
        *,
        channel_id: int | None = None,
        channels: Collection[int] = (),
        fetch: Fetch | None = None,
    ) -> None:
        self.channel_id = channel_id
        self.channels = channels
        self._pages = pages(report.title, report.lines, report.links)
        self._file = report.file
        self._more = report.more if fetch is not None else None
        self._fetch = fetch
        self._at = 0
        self._turning = asyncio.Lock()
        if len(self._pages) > MOST_PAGES and self._file is None:
            text = "\n".join((report.title, "", *report.lines, ""))
            self._file = ReportFile("answer.txt", text.encode())
            self._pages = [f"{self._pages[0]}\n-# The beginning; all of it is in the file."]

    @property
    def display(self) -> Display:
        """Return the current content of the message."""
        return Display(self._pages[self._at] + self._footer, self._buttons, self._file)

    def decides(self, action: str) -> bool:
        """Tell whether the buttons stop working after this press."""
        del action
        return False

    def named(self, command: str, action: str) -> str:
        """Return the name of a press in the log, or "" if it only turns to a page that is here and needs no record."""
        return f"{command} {action}" if action == "next" and self._at + 1 >= len(self._pages) else ""

    async def press(self, action: str) -> PagedReport:
        """Carry out a press and return the answer to show after it."""
        async with self._turning:
            if action == "previous":
                self._at = max(0, self._at - 1)
            elif action == "next":
                await self._turn()
        return self

    async def _turn(self) -> None:
        if self._at + 1 >= len(self._pages) and self._more is not None and self._fetch is not None:
            report = await self._fetch(self._more)
            self._pages += pages(report.title, report.lines, report.links)
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


class Undoable(PagedReport):
    """A report with a button that takes back what it tells of, once."""

    def __init__(self, report: Report, *, channel_id: int | None, undo: TakeBack) -> None:
        super().__init__(report, channel_id=channel_id)
        self._report = report
        self._undo = undo

    @property
    def display(self) -> Display:
        """Return the report with its button."""
        shown = super().display
        return Display(shown.text, (*shown.buttons, Button("undo", "Undo")), shown.file)

    def decides(self, action: str) -> bool:
        """Tell whether a press takes it back."""
        return action == "undo"

    def named(self, command: str, action: str) -> str:
        """Return ``<command> undo`` for taking it back."""
        return f"{command} undo" if action == "undo" else super().named(command, action)

    async def press(self, action: str) -> PagedReport:
        """Take it back, or turn a page."""
        if action == "undo":
            return PagedReport(await self._undo(self._report), channel_id=self.channel_id)
        return await super().press(action)


class Confirmation(PagedReport):
    """A preview with two buttons: one carries out the command, once; the other cancels it.

    With ``undo``, a button under the report takes it back.
    """

    def __init__(
        self, preview: Report, *, channel_id: int | None, label: str, act: Act, undo: TakeBack | None = None
    ) -> None:
        super().__init__(preview, channel_id=channel_id)
        self._label = label
        self._act = act
        self._undo = undo

    @property
    def display(self) -> Display:
        """Return the preview with its buttons."""
        shown = super().display
        deciding = (Button("confirm", self._label, dangerous=True), Button("cancel", "Cancel"))
        return Display(shown.text, (*shown.buttons, *deciding), shown.file)

    def decides(self, action: str) -> bool:
        """Tell whether a press confirms or cancels."""
        return action in ("confirm", "cancel")

    def named(self, command: str, action: str) -> str:
        """Return the command's name for a confirmation, and ``<command> cancel`` for a cancellation."""
        return {"confirm": command, "cancel": f"{command} cancel"}.get(action, "")

    async def press(self, action: str) -> PagedReport:
        """Carry out the command, cancel it, or turn a page of the preview."""
        if action == "confirm":
            report = await self._act()
            if self._undo is not None and report.data["changed"]:
                return Undoable(report, channel_id=self.channel_id, undo=self._undo)
            return PagedReport(report, channel_id=self.channel_id)
        if action == "cancel":
            return plain("Nothing was changed.")
        return await super().press(action)


def plain(sentence: str) -> PagedReport:
    """Return an answer of one sentence."""
    return PagedReport(Report(sentence))


@dataclass(frozen=True, slots=True)
class LiveReport:
    """An answer with buttons, the person who may press them, and the command and options that it answers."""

    answer: PagedReport
    asker_id: int
    command: str
    options: str


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a button of a live answer."""

    word: str
    action: str
    live: LiveReport


class LiveReports:
    """The live answers, each under a random word that cannot be guessed."""

    def __init__(self) -> None:
        self._answers: LRUCache[str, LiveReport] = LRUCache(KEPT)

    def keep(self, live: LiveReport, word: str = "") -> str:
        """Make an answer live and return its word (a new one if ``word`` is ""); the least recently used one ends."""
        word = word or secrets.token_hex(8)
        self._answers[word] = live
        return word

    def find(self, custom_id: str) -> Press | None:
        """Return the press that a button's ``custom_id`` stands for, or None if its answer is no longer live."""
        match = CUSTOM_ID.fullmatch(custom_id)
        live = self._answers.get(match["word"]) if match else None
        return None if match is None or live is None else Press(match["word"], match["action"], live)

    def clear(self) -> None:
        """End all answers."""
        self._answers.clear()

    def end(self, word: str) -> None:
        """End an answer: its buttons stop working."""
        self._answers.pop(word, None)


def row(word: str, buttons: Iterable[Button]) -> discord.ui.View:
    """Return buttons as discord.py sends them. It does not listen for presses: custom ids lead back to the answer."""
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


def pages(title: str, lines: Sequence[str], links: Sequence[str] = ()) -> list[str]:
    """Return the messages that show ``lines`` under ``title``, at least one; without lines it is the title alone.

    A line that has a link gets a number, and the links stand below the block of lines: within it nobody can click them.
    """
    if not lines:
        return [_cut(_plain(title), ROOM) or "Nothing."]
    heading = _cut(_plain(title), ROOM // 4)
    return [_page(heading, block) for block in _blocks(_pieces(lines, links), ROOM - len(heading))]


class _Piece(NamedTuple):
    """A line, or a piece of one, and the link that stands below."""

    line: str
    link: str = ""


def _page(heading: str, block: Sequence[_Piece]) -> str:
    lines = "\n".join(piece.line for piece in block)
    links = " · ".join(piece.link for piece in block if piece.link)
    body = f"{FENCE}\n{lines}\n{FENCE}{links}"
    return f"**{heading}**\n{body}" if heading else body


def _plain(text: str) -> str:
    """Return a text on one line that cannot end a code block, however many backticks stand in a row."""
    apart = text.replace(_FENCE_SIGN * 2, f"{_FENCE_SIGN}\u200b{_FENCE_SIGN}\u200b")
    return " ".join(apart.splitlines())


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _pieces(lines: Sequence[str], links: Sequence[str]) -> Iterator[_Piece]:
    """Yield the lines, cut into pieces that each fit in a page."""
    for number, (line, link) in enumerate(zip_longest(lines, links, fillvalue=""), 1):
        plain = _plain(line)
        if link:
            yield _Piece(_cut(f"{number:>2}  {plain}", ROOM // 4), f"[{number}](<{link}>)")
        elif len(plain) <= ROOM // 2:
            yield _Piece(plain)
        else:
            yield from (_Piece(plain[start : start + ROOM // 2]) for start in range(0, len(plain), ROOM // 2))


def _blocks(pieces: Iterable[_Piece], room: int) -> Iterator[list[_Piece]]:
    block: list[_Piece] = []
    length = 0
    for piece in pieces:
        size = len(piece.line) + 1 + (len(piece.link) + 3 if piece.link else 0)
        if block and length + size > room:
            yield block
            block, length = [], 0
        block.append(piece)
        length += size
    if block:
        yield block
