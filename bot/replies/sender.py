"""What replies need of Discord: to send a part, to look for parts sent before. The gateway fulfils it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from bot.core.fate import Look, Outcome

StillNext: TypeAlias = Callable[[], Awaitable[bool]]
"""Tells whether a part that waited for its turn is still the next one of its channel."""


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


class Responses(Protocol):
    """Holds the responses to commands, each until its answer is written into it."""

    async def answer(self, message_id: int, text: str) -> Outcome:
        """Write the answer to a question into its response, and sort how that ended; it does no harm twice."""
        ...


class LookFailed(Exception):
    """The history could not be read just now; ``after`` as in :class:`bot.core.fate.NotYet`."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after
