"""Forms (modals) that a bot shows: filled in field by field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from rich.text import Text

from bot.sandbox.chat.safe import printable
from bot.sandbox.chat.screen import ChatScreen
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json

AskField: TypeAlias = Callable[[str, str], Awaitable[str | None]]
"""Asks for one field by its label, with what stands in it at first; None: the person gives up."""

_TEXT_INPUT = 4
_MOST = 4000


@dataclass(frozen=True, slots=True)
class Field:
    """One text field."""

    custom_id: str
    label: str
    value: str
    required: bool
    least: int
    most: int

    @classmethod
    def of(cls, component: Json, label: str) -> Field:
        """Read a text input; ``label`` is that of the component around it."""
        least, most = component.get("min_length"), component.get("max_length")
        return cls(
            str(component.get("custom_id", "")),
            str(component.get("label") or label),
            str(component.get("value") or ""),
            component.get("required", True) is not False,
            least if isinstance(least, int) else 0,
            most if isinstance(most, int) else _MOST,
        )

    def problem(self, text: str) -> str:
        """Return why a text can't stand in the field, "" where it can."""
        if not text and self.required:
            return f"{self.label} has to be filled in."
        if text and not self.least <= len(text) <= self.most:
            return f"{self.label} takes {self.least} to {self.most} characters; that are {len(text)}."
        return ""


@dataclass(frozen=True, slots=True)
class Form:
    """A form with its fields."""

    custom_id: str
    title: str
    fields: tuple[Field, ...]

    @classmethod
    def of(cls, modal: Json) -> Form:
        """Read what the bot sent."""
        return cls(modal["custom_id"], modal["title"], tuple(_fields(modal.get("components"), "")))

    async def filled(self, screen: ChatScreen, ask: AskField) -> dict[str, str]:
        """Return what the person wrote into each field; raise SandboxError where they give up."""
        screen.say(Text(f"Form: {printable(self.title)} (Ctrl-C leaves it)", style="bold"))
        await screen.flush()
        written: dict[str, str] = {}
        for field in self.fields:
            written[field.custom_id] = await self._ask(field, screen, ask)
        return written

    async def _ask(self, field: Field, screen: ChatScreen, ask: AskField) -> str:
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


def _fields(components: Any, label: str) -> Iterator[Field]:  # noqa: ANN401 - JSON that nobody has checked
    for component in components if isinstance(components, list) else ():
        if not isinstance(component, dict):
            continue
        if component.get("type") == _TEXT_INPUT:
            yield Field.of(component, label)
        around = str(component.get("label") or "")
        yield from _fields(component.get("components"), around)
        yield from _fields([component.get("component")], around)
