"""What replies need from Discord: sending parts, and looking for parts sent before. The gateway implements it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol, TypeAlias

from bot.core.buttons import Row
from bot.core.fate import Look, NotYet, Outcome, Refused, Unknown
from bot.core.threads import Opened

StillNext: TypeAlias = Callable[[], Awaitable[bool]]
"""Tells whether a part that waited is still the next one of its channel."""


class Sender(Protocol):
    """Sends parts of replies to Discord."""

    async def ready(self) -> None:
        """Wait until a client is connected."""
        ...

    def lacks(self, channel_id: int) -> str:
        """Return the permission that the bot lacks to post in a channel; "" if none, as far as is known."""
        ...

    def sees(self, channel_id: int) -> bool:
        """Tell whether a look can read a channel's history, as far as is known."""
        ...

    async def stands(self, channel_id: int, message_id: int) -> bool:
        """Tell whether a message is in a channel; one that can't be looked for counts as there."""
        ...

    async def send(
        self,
        channel_id: int,
        text: str,
        still_next: StillNext,
        *,
        nonce: str,
        reply_to: int,
        plain: bool = False,
        row: Row = (),
    ) -> Outcome:
        """Send one part and return the outcome; ``plain`` sends it without a reference to the question.

        If it has to wait for a rate limit, ``still_next`` is asked before it leaves. Never raises for errors of Discord
        or the network.
        """
        ...

    async def open_thread(self, channel_id: int, starter_id: int, title: str) -> Opened | Refused | NotYet | Unknown:
        """Start a thread from a message, unless there is one; it can be repeated, and never raises."""
        ...

    async def edit(self, channel_id: int, message_id: int, text: str, row: Row = ()) -> Outcome:
        """Change the text and the buttons of a message of the bot; it can be repeated, and never raises."""
        ...

    def seldom_edited(self, message_id: int, now: int) -> bool:
        """Tell whether Discord takes few edits of a message, by its age; ``now`` is in microseconds since the epoch."""
        ...

    async def remove(self, channel_id: int, message_id: int) -> Outcome:
        """Delete a message of the bot, which may be gone already; it can be repeated, and never raises."""
        ...

    async def typing(self, channel_id: int) -> None:
        """Show for ten seconds that the bot is writing; failures are ignored."""
        ...

    async def react(self, channel_id: int, message_id: int, emoji: str) -> None:
        """Add a reaction to a message; it can be repeated, and failures are ignored."""
        ...

    async def unreact(self, channel_id: int, message_id: int, emoji: str) -> None:
        """Remove the bot's reaction to a message; it can be repeated, and failures are ignored."""
        ...

    async def say(self, channel_id: int, text: str, *, nonce: str) -> None:
        """Post a message that is not a reply, at most once; failures are ignored."""
        ...

    async def look(self, channel_id: int, since_id: int, questions: Collection[int] = ()) -> Look:
        """Return the bot's own messages in a channel from message ``since_id`` on, and which ``questions`` are there.

        Raises LookFailed when that fails.
        """
        ...


class Responses(Protocol):
    """Holds the responses to commands until their answers are written into them."""

    async def answer(self, message_id: int, text: str) -> Outcome:
        """Write the answer to a question into its response and return the outcome; it can be repeated."""
        ...


class LookFailed(Exception):
    """The history could not be read just now; ``after_seconds`` is as in :class:`bot.core.fate.NotYet`."""

    def __init__(self, reason: str, after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.after_seconds = after_seconds
