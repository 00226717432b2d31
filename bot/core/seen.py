"""All that a person sees of a message, as one text: for models, the search, exports, and moderators.

A message is more than what its author typed: it may forward another one, show a poll or the preview of a link. Each
such thing is a line that begins with its kind in square brackets. In the place of Discord's marks stand the names that
its clients show (docs: reference, message formatting), so that no id is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from bot.core.events import Body, Shown, ShownKind
from bot.core.sources import without_sources

NOBODY = "someone"
_UNKNOWN = {"@": NOBODY, "&": "a role", "#": "a channel"}
_LABELS = {
    ShownKind.FORWARD: "forwarded",
    ShownKind.EMBED: "embed",
    ShownKind.POLL: "poll",
    ShownKind.STICKER: "sticker",
    ShownKind.VOICE: "voice message",
    ShownKind.FILE: "file",
    ShownKind.PARTS: "shows",
    ShownKind.COMMAND: "command",
}
_MARK = re.compile(
    r"<(?:@(?P<role>&)?!?(?P<person>[0-9]{1,20})|#(?P<channel>[0-9]{1,20})"
    r"|t:(?P<time>-?[0-9]{1,13})(?::[a-zA-Z])?|a?(?P<emoji>:\w{1,100}:)[0-9]{1,20}"
    r"|(?P<command>/[^<>:\n]{1,200}):[0-9]{1,20}|id:(?P<place>[a-z-]{1,30})(?::[0-9]{1,20})?)>"
    r"|https?://(?:\w+\.)?discord(?:app)?\.com/channels/(?:@me|[0-9]{1,20})/(?P<link>[0-9]{1,20})(?P<message>/[0-9]{1,20})?"
)


def seen(body: Body, part: int | None = None) -> str:
    """Return what a person sees of a message, with the names of its files; ``part`` is one of a longer answer."""
    return with_names(marked(body, part), dict(body.names))


def words_of(body: Body) -> str:
    """Return the words that one may look for: as they were written, and the names; without the kinds of things."""
    shown, names = (each.text for each in body.shown), (each.name for each in body.names)
    return "\n".join((*body.parts, *shown, *body.files, *names))


def told(body: Body, part: int | None = None, *, by_bot: bool) -> str:
    """Return what a model is told of a message, with Discord's marks: without what stands there for people alone."""
    if not by_bot:
        return marked(body, part)
    said = body.text if part is None else body.parts[part] if part < len(body.parts) else ""
    return marked(body.model_copy(update={"parts": (without_sources(said),)}))


def marked(body: Body, part: int | None = None) -> str:
    """Return what a person sees with Discord's marks in it, for who knows more names."""
    return "\n".join(filter(None, (written(body, part), *file_lines(body))))


def written(body: Body, part: int | None = None) -> str:
    """Return what a person sees above the names of files, with Discord's marks: where there may be markdown."""
    text = body.text if part is None else body.parts[part] if part < len(body.parts) else ""
    return "\n".join(filter(None, (spoken(text, body.shown), shown_lines(body.shown))))


def file_lines(body: Body) -> Iterable[str]:
    """Return the names of a message's files, each as a line."""
    return (f"[file] {name}" for name in body.files)


def spoken(text: str, shown: Iterable[Shown]) -> str:
    """Return the text of a message, "" where what Discord says in its place holds it already."""
    return "" if any(each.kind is ShownKind.SYSTEM for each in shown) else text


def shown_lines(shown: Iterable[Shown]) -> str:
    """Return what a message shows besides its text, each thing under its kind."""
    return "\n".join(map(_line, shown)) if shown else ""


def _line(shown: Shown) -> str:
    if shown.kind is ShownKind.SYSTEM:
        return f"[{shown.text}]"
    return f"[{_LABELS[shown.kind]}] {shown.text}".rstrip()


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Replace Discord's marks by what people see; ``names`` are those of :class:`Named`, by mark."""
    if not may_hold_marks(text):
        return text
    return _MARK.sub(lambda found: _replaced(found, names), text)


def _replaced(found: re.Match[str], names: Mapping[str, str]) -> str:
    for kind, sign in (("person", "&" if found["role"] else "@"), ("channel", "#"), ("link", "#")):
        if found[kind]:
            name = names.get(f"{sign}{found[kind]}") or _UNKNOWN[sign]
            place = f"#{name}" if sign == "#" else f"@{name}"
            return f"a message in {place}" if found["message"] else place
    if found["time"]:
        return _moment(int(found["time"]))
    return found["emoji"] or found["command"] or f"#{found['place']}"


def _moment(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return "a time"


def may_hold_marks(text: str) -> bool:
    """Tell whether there may be marks in a text. In most there are none."""
    return "<" in text or "/channels/" in text


def marks_in(text: str) -> list[str]:
    """Return the marks of people, roles and channels in a text, each once, in the form of :class:`Named`."""
    if not may_hold_marks(text):
        return []
    marks = (
        f"{'&' if found['role'] else '@'}{found['person']}"
        if found["person"]
        else f"#{found['channel'] or found['link']}"
        for found in _MARK.finditer(text)
        if found["person"] or found["channel"] or found["link"]
    )
    return list(dict.fromkeys(marks))
