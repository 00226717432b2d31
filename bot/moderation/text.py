"""Events and states as text: JSON for machines, lines for people, without anything that could control a terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum
from typing import Any, cast

from pydantic import BaseModel

from bot.core.events import Body, OwnRecorded, Recorded, Retired, Unreadable
from bot.core.seen import seen, shown_lines, spoken, with_names
from bot.core.window import Turn
from bot.eventlog.reader import Bodies, Reader
from bot.times import iso_time, utc_time
from bot.unseen import escaped

ID_FIELDS = frozenset(
    {
        "after",
        "attachments",
        "author_id",
        "channel_id",
        "forwards",
        "guild_id",
        "id",
        "message_id",
        "parent_id",
        "people",
        "press_id",
        "reply_to",
        "role_id",
        "sent_id",
        "sent_ids",
        "starter_id",
        "summary_upto",
        "surplus",
        "thread_id",
        "together_with",
        "upto",
        "user_id",
        "watermark",
    }
)
"""Fields with Discord ids. In JSON they are text, as Discord writes them: many readers round numbers above 2**53."""

SHOWN_AS: Mapping[str, str] = {
    "asked_position": "asked_at",
    "cause_position": "cause",
    "composed_position": "composed_at",
    "continues_position": "continues",
    "erased_version": "erased_at",
    "model_changed_version": "model_changed_at",
    "model_position": "model_at",
    "persona_changed_version": "persona_changed_at",
    "persona_position": "persona_at",
    "reply_to_id": "reply_to",
    "rewound_version": "rewound_at",
    "summary_position": "summary_at",
    "summary_upto_id": "summary_upto",
    "surplus_ids": "surplus",
    "watermark_id": "watermark",
}
"""Fields of the state that are shown under another name. People's scripts use that name, so it stays."""


WORDS_ERASED, WORDS_UNREADABLE = "[words erased]", "[words unreadable]"
"""What is shown in the place of words."""
NOT_OPENED = "its words do not open"
RETIRED = "[not recorded any more]"
"""What is shown in the place of the fields of an event whose type is retired."""
_QUIET_FIELDS = frozenset({"sent_at"})
_MOMENTS = frozenset({"edited_at", "retry_at"})
"""Fields that hold a time, in microseconds. Others of such names hold a position of the log."""


def plain(value: Any, *, is_id: bool = False) -> Any:  # noqa: ANN401 - JSON
    """Return an event, a state, or a part of one, as JSON: fields by name, Discord ids as text (0, none: null)."""
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, tuple | list) and not hasattr(value, "_asdict"):
        return [plain(item, is_id=is_id) for item in value]
    named = _fields(value)
    if named is not None:
        return {name: plain(item, is_id=name in ID_FIELDS) for name, item in named}
    if is_id:
        return str(value) if value else None
    return value


def _fields(value: Any) -> Iterable[tuple[str, Any]] | None:  # noqa: ANN401 - any value that an event may hold
    if isinstance(value, BaseModel):
        return value
    if is_dataclass(value):
        return [(SHOWN_AS.get(field.name, field.name), getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, tuple):
        return cast("Iterable[tuple[str, Any]]", value._asdict().items())  # type: ignore[attr-defined]  # a named one
    return None


def printable(text: str) -> str:
    """Return people's words on one line; what nobody would see of them is escaped (:mod:`bot.unseen`)."""
    return escaped(text)


def size_text(size: int) -> str:
    """Return a size in bytes in a form for people."""
    amount, unit = float(size), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:  # noqa: PLR2004 - a KiB
            break
        amount, unit = amount / 1024, larger
    return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"


def count_text(count: int, noun: str, plural: str = "") -> str:
    """Return ``1 event`` or ``1,234 events``; ``plural`` is for nouns whose plural needs more than an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural or f'{noun}s'}"


def shortened(text: str, length: int = 100) -> str:
    """Return a text cut to ``length`` characters, with an ellipsis if it was cut."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def quote(body: Body) -> str:
    """Return people's words on one line."""
    name = f"{printable(body.name)}: " if body.name else ""
    files = "".join(f" [{printable(name)}]" for name in body.files)
    names, said = dict(body.names), body.parts
    if body.shown:
        said = tuple(filter(None, (*(spoken(part, body.shown) for part in said), shown_lines(body.shown))))
    return name + " | ".join(f'"{printable(with_names(part, names))}"' for part in said) + files


def details(recorded: Recorded, without: Collection[str] = ()) -> str:
    """Return the fields of an event that have a value, as name=value; for lists the value is their length.

    Fields ``without`` are left out. Of one that can't be read, return why, and of one that is retired, that it is.
    """
    if isinstance(recorded.event, Unreadable):
        return f"[unreadable: {recorded.event.why.value}]"
    if isinstance(recorded.event, Retired):
        return RETIRED
    named, own = recorded.event.model_dump(mode="json", exclude_defaults=True), ""
    if isinstance(recorded.event, OwnRecorded):
        named, own = recorded.event.data, f"{recorded.event.type} v{recorded.event.v} "
    return own + " ".join(
        f"{name}={_shown(name, value)}"
        for name, value in named.items()
        if name not in _QUIET_FIELDS and name not in without
    )


def _shown(name: str, value: Any) -> str:  # noqa: ANN401 - a field's
    if isinstance(value, list):
        return str(len(value))
    # An event of anybody's own may hold any number under this name.
    with suppress(OverflowError):
        if name in _MOMENTS and isinstance(value, int):
            return iso_time(value)
    return printable(str(value))


def _words(body: Body) -> dict[str, Any]:
    """Return words as JSON; what few messages have is there only where they have it."""
    named = body.model_dump(mode="json")
    return {name: value for name, value in named.items() if value or name not in ("shown", "names")}


@dataclass(frozen=True, slots=True)
class Line:
    """An event with its words; ``body`` is None if it has none, or they are not wanted, are ``erased`` or do not open.

    ``sealed`` tells the last of these.
    """

    recorded: Recorded
    body: Body | None
    erased: bool = False
    sealed: bool = False

    @property
    def unreadable(self) -> str:
        """Return why the event or its words can't be read, "" where they can."""
        event = self.recorded.event
        return event.why.value if isinstance(event, Unreadable) else NOT_OPENED if self.sealed else ""

    @property
    def wordless(self) -> bool:
        """Tell whether its words are wanted and missing, for whatever reason."""
        return self.erased or self.sealed

    def to_json(self) -> dict[str, Any]:
        """Return the event as JSON: ids as text, the time in UTC.

        ``erased`` if its words were erased, ``retired`` if its type is not recorded any more; ``unreadable`` says why
        the event, or else its words, can't be read.
        """
        recorded, event, form = self.recorded, self.recorded.event, self.recorded.event.form
        named = {
            "position": recorded.position,
            "stream": recorded.stream,
            "version": recorded.version,
            "type": form.type,
            "v": form.v,
            "recorded_at": iso_time(recorded.recorded_at),
            "correlation": None if recorded.correlation is None else str(recorded.correlation),
            "causation": recorded.causation,
            "data": None if isinstance(event, Unreadable | Retired) else plain(event),
            "body": None if self.body is None else _words(self.body),
        }
        named |= {"erased": True} if self.erased else {}
        named |= {"retired": True} if isinstance(event, Retired) else {}
        return named | {"unreadable": self.unreadable} if self.unreadable else named

    def said(self) -> str:
        """Return the words on one line, or that they are erased or do not open."""
        if self.wordless:
            return WORDS_ERASED if self.erased else WORDS_UNREADABLE
        return "" if self.body is None else quote(self.body)

    def told(self, without: Collection[str] = ()) -> str:
        """Return fields, but for those ``without``, and words on one line."""
        return "  ".join(part for part in (details(self.recorded, without), self.said()) if part)

    def to_text(self) -> str:
        """Return a line for people: time, version, type, fields, words."""
        recorded = self.recorded
        start = f"{utc_time(recorded.recorded_at)}  v{recorded.version}  {printable(recorded.event.form.type)}"
        return shortened(f"{start}  {self.told()}".rstrip(), 200)


async def lines(reader: Reader, events: Sequence[Recorded], *, words: bool) -> list[Line]:
    """Return ``events`` as lines, with their words (fetched at once) or without."""
    worded = [recorded.position for recorded in events if words]
    bodies = await reader.bodies(worded) if worded else Bodies()
    # What a person wrote who had opted out never had words.
    missing = [position for position in worded if position not in bodies]
    erased = await reader.erased(missing) if missing else set()
    return [
        Line(
            recorded,
            bodies.get(recorded.position),
            recorded.position in erased,
            recorded.position in bodies.unreadable,
        )
        for recorded in events
    ]


def without_words(bodies: Bodies | None, position: int) -> str:
    """Return what is shown in the place of words that are not among ``bodies``."""
    return WORDS_UNREADABLE if bodies is not None and position in bodies.unreadable else WORDS_ERASED


async def words_of(reader: Reader, turns: Sequence[Turn]) -> Bodies | None:
    """Return the words of turns by position, or None if the log is read without its key."""
    return None if reader.vault is None else await reader.bodies({turn.position for turn in turns})


def turn_line(turn: Turn, bodies: Bodies | None) -> str:
    """Return a turn as a line: its message, its author, its words."""
    who = "bot" if turn.role.name == "BOT" else str(turn.author_id)
    start = f"{turn.message_id} {who}"
    if bodies is None:
        return start
    body = bodies.get(turn.position)
    if body is None or turn.part >= len(body.parts):
        return f"{start} {without_words(bodies, turn.position)}"
    name = f"{printable(body.name)}: " if body.name else ""
    return shortened(f"{start} {name}{printable(seen(body, turn.part))}")
