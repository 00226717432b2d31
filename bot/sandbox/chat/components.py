"""A bot's buttons, selects and forms: what a person can press by number, and the fields that they fill in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from rich.text import Text

from bot.sandbox.chat.screen import ChatScreen, printable
from bot.sandbox.chat.session import Names, unknown
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

AskField: TypeAlias = Callable[[str, str], Awaitable[str | None]]
"""Asks for a field by its label and first value; returns None if the person gives up."""

_TEXT_INPUT, _TEXT_DISPLAY = 4, 10
_MOST = 4000


@dataclass(frozen=True, slots=True)
class Pressable:
    """A button or a select; ``number`` counts from 1 in its message, ``choices`` are pairs of label and value."""

    number: int
    custom_id: str
    kind: int
    label: str
    disabled: bool
    choices: tuple[tuple[str, str], ...] = ()
    most: int = 1

    @property
    def text(self) -> str:
        """Return what the chat shows, made printable."""
        choices = f": {', '.join(printable(label) for label, _ in self.choices)}" if self.choices else ""
        return f"[{self.number}] {printable(self.label)}{choices}{' (disabled)' if self.disabled else ''}"

    def values(self, text: str, names: Names) -> list[str]:
        """Return the values that a text chooses from a select; raise SandboxError for an unknown choice."""
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
    """List the buttons and selects of a message in their order."""
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
    """List the link buttons, made printable."""
    found = [item for item in _flat(components) if item.get("type") == BUTTON and "url" in item]
    return [f"{printable(_label(item, BUTTON))}: {printable(item['url'])}" for item in found]


def texts(components: list[Json]) -> list[str]:
    """List the texts among the components."""
    return [
        str(item["content"]) for item in _flat(components) if item.get("type") == _TEXT_DISPLAY and "content" in item
    ]


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


@dataclass(frozen=True, slots=True)
class TextField:
    """A text field of a form."""

    custom_id: str
    label: str
    value: str
    required: bool
    least: int
    most: int

    def problem(self, text: str) -> str:
        """Return what is wrong with a text for this field, or ""."""
        if not text and self.required:
            return f"{self.label} has to be filled in."
        if text and not self.least <= len(text) <= self.most:
            return f"{self.label} takes {self.least} to {self.most} characters; that are {len(text)}."
        return ""


async def fill_in(form: Json, screen: ChatScreen, ask: AskField) -> dict[str, str]:
    """Ask for each field of a form and return the texts by id; raise SandboxError if the person gives up."""
    screen.say(Text(f"Form: {printable(form['title'])} (Ctrl-C leaves it)", style="bold"))
    await screen.flush()
    return {field.custom_id: await _fill_in(field, screen, ask) for field in _fields(form.get("components"), "")}


async def _fill_in(field: TextField, screen: ChatScreen, ask: AskField) -> str:
    label = printable(field.label) if field.required else f"{printable(field.label)} (may stay empty)"
    while True:
        text = await ask(label, printable(field.value))
        if text is None:
            raise SandboxError("The form was not sent.")
        problem = field.problem(text)
        if not problem:
            return text
        screen.refuse(problem)
        await screen.flush()


def _fields(components: object, label: str) -> Iterator[TextField]:
    """Find the text inputs; ``label`` is that of the component around them."""
    for component in _listed(components):
        if not isinstance(component, dict):
            continue
        if component.get("type") == _TEXT_INPUT:
            least, most = component.get("min_length"), component.get("max_length")
            yield TextField(
                str(component.get("custom_id", "")),
                str(component.get("label") or label),
                str(component.get("value") or ""),
                component.get("required", True) is not False,
                least if isinstance(least, int) else 0,
                most if isinstance(most, int) else _MOST,
            )
        around = str(component.get("label") or "")
        yield from _fields(component.get("components"), around)
        yield from _fields([component.get("component")], around)
