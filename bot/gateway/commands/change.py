"""Changing a conversation: rewind, undo, reset, pause, resume, retry, again, drop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import discord
from discord import app_commands

from bot.gateway.commands.answers import Act, Answer, Question
from bot.gateway.commands.counter import Counter
from bot.gateway.commands.naming import AT, CHANNEL, MESSAGE, Made, command, use_of
from bot.gateway.commands.suggest import Suggestions
from bot.gateway.commands.target import message_of, target_at, target_of
from bot.gateway.commands.use import Use
from bot.moderation import Report

ALL = "all"
"""What stands for every message that a command may be about."""

Change = Callable[[int], Awaitable[Report]]
ChangeReply = Callable[..., Awaitable[Report]]


class ChangeConversation:
    """The commands that append to a conversation; each can be undone by another."""

    def __init__(self, counter: Counter, suggest: Suggestions) -> None:
        self._counter = counter
        self._moderation = counter.moderation
        self._suggest = suggest

    def commands(self) -> list[Made]:
        """Return the subcommands."""
        channels, points = self._suggest.channels, self._suggest.points
        return [
            command(
                "rewind",
                "Take a conversation back to what I knew then; shows first which turns leave.",
                self.rewind,
                to=points,
                channel=channels,
            ),
            command(
                "undo", "Take the newest rewind or reset back; once more, the one before.", self.undo, channel=channels
            ),
            command(
                "reset", "Have me forget the turns of a conversation; shows them first.", self.reset, channel=channels
            ),
            command("pause", "Answer nothing new here; messages are recorded as before.", self.pause, channel=channels),
            command("resume", "Answer again after a pause.", self.resume, channel=channels),
            command("retry", "Try a reply again that was given up.", self.retry),
            command("again", "Have an answer composed anew, into the same messages.", self.again),
            command("drop", "Give a reply up that is not sent yet.", self.drop),
        ]

    @app_commands.describe(to=AT, channel=CHANNEL)
    async def rewind(self, interaction: discord.Interaction, to: str, channel: str | None = None) -> None:
        """Answer ``/replay rewind``: a preview, and a button that does it."""

        async def work(use: Use) -> Answer:
            use.noted_as = "rewind preview"
            channel_id = await target_at(interaction, self._moderation, channel, to)
            preview = await self._moderation.preview_rewind(channel_id, to)
            version = version_in(preview, to)

            async def act() -> Report:
                return await self._moderation.rewind(channel_id, version, by=use.by)

            return _asked(preview, channel_id, "Rewind", act)

        await self._counter.serve(use_of(interaction), work)

    @app_commands.describe(channel=CHANNEL)
    async def undo(self, interaction: discord.Interaction, channel: str | None = None) -> None:
        """Answer ``/replay undo``."""
        use = use_of(interaction)
        await self._change(use, channel, lambda channel_id: self._moderation.undo(channel_id, by=use.by))

    @app_commands.describe(channel=CHANNEL)
    async def reset(self, interaction: discord.Interaction, channel: str | None = None) -> None:
        """Answer ``/replay reset``: a preview, and a button that does it."""

        async def work(use: Use) -> Answer:
            use.noted_as = "reset preview"
            channel_id = await target_of(interaction, channel)
            preview = await self._moderation.preview_reset(channel_id)

            async def act() -> Report:
                return await self._moderation.reset(channel_id, by=use.by)

            return _asked(preview, channel_id, "Reset", act)

        await self._counter.serve(use_of(interaction), work)

    @app_commands.describe(channel=CHANNEL)
    async def pause(self, interaction: discord.Interaction, channel: str | None = None) -> None:
        """Answer ``/replay pause``."""
        use = use_of(interaction)
        await self._change(use, channel, lambda channel_id: self._moderation.pause(channel_id, by=use.by))

    @app_commands.describe(channel=CHANNEL)
    async def resume(self, interaction: discord.Interaction, channel: str | None = None) -> None:
        """Answer ``/replay resume``."""
        use = use_of(interaction)
        await self._change(use, channel, lambda channel_id: self._moderation.resume(channel_id, by=use.by))

    @app_commands.describe(message=f'{MESSAGE} Or "all": what an outage left.')
    async def retry(self, interaction: discord.Interaction, message: str) -> None:
        """Answer ``/replay retry``: one reply, or all that an outage left here (for the bot's owner, everywhere)."""
        if message.strip().lower() != ALL:
            await self._about(interaction, message, self._moderation.retry)
            return

        async def work(use: Use) -> Answer:
            channel_id = None if self._counter.owned_by(use.asker) else await target_of(interaction)
            return Answer(await self._moderation.retry(channel_id, None, by=use.by), channel_id=channel_id)

        await self._counter.serve(use_of(interaction), work)

    @app_commands.describe(message=MESSAGE)
    async def again(self, interaction: discord.Interaction, message: str) -> None:
        """Answer ``/replay again``."""
        await self._about(interaction, message, self._moderation.again)

    @app_commands.describe(message=MESSAGE)
    async def drop(self, interaction: discord.Interaction, message: str) -> None:
        """Answer ``/replay drop``."""
        await self._about(interaction, message, self._moderation.drop)

    async def _about(self, interaction: discord.Interaction, message: str, change: ChangeReply) -> None:
        async def work(use: Use) -> Answer:
            target = await message_of(interaction, self._moderation, message)
            report = await change(target.channel_id, target.message_id, by=use.by)
            return Answer(report, channel_id=target.channel_id)

        await self._counter.serve(use_of(interaction), work)

    async def _change(self, use: Use, channel: str | None, change: Change) -> None:
        async def work(use: Use) -> Answer:
            channel_id = await target_of(use.interaction, channel)
            return Answer(await change(channel_id), channel_id=channel_id)

        await self._counter.serve(use, work)


def _asked(preview: Report, channel_id: int, label: str, act: Act) -> Answer:
    """Return a preview with the button that does it, or without where there is nothing to do."""
    data = preview.data
    if isinstance(data, dict) and not data.get("changed", True):
        return Answer(preview, channel_id=channel_id)
    return Question(preview, channel_id=channel_id, label=label, act=act)


def version_in(preview: Report, to: str) -> str:
    """Return the version that was previewed: "10 minutes ago" is another one by the time of the confirmation."""
    data = preview.data
    return str(data["to"]) if isinstance(data, dict) and isinstance(data.get("to"), int) else to
