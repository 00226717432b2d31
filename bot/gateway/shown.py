"""What a message shows besides its text, from Discord's own JSON, in words (:class:`bot.core.events.Shown`).

Everything is bounded. Whatever is odd about one thing, the others and the message are there (Discord's OpenAPI
description, MessageResponse; docs: message object, embed object, poll object, component reference).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from bot.core.addressing import DEFAULT, REPLY, RESPONSES
from bot.core.events import Shown, ShownKind
from bot.gateway.system_messages import said_by_discord

LONGEST, LONGEST_OF_ALL, MOST = 4000, 8000, 25
"""Characters of one thing and of all together, and how many things: an embed has up to 6,000, a message ten of them."""
FORWARD = 1
"""The type of a reference to a message that is forwarded; all others are replies or notes (docs: message reference)."""
STARTER = 21

_PLAIN = frozenset((DEFAULT, REPLY))
_WRITTEN = frozenset((DEFAULT, REPLY, *RESPONSES))
_DEEPEST = 6
_LONGEST_SOUND = 10**7
_BUTTON, _SELECTS, _TEXT, _THUMBNAIL, _GALLERY, _FILE = 2, frozenset((3, 5, 6, 7, 8)), 10, 11, 12, 13
"""Types of components (docs: component reference)."""

Json: TypeAlias = Mapping[str, Any]

ODD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What a value that is not as documented raises."""


def is_forward(data: Json) -> bool:
    """Tell whether a message forwards another one: it is no reply to it, whoever wrote that."""
    return (data.get("message_reference") or {}).get("type") == FORWARD


def may_show(data: Json, kind_of_message: int) -> bool:
    """Tell whether a message may show anything besides its text. Most don't."""
    return bool(
        data.get("embeds")
        or data.get("attachments")
        or data.get("components")
        or "message_snapshots" in data
        or "sticker_items" in data
        or "poll" in data
        or kind_of_message not in _PLAIN
    )


def shown_in(data: Json, kind_of_message: int) -> tuple[Shown, ...]:
    """Return what a message shows besides its text; never raises."""
    found: list[Shown] = []
    left = LONGEST_OF_ALL
    for kind, text in _things(data, kind_of_message):
        whole = _cut(text, min(LONGEST, left))
        if len(found) == MOST or (text and not whole):
            break
        found.append(Shown(kind, whole))
        left -= len(whole)
    return tuple(found)


def _things(data: Json, kind: int) -> Iterator[tuple[ShownKind, str]]:
    if kind in RESPONSES:
        yield from _tried(ShownKind.COMMAND, _command, (data,))
    elif kind not in _WRITTEN:
        yield from _tried(ShownKind.SYSTEM, partial(said_by_discord, kind), (data,))
        if kind == STARTER:
            return
    yield from _tried(ShownKind.FORWARD, _forwarded, _listed(data.get("message_snapshots")))
    yield from _tried(ShownKind.POLL, _poll, (data["poll"],) if data.get("poll") else ())
    yield from _content(data)


def _content(data: Json) -> Iterator[tuple[ShownKind, str]]:
    """Yield what a message and a snapshot of one both may show."""
    yield from _tried(ShownKind.STICKER, lambda each: _text(each["name"]), _listed(data.get("sticker_items")))
    yield from _tried(ShownKind.VOICE, _voice, _listed(data.get("attachments")))
    yield from _tried(ShownKind.FILE, _described, _listed(data.get("attachments")))
    yield from _tried(ShownKind.PARTS, lambda each: "\n".join(_component(each, 0)), _listed(data.get("components")))
    yield from _tried(ShownKind.EMBED, _embed, _listed(data.get("embeds")))


def _tried(kind: ShownKind, words: Callable[[Any], str], things: Iterable[Any]) -> Iterator[tuple[ShownKind, str]]:
    for thing in things:
        try:
            text = words(thing).strip()
        except ODD:
            continue
        if text:
            yield kind, text


def _listed(value: object) -> Iterable[Any]:
    return value[: 2 * MOST] if isinstance(value, list) else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(0, length - 1)] + "…" * (length > 0)


def _of(thing: Json, *names: str) -> str:
    """Return a text within a thing, "" where it is not there."""
    found: Any = thing
    for name in names:
        found = (found or {}).get(name)
    return _text(found)


# -- each kind ---------------------------------------------------------------------------------------------------------


def _forwarded(snapshot: Json) -> str:
    """Return the words of a forwarded message. Discord does not say who wrote it."""
    message = snapshot["message"]
    files = (f"[file] {_text(each.get('filename'))}" for each in _listed(message.get("attachments")))
    lines = (f"[{kind}] {text}" for kind, text in _content(message))
    return "\n".join(line for line in (_text(message.get("content")), *files, *lines) if line) or "an empty message"


def _embed(embed: Json) -> str:
    """Return an embed's text in the order in which it is shown. The result of a poll is told by its system message."""
    if embed.get("type") == "poll_result":
        return ""
    fields = (f"{_of(each, 'name')}: {_of(each, 'value')}" for each in _listed(embed.get("fields")))
    lines = (
        _of(embed, "provider", "name"),
        _of(embed, "author", "name"),
        _of(embed, "title"),
        _of(embed, "description"),
        *fields,
        _of(embed, "footer", "text"),
        _of(embed, "url"),
    )
    inner = (line for each in _listed(embed.get("components")) for line in _component(each, 0))
    return "\n".join(line for line in (*lines, *inner) if line)


def _poll(poll: Json) -> str:
    results = poll.get("results") or {}
    counts = {each["id"]: int(each["count"]) for each in _listed(results.get("answer_counts"))}
    options = [
        f"- {_media(each['poll_media'])}" + (f": {counts.get(each.get('answer_id'), 0)}" if results else "")
        for each in _listed(poll.get("answers"))
    ]
    ended = ["(ended)"] if results.get("is_finalized") else []
    return "\n".join((_media(poll["question"]), *options, *ended))


def _media(media: Json) -> str:
    emoji = (media.get("emoji") or {}).get("name")
    return " ".join(part for part in (_text(emoji), _text(media.get("text"))) if part)


def _voice(file: Json) -> str:
    """Return the length of a voice message. A transcript would be a line of its own here."""
    length = length_of(file)
    return f"{max(1, round(length / 1000))} seconds" if length and file.get("waveform") is not None else ""


def length_of(file: Json) -> int:
    """Return for how many milliseconds a file plays, 0 where Discord does not say."""
    seconds = file.get("duration_secs")
    return round(seconds * 1000) if isinstance(seconds, int | float) and 0 < seconds < _LONGEST_SOUND else 0


def _described(file: Json) -> str:
    described = _text(file.get("description"))
    return f"{_text(file.get('filename'))}: {described}" if described else ""


def _component(component: Json, depth: int) -> Iterator[str]:
    """Yield what a component and those within it say."""
    kind = component.get("type")
    if kind == _TEXT:
        yield _text(component.get("content"))
    elif kind == _BUTTON:
        label = " ".join((_of(component, "emoji", "name"), _of(component, "label"))).strip()
        yield f"button: {label or _of(component, 'url')}"
    elif kind in _SELECTS:
        options = ", ".join(_of(each, "label") for each in _listed(component.get("options")))
        yield f"menu: {': '.join(part for part in (_of(component, 'placeholder'), options) if part)}"
    elif kind in (_THUMBNAIL, _FILE):
        yield _of(component, "description") or _of(component, "name")
    elif kind == _GALLERY:
        yield from (_of(each, "description") for each in _listed(component.get("items")))
    if depth < _DEEPEST:
        for inner in (*_listed(component.get("components")), component.get("accessory")):
            if isinstance(inner, Mapping):
                yield from (line for line in _component(inner, depth + 1) if line)


def _command(data: Json) -> str:
    """Return the command that a message responds to, and who used it."""
    user = (data.get("interaction") or data["interaction_metadata"])["user"]
    name, who = _of(data, "interaction", "name"), _text(user.get("global_name")) or _text(user.get("username"))
    by = f"used by {who}" if who else "used"
    return f"/{name} {by}" if name else by
