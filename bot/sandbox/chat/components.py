"""Buttons and selects under a message: what a person can press, by number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.sandbox.chat.mistakes import unknown
from bot.sandbox.chat.names import Names
from bot.sandbox.chat.safe import printable
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json

BUTTON, STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT = 2, 3, 5, 6, 7, 8
_SELECTS = {
    STRING_SELECT: "Choose",
    USER_SELECT: "Choose a person",
    ROLE_SELECT: "Choose a role",
    MENTIONABLE_SELECT: "Choose a person or a role",
    CHANNEL_SELECT: "Choose a channel",
}


@dataclass(frozen=True, slots=True)
class Pressable:
    """A button or a select; ``number`` counts from 1 in its message, ``choices`` are a select's labels and values."""

    number: int
    custom_id: str
    kind: int
    label: str
    disabled: bool
    choices: tuple[tuple[str, str], ...] = ()
    most: int = 1

    @property
    def text(self) -> str:
        """Return it as the chat shows it, fit for a terminal."""
        choices = f": {', '.join(printable(label) for label, _ in self.choices)}" if self.choices else ""
        return f"[{self.number}] {printable(self.label)}{choices}{' (disabled)' if self.disabled else ''}"

    def values(self, text: str, names: Names) -> list[str]:
        """Return what is chosen from a select; raise SandboxError for what can't be."""
        if self.kind == BUTTON:
            if text:
                raise SandboxError(f"[{self.number}] is a button: /press {self.number} is all.")
            return []
        parts = [part.strip() for part in text.split(",")] if self.most > 1 else [text.strip()]
        chosen = [self._value(part, names) for part in parts if part]
        if not chosen:
            raise SandboxError(f"[{self.number}] is a list: write /press {self.number} and what you choose.")
        return chosen

    def _value(self, text: str, names: Names) -> str:
        if self.kind == USER_SELECT:
            return names.user_id(text)
        if self.kind == CHANNEL_SELECT:
            return names.channel_id(text)
        if self.kind == ROLE_SELECT:
            return names.role_id(text)
        if self.kind == MENTIONABLE_SELECT:
            return names.role_id(text) if text.removeprefix("@") in names.roles() else names.user_id(text)
        for label, value in self.choices:
            if text.lower() in (label.lower(), value.lower()):
                return value
        raise unknown(f"There is no choice {text!r}", text, [label for label, _ in self.choices])


def pressables(components: list[Json]) -> list[Pressable]:
    """List the buttons and selects of a message, in the order in which they stand."""
    found: list[Pressable] = []
    for component in _flat(components):
        kind = component.get("type")
        if not isinstance(component.get("custom_id"), str) or (kind != BUTTON and kind not in _SELECTS):
            continue
        custom_id, disabled = component["custom_id"], component.get("disabled") is True
        options = [item for item in _listed(component.get("options")) if isinstance(item, dict)]
        choices = tuple((str(item.get("label", "")), str(item.get("value", ""))) for item in options)
        most = component.get("max_values", 1)
        most = most if isinstance(most, int) else 1
        found.append(Pressable(len(found) + 1, custom_id, kind, _label(component, kind), disabled, choices, most))
    return found


def links(components: list[Json]) -> list[str]:
    """List the buttons that only lead somewhere, fit for a terminal."""
    found = [item for item in _flat(components) if item.get("type") == BUTTON and "url" in item]
    return [f"{printable(_label(item, BUTTON))}: {printable(item['url'])}" for item in found]


def texts(components: list[Json]) -> list[str]:
    """List the texts that stand among the components."""
    return [str(item["content"]) for item in _flat(components) if item.get("type") == 10 and "content" in item]  # noqa: PLR2004 - text display


def _label(component: Json, kind: int) -> str:
    if kind != BUTTON:
        return str(component.get("placeholder") or _SELECTS[kind])
    emoji = component.get("emoji")
    sign = str(emoji.get("name", "")) if isinstance(emoji, dict) else ""
    return f"{sign} {component.get('label') or ''}".strip() or "(no label)"


def _flat(components: list[Any]) -> Iterator[Json]:
    for component in components:
        if isinstance(component, dict):
            yield component
            yield from _flat(_listed(component.get("components")))
            yield from _flat([component.get("accessory")])


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
