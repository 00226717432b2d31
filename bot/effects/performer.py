"""Who makes declared effects, and looks for them: Discord (the gateway has that one), or an address on the network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol, TypeAlias

from bot.core.effects import Found, Outcome
from bot.effects.declared import DeclaredEffect

Taken: TypeAlias = Callable[[], Awaitable[frozenset[int]]]
"""Returns the threads that other effects have started since: they are not this effect's."""


class Intention(NamedTuple):
    """An effect that is intended.

    ``token`` is the same at each repetition and different for each attempt under a key: an Idempotency-Key.
    ``since`` is the moment in microseconds from which it can have been made.
    """

    effect: DeclaredEffect
    token: str
    since: int
    taken: Taken


class Performer(Protocol):
    """Makes effects and looks for them; what it raises is taken for an unknown fate.

    ``survives``: what it makes goes on by itself when it is cut off, so nobody has to wait for it at the end.
    """

    survives: bool

    def lacks(self, effect: DeclaredEffect) -> str:
        """Return what an effect lacks to be made by this process, "" if nothing."""
        ...

    async def ready(self) -> None:
        """Wait until it can be tried."""
        ...

    async def look(self, intention: Intention) -> Found:
        """Tell whether it is made."""
        ...

    async def perform(self, intention: Intention) -> Outcome:
        """Make it, and return how that ended."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
