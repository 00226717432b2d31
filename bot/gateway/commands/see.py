"""Seeing and explaining: what was known, what happened, and why something was said."""

from __future__ import annotations

import discord
from discord import app_commands

from bot.gateway.commands.answers import Answer
from bot.gateway.commands.counter import Counter
from bot.gateway.commands.naming import AT, CHANNEL, MESSAGE, Made, command, use_of
from bot.gateway.commands.suggest import Suggestions
from bot.gateway.commands.target import message_of, target_at, target_of
from bot.gateway.commands.use import Use
from bot.moderation import Report

LINES = 10
"""Events of one page: as many lines as nearly always fit in a message."""


class See:
    """The commands that only read."""

    def __init__(self, counter: Counter, suggest: Suggestions) -> None:
        self._counter = counter
        self._moderation = counter.moderation
        self._suggest = suggest

    def commands(self) -> list[Made]:
        """Return the subcommands."""
        suggest = self._suggest
        return [
            command(
                "state",
                "Show what I know of a conversation: its window, what is unfinished, and its settings.",
                self.state,
                channel=suggest.channels,
                at=suggest.points,
            ),
            command(
                "timeline",
                "List what happened in a channel, the newest first.",
                self.timeline,
                channel=suggest.channels,
                type=suggest.types,
                since=suggest.points,
            ),
            command(
                "diff",
                "Compare what I knew at two points in time.",
                self.diff,
                first=suggest.points,
                second=suggest.points,
            ),
            command("why", "Explain how a message came to its reply, or why it got none.", self.why),
        ]

    @app_commands.describe(channel=CHANNEL, at=AT)
    async def state(self, interaction: discord.Interaction, channel: str | None = None, at: str | None = None) -> None:
        """Answer ``/replay state``."""

        async def work(_: Use) -> Answer:
            channel_id = await target_at(interaction, self._moderation, channel, at)
            return Answer(await self._moderation.state(channel_id, at), channel_id=channel_id)

        await self._counter.serve(use_of(interaction), work)

    @app_commands.describe(
        channel=CHANNEL,
        type="Only events of this type, such as message.received.",
        since="Only events from then on: a version, a message's link, 2h, or 2026-11-20 14:00 (UTC).",
        person="Only events about this person.",
    )
    async def timeline(
        self,
        interaction: discord.Interaction,
        channel: str | None = None,
        type: str | None = None,  # noqa: A002 - the option's name
        since: str | None = None,
        person: discord.User | None = None,
    ) -> None:
        """Answer ``/replay timeline``."""

        async def work(_: Use) -> Answer:
            channel_id = await target_at(interaction, self._moderation, channel, since)

            async def page(cursor: str | None) -> Report:
                return await self._moderation.timeline(
                    channel_id,
                    types=(type,) if type else (),
                    since=since,
                    person=person.id if person else None,
                    cursor=cursor,
                    size=LINES,
                )

            return Answer(await page(None), channel_id=channel_id, fetch=page)

        await self._counter.serve(use_of(interaction), work)

    @app_commands.rename(first="from", second="to")
    @app_commands.describe(first=AT, second=AT, channel=CHANNEL)
    async def diff(self, interaction: discord.Interaction, first: str, second: str, channel: str | None = None) -> None:
        """Answer ``/replay diff``."""

        async def work(_: Use) -> Answer:
            channel_id = await target_at(interaction, self._moderation, channel, first, second)
            return Answer(await self._moderation.diff(channel_id, first, second), channel_id=channel_id)

        await self._counter.serve(use_of(interaction), work)

    @app_commands.describe(message=MESSAGE)
    async def why(self, interaction: discord.Interaction, message: str) -> None:
        """Answer ``/replay why``."""

        async def work(_: Use) -> Answer:
            target = await message_of(interaction, self._moderation, message)
            return Answer(
                await self._moderation.why(target.channel_id, target.message_id), channel_id=target.channel_id
            )

        await self._counter.serve(use_of(interaction), work)

    async def menu(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Answer the entry in a message's menu."""

        async def work(_: Use) -> Answer:
            channel_id = await target_of(interaction, str(message.channel.id))
            return Answer(await self._moderation.why(channel_id, message.id), channel_id=channel_id)

        await self._counter.serve(use_of(interaction), work)
