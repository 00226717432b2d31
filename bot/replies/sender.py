"""What replies need of Discord: to send a part, to look for parts sent before. The gateway fulfils it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bot.core.delivery import Sighting
from bot.core.events import AbandonReason


@dataclass(frozen=True, slots=True)
class Sent:
    """The part is in Discord, as message ``message_id``; ``text`` is what that shows, as far as Discord told.

    Where a nonce was used before, that is the text of then.
    """

    message_id: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Discord will never take it."""

    reason: AbandonReason
    detail: str


@dataclass(frozen=True, slots=True)
class Unreferenced:
    """Discord did not take it because of its reference; it may take it without."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """It was certainly not sent; ``after`` seconds may pass before the next attempt (None: the caller chooses)."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Overtaken:
    """It waited for its turn and was not sent: something else of its channel goes first now."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have been sent: nobody can tell without looking; ``after`` as in :class:`NotYet`."""

    reason: str
    after: float | None = None


Outcome: TypeAlias = Sent | Refused | Unreferenced | NotYet | Overtaken | Unknown

StillNext: TypeAlias = Callable[[], Awaitable[bool]]
"""Tells whether a part that waited for its turn is still the next one of its channel."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look into a channel's history found: the bot's own messages, oldest first, and the ids of all.

    ``readable`` is False where it may not be read.
    """

    sightings: tuple[Sighting, ...]
    present: frozenset[int] = frozenset()
    readable: bool = True


class Sender(Protocol):
    """Sends parts of replies to Discord."""

    @property
    def own_id(self) -> int:
        """Return the id of the bot's account."""
        ...

    async def ready(self) -> None:
        """Wait until Discord can be spoken to."""
        ...

    async def send(
        self, channel_id: int, text: str, still_next: StillNext, *, nonce: str, reply_to: int, plain: bool = False
    ) -> Outcome:
        """Send one part, ``plain`` without a reference to what it answers, and sort how it ended.

        Where it has to wait for a rate limit, ``still_next`` is asked before it leaves. Never raises for what Discord
        or the network do.
        """
        ...

    async def edit(self, channel_id: int, message_id: int, text: str) -> Outcome:
        """Let a message of the bot say something else; it does no harm twice, and never raises."""
        ...

    async def remove(self, channel_id: int, message_id: int) -> Outcome:
        """Delete a message of the bot, which may be gone already; it does no harm twice, and never raises."""
        ...

    async def typing(self, channel_id: int) -> None:
        """Show for ten seconds that the bot is writing; nothing is lost where it can't be shown."""
        ...

    async def react(self, channel_id: int, message_id: int, emoji: str) -> None:
        """Put a reaction to a message; it does no harm twice, and nothing is lost where it can't be."""
        ...

    async def unreact(self, channel_id: int, message_id: int, emoji: str) -> None:
        """Take the bot's reaction to a message off; it does no harm twice, and nothing is lost where it can't be."""
        ...

    async def say(self, channel_id: int, text: str, *, nonce: str) -> None:
        """Post a message that answers none, once or not at all; nothing is lost where it can't be."""
        ...

    async def look(self, channel_id: int, since: int) -> Look:
        """Return the bot's own messages in a channel from message ``since`` on; raise LookFailed when it can't."""
        ...


class LookFailed(Exception):
    """The history could not be read just now; ``after`` as in :class:`NotYet`."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after
