"""Every command, by name. Each answers with a Report or raises ModerationError with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.core.events import Body, CommandUsed, Draft
from bot.core.streams import BOT_STREAM, guild_stream
from bot.moderation import checks, explain, export, outage, points, rehearse, repair, rewind, see, status
from bot.moderation.desk import Desk
from bot.moderation.report import ModerationError, Report

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
        return await see.state(self._desk, channel_id, at)

    async def channel_with(self, message_id: int) -> int | None:
        """Return the channel of a message, None where the log does not know it."""
        return await points.channel_of_message(self._desk.reader, message_id)

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
        return await see.timeline(
            self._desk, channel_id, types=types, since=since, person=person, cursor=cursor, size=size
        )

    async def diff(self, channel_id: int, first: str, second: str) -> Report:
        """Compare the states of a channel at two points in time."""
        return await see.diff(self._desk, channel_id, first, second)

    async def why(self, channel_id: int, message_id: int) -> Report:
        """Explain how a message was answered, or why it was not; also given the id of the answer."""
        return await explain.why(self._desk, channel_id, message_id)

    async def preview_rewind(self, channel_id: int, to: str) -> Report:
        """List which turns a rewind would take from the window, and which it would bring back."""
        return await rewind.preview(self._desk, channel_id, to)

    async def rewind(self, channel_id: int, to: str, *, by: str) -> Report:
        """Bring the window back to what it was at a point in time."""
        return await rewind.rewind(self._desk, channel_id, to, by=by)

    async def undo(self, channel_id: int, *, by: str) -> Report:
        """Take the newest rewind or reset back."""
        return await rewind.undo(self._desk, channel_id, by=by)

    async def preview_reset(self, channel_id: int) -> Report:
        """List which turns a reset would take from the window."""
        return await rewind.preview_reset(self._desk, channel_id)

    async def reset(self, channel_id: int, *, by: str) -> Report:
        """Empty the window."""
        return await rewind.reset(self._desk, channel_id, by=by)

    async def rehearse(self, channel_id: int, *, message_id: int | None = None, last: int | None = None) -> Report:
        """Show what the present settings would answer to recorded messages, beside what was said; record nothing."""
        return await rehearse.rehearse(self._desk, channel_id, message_id=message_id, last=last)

    async def pending(self, channel_id: int | None = None) -> Report:
        """List replies that are unfinished or were given up, with reasons and ages."""
        return await repair.pending(self._desk, channel_id)

    async def retry(self, channel_id: int | None, message_id: int | None, *, by: str) -> Report:
        """Put a reply that was given up back into the outbox, or without ``message_id`` all that an outage left."""
        if message_id is None:
            return await outage.retry_all(self._desk, channel_id, by=by)
        if channel_id is None:
            raise ModerationError("Say in which channel the message is.")
        return await repair.retry(self._desk, channel_id, message_id, by=by)

    async def again(self, channel_id: int, message_id: int, *, by: str) -> Report:
        """Have an answer composed anew, into the messages that show the present one."""
        return await repair.again(self._desk, channel_id, message_id, by=by)

    async def drop(self, channel_id: int, message_id: int, *, by: str) -> Report:
        """Give an unfinished reply up."""
        return await repair.drop(self._desk, channel_id, message_id, by=by)

    async def pause(self, channel_id: int, *, by: str) -> Report:
        """Answer nothing new in a channel; messages are recorded as before."""
        return await repair.pause(self._desk, channel_id, by=by)

    async def resume(self, channel_id: int, *, by: str) -> Report:
        """Answer again in a channel."""
        return await repair.resume(self._desk, channel_id, by=by)

    async def rebuild(self, channel_id: int) -> Report:
        """Forget a channel's snapshots, fold its events again, and compare."""
        return await checks.rebuild(self._desk, channel_id)

    async def snapshot(self, channel_id: int) -> Report:
        """Keep a snapshot of a channel's state as it is now."""
        return await checks.snapshot(self._desk, channel_id)

    async def verify(self, channel_id: int | None = None, progress: Callable[[int, int], None] | None = None) -> Report:
        """Check the log, or one channel of it; ``progress`` is told how many events of how many are checked."""
        return await checks.check(self._desk, channel_id, progress)

    async def export(
        self, channel_id: int, *, since: str | None = None, words: bool = True, limit_bytes: int = EXPORT_BYTES
    ) -> Report:
        """Return events as a file of JSON Lines, oldest first; ``more`` is the ``since`` of what did not fit."""
        return await export.export(self._desk, channel_id, since=since, words=words, limit_bytes=limit_bytes)

    async def status(self) -> Report:
        """Show how log and bot are."""
        return await status.status(self._desk)

    async def note_use(
        self, *, user_id: int, guild_id: int | None, channel_id: int, command: str, options: str, outcome: str
    ) -> None:
        """Record that somebody used a command, or was refused it, in the server's stream (in DMs the bot's)."""
        used = CommandUsed(user_id=user_id, channel_id=channel_id, command=command, outcome=outcome)
        stream = BOT_STREAM if guild_id is None else guild_stream(guild_id)
        await self._desk.owned().log.append(stream, (Draft(used, Body(parts=(options,)), subject=user_id),))
