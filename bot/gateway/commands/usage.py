"""What answers took: ``/usage``."""

from __future__ import annotations

import discord
from discord import app_commands

from bot.gateway.commands.answers import Answer
from bot.gateway.commands.counter import Counter
from bot.gateway.commands.naming import CHANNEL, use_of
from bot.gateway.commands.target import target_of, visible
from bot.gateway.commands.use import Use
from bot.moderation import House


class UsageCommand:
    """The command that shows tokens, cost and reactions."""

    def __init__(self, counter: Counter, house: House) -> None:
        self._counter = counter
        self._house = house

    @app_commands.describe(
        channel=CHANNEL, since="Only from then on: 7d, 2h, 2026-11-20 14:00 (UTC), or a message's link."
    )
    async def usage(
        self, interaction: discord.Interaction, channel: str | None = None, since: str | None = None
    ) -> None:
        """Answer ``/usage``: one channel's, or that of all that the asker can see; the owner sees all in a DM."""

        async def work(_: Use) -> Answer:
            channels = await self._channels(interaction, channel)
            return Answer(await self._house.usage(channels, since))

        await self._counter.serve(use_of(interaction), work)

    async def _channels(self, interaction: discord.Interaction, channel: str | None) -> dict[int, str] | None:
        """Return the channels that are counted, with their names."""
        guild = interaction.guild
        known = {} if guild is None else {each.id: each for each in (*guild.channels, *guild.threads)}
        names = {channel_id: f"#{each.name}" for channel_id, each in known.items()}
        if channel is not None:
            channel_id = await target_of(interaction, channel)
            return {channel_id: names.get(channel_id, "")}
        if guild is None:
            return None
        here = interaction.channel_id or 0
        seen = {key: names[key] for key, each in known.items() if key == here or visible(interaction, each)}
        return {here: ""} | seen
