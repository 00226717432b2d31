"""Every command, by name. Each answers with a Report or raises ModerationError with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.moderation.desk import Desk
from bot.moderation.report import Report

EXPORT_BYTES = 8_000_000
"""What an export may hold by default: Discord takes files of 10 MiB from everybody, form included."""


class Moderation:
    """What moderators can ask for and do.

    A point in time (``at``, ``to``, ``since``, ``first``, ``second``) is written as a version, as a message's link or
    id (the version at which it was received), as ``2h`` or ``10 minutes ago``, or as an ISO time (UTC unless it has an
    offset). ``by`` says who asked, as the log will show it.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def state(self, channel_id: int, at: str | None = None) -> Report:
        """Show what the bot knew of a channel at a point in time, or knows now."""
        raise NotImplementedError

    async def timeline(
        self,
        channel_id: int,
        *,
        types: Sequence[str] = (),
        since: str | None = None,
        person: int | None = None,
        cursor: str | None = None,
        size: int = 20,
    ) -> Report:
        """List events, the newest first, a page at a time."""
        raise NotImplementedError

    async def diff(self, channel_id: int, first: str, second: str) -> Report:
        """Compare the states of a channel at two points in time."""
        raise NotImplementedError

    async def why(self, channel_id: int, message_id: int) -> Report:
        """Explain how a message was answered, or why it was not; also given the id of the answer."""
        raise NotImplementedError

    async def preview_rewind(self, channel_id: int, to: str) -> Report:
        """List which turns a rewind would take from the window, and which it would bring back."""
        raise NotImplementedError

    async def rewind(self, channel_id: int, to: str, *, by: str) -> Report:
        """Bring the window back to what it was at a point in time."""
        raise NotImplementedError

    async def undo(self, channel_id: int, *, by: str) -> Report:
        """Take the newest rewind or reset back."""
        raise NotImplementedError

    async def reset(self, channel_id: int, *, by: str) -> Report:
        """Empty the window."""
        raise NotImplementedError

    async def rehearse(self, channel_id: int, *, message_id: int | None = None, last: int | None = None) -> Report:
        """Show what the present settings would answer to recorded messages, beside what was said; record nothing."""
        raise NotImplementedError

    async def pending(self, channel_id: int | None = None) -> Report:
        """List replies that are unfinished or were given up, with reasons and ages."""
        raise NotImplementedError

    async def retry(self, channel_id: int, message_id: int, *, by: str) -> Report:
        """Put a reply that was given up back into the outbox."""
        raise NotImplementedError

    async def drop(self, channel_id: int, message_id: int, *, by: str) -> Report:
        """Give an unfinished reply up."""
        raise NotImplementedError

    async def pause(self, channel_id: int, *, by: str) -> Report:
        """Answer nothing new in a channel; messages are recorded as before."""
        raise NotImplementedError

    async def resume(self, channel_id: int, *, by: str) -> Report:
        """Answer again in a channel."""
        raise NotImplementedError

    async def rebuild(self, channel_id: int) -> Report:
        """Forget a channel's snapshots, fold its events again, and compare."""
        raise NotImplementedError

    async def snapshot(self, channel_id: int) -> Report:
        """Keep a snapshot of a channel's state as it is now."""
        raise NotImplementedError

    async def verify(self, channel_id: int | None = None, progress: Callable[[int, int], None] | None = None) -> Report:
        """Check the log, or one channel of it; ``progress`` is told how many events of how many are checked."""
        raise NotImplementedError

    async def export(
        self, channel_id: int, *, since: str | None = None, words: bool = True, limit_bytes: int = EXPORT_BYTES
    ) -> Report:
        """Return events as a file of JSON Lines, oldest first; ``more`` is the ``since`` of what did not fit."""
        raise NotImplementedError

    async def status(self) -> Report:
        """Show how log and bot are."""
        raise NotImplementedError

    async def note_use(
        self, *, user_id: int, guild_id: int | None, channel_id: int, command: str, options: str, outcome: str
    ) -> None:
        """Record that somebody used a command, or was refused it, in the server's stream (in DMs the bot's)."""
        raise NotImplementedError
