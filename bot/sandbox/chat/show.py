"""A message as the chat shows it: who says what, with embeds, files and buttons, and nothing that drives a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from rich.text import Text

from bot.sandbox.chat.components import links, pressables, texts
from bot.sandbox.chat.names import Names
from bot.sandbox.chat.safe import printable, printable_lines
from bot.sandbox.json_codec import Json

_FENCE = re.compile(r"\s*```[\w+-]*\s*")
_BOLD = re.compile(r"\*\*(?P<text>.+)\*\*")
_SMALL = "-# "
_THOUSAND = 1000


def message_text(data: Json, names: Names, notes: Sequence[str] = (), *, with_id: bool = False) -> Text:
    """Return a message: a line, or a heading with its lines below; ``notes`` say what is special about it."""
    lines = [*content_lines(names.plain(str(data["content"]))), *_parts(data, names)]
    shown = heading(data, notes, with_id=with_id)
    if not lines:
        return shown.append(" (empty)", style="dim")
    if len(lines) == 1:
        return shown.append(" ").append_text(lines[0])
    for line in lines:
        shown.append("\n  ").append_text(line)
    return shown


def heading(data: Json, notes: Sequence[str], *, with_id: bool) -> Text:
    """Return who speaks, and how."""
    shown = Text()
    if with_id:
        shown.append(f"{printable(data['id'])} ", style="dim")
    shown.append(printable(data["author"]["username"]), style="bold cyan" if data["author"].get("bot") else "bold")
    if notes:
        shown.append(f" ({', '.join(map(printable, notes))})", style="dim")
    return shown.append(":")


def content_lines(content: str) -> list[Text]:
    """Return the lines of a content; Discord's fences, bold lines and small print become what they mean."""
    shown: list[Text] = []
    fenced = False
    for line in printable_lines(content) if content else ():
        if _FENCE.fullmatch(line):
            fenced = not fenced
        else:
            shown.append(Text(line) if fenced else _styled(line))
    return shown


def _styled(line: str) -> Text:
    bold = _BOLD.fullmatch(line)
    if bold is not None:
        return Text(bold["text"], style="bold")
    return Text(line.removeprefix(_SMALL), style="dim") if line.startswith(_SMALL) else Text(line)


def _parts(data: Json, names: Names) -> Iterable[Text]:
    for embed in data["embeds"]:
        yield from _embed(embed, names)
    for file in data["attachments"]:
        yield _file(file)
    for text in texts(data["components"]):
        yield from content_lines(names.plain(text))
    yield from (Text(line, style="dim") for line in links(data["components"]))
    buttons = pressables(data["components"])
    if buttons:
        yield Text("  ").join(Text(each.text, style="dim" if each.disabled else "yellow") for each in buttons)


def _embed(embed: Json, names: Names) -> Iterable[Text]:
    title = embed.get("title")
    if title:
        yield Text(printable(title), style="bold")
    texts_of = [embed.get("url"), _part(embed, "author", "name"), embed.get("description")]
    texts_of += [f"{field.get('name')}: {field.get('value')}" for field in embed.get("fields", [])]
    texts_of += [_part(embed, "image", "url"), _part(embed, "footer", "text")]
    for text in texts_of:
        yield from content_lines(names.plain(str(text))) if text else ()


def _part(embed: Json, name: str, key: str) -> Any:  # noqa: ANN401 - JSON
    part = embed.get(name)
    return part.get(key) if isinstance(part, dict) else None


def _file(file: Json) -> Text:
    shown = Text("file ", style="dim").append(printable(file["filename"]), style="bold")
    return shown.append(f" ({size_text(file['size'])}) {printable(file['url'])}", style="dim")


def size_text(size: int) -> str:
    """Return a number of bytes for eyes."""
    if size < _THOUSAND:
        return f"{size} byte{'' if size == 1 else 's'}"
    return f"{size / _THOUSAND:.1f} kB" if size < _THOUSAND**2 else f"{size / _THOUSAND**2:.1f} MB"


def quote(content: str, most: int = 40) -> str:
    """Return the beginning of a content on one line."""
    line = " ".join(content.split())
    return f'"{line if len(line) <= most else f"{line[: most - 1]}…"}"'
