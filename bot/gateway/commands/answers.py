"""What a command is answered with: pages to leaf through, questions to confirm, and the buttons under both.

The newest few hundred answers stay live. A button of an older one, or of one from before a restart, is answered with
a sentence rather than with Discord's "interaction failed".
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import discord
from cachetools import LRUCache

from bot.moderation.command import Report, ReportFile

ROOM = 1900
"""Characters of one page; a message holds 2000 (docs: message, content), and the frame takes some."""
FENCE = "```"
_BROKEN_FENCE = "`\u200b`\u200b`"
MOST_PAGES = 12
"""More pages than that are easier read as a file."""
KEPT = 300
GONE = "This page is no longer live: use the command again."
CUSTOM_ID = re.compile(r"replay:(?P<word>[0-9a-f]{16}):(?P<action>[a-z]+)")
STYLES = {False: discord.ButtonStyle.secondary, True: discord.ButtonStyle.danger}

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
class Display:
    """What a message shows."""

    text: str
    buttons: tuple[Button, ...] = ()
    file: ReportFile | None = None


class PagedReport:
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
            self._file = ReportFile("answer.txt", text.encode())
            self._pages = [f"{self._pages[0]}\n-# The beginning; all of it is in the file."]

    @property
    def display(self) -> Display:
        """Return what the message shows now."""
        return Display(self._pages[self._at] + self._footer, self._buttons, self._file)

    def decides(self, action: str) -> bool:
        """Tell whether a press makes the buttons do nothing from then on."""
        del action
        return False

    def named(self, command: str, action: str) -> str:
        """Return what the log calls a press; leafing through what was read already is not worth a record."""
        return f"{command} {action}" if action == "next" and self._at + 1 >= len(self._pages) else ""

    async def press(self, action: str) -> PagedReport:
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


class Confirmation(PagedReport):
    """A preview with a button that does what it shows, once, and one that does not."""

    def __init__(self, preview: Report, *, channel_id: int | None, label: str, act: Act) -> None:
        super().__init__(preview, channel_id=channel_id)
        self._label = label
        self._act = act

    @property
    def display(self) -> Display:
        """Return the preview with its buttons."""
        shown = super().display
        deciding = (Button("confirm", self._label, dangerous=True), Button("cancel", "Cancel"))
        return Display(shown.text, (*shown.buttons, *deciding), shown.file)

    def decides(self, action: str) -> bool:
        """Tell whether a press decides."""
        return action in ("confirm", "cancel")

    def named(self, command: str, action: str) -> str:
        """Return the command's own name for doing it."""
        return {"confirm": command, "cancel": f"{command} cancel"}.get(action, "")

    async def press(self, action: str) -> PagedReport:
        """Act, or leave it, or turn a page of the preview."""
        if action == "confirm":
            return PagedReport(await self._act(), channel_id=self.channel_id)
        if action == "cancel":
            return plain("Nothing was changed.")
        return await super().press(action)


def plain(sentence: str) -> PagedReport:
    """Return an answer of one sentence."""
    return PagedReport(Report(sentence))


@dataclass(frozen=True, slots=True)
class LiveReport:
    """An answer with buttons, who may press them, and the command and options that led to it."""

    answer: PagedReport
    asker_id: int
    command: str
    options: str


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a live answer's button."""

    word: str
    action: str
    live: LiveReport


class LiveReports:
    """The live answers, each by a word that nobody can guess."""

    def __init__(self) -> None:
        self._answers: LRUCache[str, LiveReport] = LRUCache(KEPT)

    def keep(self, live: LiveReport, word: str = "") -> str:
        """Make an answer live and return its word, the one it has or a new one; the one longest unused ends."""
        word = word or secrets.token_hex(8)
        self._answers[word] = live
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


def pages(title: str, lines: Sequence[str]) -> list[str]:
    """Return the messages that show ``lines`` under ``title``, at least one; a title alone is a sentence."""
    if not lines:
        return [_cut(_plain(title), ROOM) or "Nothing."]
    heading = _cut(_plain(title), ROOM // 4)
    return [_page(heading, block) for block in _blocks(_pieces(lines), ROOM - len(heading))]


def _page(heading: str, block: str) -> str:
    body = f"{FENCE}\n{block}\n{FENCE}"
    return f"**{heading}**\n{body}" if heading else body


def _plain(text: str) -> str:
    """Keep a line from ending a code block, and from more than one line."""
    return " ".join(text.replace(FENCE, _BROKEN_FENCE).splitlines())


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines that each fit in a page."""
    for line in lines:
        plain = _plain(line)
        if len(plain) <= ROOM // 2:
            yield plain
            continue
        for start in range(0, len(plain), ROOM // 2):
            yield plain[start : start + ROOM // 2]


def _blocks(pieces: Iterable[str], room: int) -> Iterator[str]:
    block: list[str] = []
    length = 0
    for piece in pieces:
        if block and length + len(piece) + 1 > room:
            yield "\n".join(block)
            block, length = [], 0
        block.append(piece)
        length += len(piece) + 1
    if block:
        yield "\n".join(block)
