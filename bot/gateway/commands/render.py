"""From lines to what a Discord message can hold: pages of code blocks, none longer than a message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

ROOM = 1900
"""Characters of one page; a message holds 2000 (docs: message, content), and the frame takes some."""
FENCE = "```"
_BROKEN_FENCE = "`\u200b`\u200b`"


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
