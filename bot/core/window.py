"""The turns of a conversation that an answer can build on, packed into one block of memory: five numbers a turn.

A bot has thousands of windows and copies one for every message. As separate objects, 64 turns would take five times the
memory, and the garbage collector would have to look at each of them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Any

from pydantic_core import core_schema

from bot.core.events import Author, Role

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

WINDOW = 64
"""The number of turns in a full window."""

ROLES = {
    Author.PERSON: Role.PERSON,
    Author.SELF: Role.BOT,
    Author.BOT: Role.OTHER_BOT,
    Author.WEBHOOK: Role.OTHER_BOT,
}
"""Whose turn a message is, by its author."""

_WIDTH = 5
_MOST = WINDOW * _WIDTH
_BY_NUMBER = tuple(Role)
_packed = Struct(f"{_WIDTH}q").pack


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the window; its words are part number ``part`` of the body at ``position``."""

    message_id: int
    author_id: int
    role: Role
    position: int
    part: int = 0


class Window:
    """At most :data:`WINDOW` turns by message id, the oldest first.

    Only the fold changes a window, and only a copy that nobody else holds.
    """

    __slots__ = ("_values",)

    def __init__(self, turns: Iterable[Turn] = ()) -> None:
        """Hold ``turns``, which have to be in order."""
        self._values = array("q")
        for turn in turns:
            self._values.extend((turn.message_id, turn.author_id, turn.role, turn.position, turn.part))

    def __len__(self) -> int:
        return len(self._values) // _WIDTH

    def __iter__(self) -> Iterator[Turn]:
        return (self._turn(at) for at in range(0, len(self._values), _WIDTH))

    def __getitem__(self, index: int) -> Turn:
        return self._turn(range(0, len(self._values), _WIDTH)[index])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Window):
            return self._values == other._values
        return isinstance(other, tuple) and tuple(self) == other

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __repr__(self) -> str:
        return f"Window({list(self)})"

    def copy(self) -> Window:
        """Return a copy of the window."""
        return _window(self._values[:])

    def find(self, message_id: int) -> Turn | None:
        """Return the turn of a message, or None."""
        at = self._at(message_id)
        return self._turn(at) if at >= 0 else None

    def is_of(self, message_id: int, role: Role) -> bool:
        """Tell whether the turn of a message is there and has a role. Most that are asked about are the newest."""
        values = self._values
        at = len(values) - _WIDTH if values and values[-_WIDTH] == message_id else self._at(message_id)
        return at >= 0 and values[at + 2] == role

    def put(self, message_id: int, author_id: int, role: Role, position: int, part: int = 0) -> None:
        """Insert a turn by its id, and drop the oldest if the window is full; a turn with this id stays as it is."""
        values = self._values
        turn = _packed(message_id, author_id, role, position, part)
        if not values or values[-_WIDTH] < message_id:
            values.frombytes(turn)
        else:
            at = self._place(message_id)
            if values[at] == message_id:
                return
            values[at:at] = array("q", turn)
        if len(values) > _MOST:
            del values[:_WIDTH]

    def move(self, message_id: int, position: int) -> None:
        """Set the words of a message to the only part of the body at ``position``."""
        at = self._at(message_id)
        if at >= 0:
            self._values[at + 3], self._values[at + 4] = position, 0

    def drop(self, message_id: int) -> None:
        """Remove a turn."""
        at = self._at(message_id)
        if at >= 0:
            del self._values[at : at + _WIDTH]

    def _at(self, message_id: int) -> int:
        """Return the place of a message's turn, -1 if it is not in the window."""
        values = self._values
        if not values or values[-_WIDTH] < message_id:
            return -1
        at = self._place(message_id)
        return at if values[at] == message_id else -1

    def _place(self, message_id: int) -> int:
        """Return the place of the first turn with this id or a greater one; there has to be one."""
        return _WIDTH * bisect_left(self._values[::_WIDTH], message_id)

    def _turn(self, at: int) -> Turn:
        message_id, author_id, role, position, part = self._values[at : at + _WIDTH]
        return Turn(message_id, author_id, _BY_NUMBER[role], position, part)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Store a window as a list of its numbers."""
        return core_schema.no_info_after_validator_function(
            _of_numbers,
            core_schema.list_schema(core_schema.int_schema()),
            serialization=core_schema.plain_serializer_function_ser_schema(_numbers),
        )


def _window(values: array[int]) -> Window:
    made = Window.__new__(Window)
    made._values = values  # noqa: SLF001 - its other constructor
    return made


def _of_numbers(numbers: list[int]) -> Window:
    if len(numbers) % _WIDTH or len(numbers) > _MOST or not set(numbers[2::_WIDTH]) <= set(range(len(_BY_NUMBER))):
        raise ValueError("no window")
    return _window(array("q", numbers))


def _numbers(window: Window) -> list[Any]:
    return window._values.tolist()  # noqa: SLF001 - its stored form
