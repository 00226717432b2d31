"""Who the bot is: ``/persona show``, ``set`` and ``clear``, for this channel or thread, or for the server."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import discord
from discord import app_commands

from bot.gateway.commands.answers import Answer
from bot.gateway.commands.counter import Counter
from bot.gateway.commands.naming import Made, command, use_of
from bot.gateway.commands.target import Refused
from bot.gateway.commands.use import Use
from bot.moderation import House, Scope
from bot.moderation.persona import LONGEST

Where = Literal["channel", "server"]
WHERE = "This channel or thread (the default), or the whole server."


class PersonaCommands:
    """The commands about personas."""

    def __init__(self, counter: Counter, house: House) -> None:
        self._counter = counter
        self._house = house

    def commands(self) -> list[Made]:
        """Return the subcommands."""
        return [
            command("show", "Show who I am here, and who said so.", self.show),
            command("set", "Say who I am from my next answer on.", self.set),
            command("clear", "Take my persona away; the server's or the settings' holds again.", self.clear),
        ]

    @app_commands.describe(scope=WHERE)
    async def show(self, interaction: discord.Interaction, scope: Where = "channel") -> None:
        """Answer ``/persona show``."""

        async def work(use: Use) -> Answer:
            return Answer(await self._house.persona(self._scope(use, scope)))

        await self._counter.serve(use_of(interaction), work)

    @app_commands.describe(text=f"Who I am and how I speak, in up to {LONGEST:,} characters.", scope=WHERE)
    async def set(
        self,
        interaction: discord.Interaction,
        text: app_commands.Range[str, 1, LONGEST],
        scope: Where = "channel",
    ) -> None:
        """Answer ``/persona set``."""

        async def work(use: Use) -> Answer:
            return Answer(await self._house.set_persona(self._scope(use, scope), text, by=use.by))

        await self._counter.serve(use_of(interaction), work)

    @app_commands.describe(scope=WHERE)
    async def clear(self, interaction: discord.Interaction, scope: Where = "channel") -> None:
        """Answer ``/persona clear``."""

        async def work(use: Use) -> Answer:
            return Answer(await self._house.clear_persona(self._scope(use, scope), by=use.by))

        await self._counter.serve(use_of(interaction), work)

    def _scope(self, use: Use, scope: Where) -> Scope:
        """Return whose persona is meant; raise Refused for a server's that the asker may not change as a whole.

        A channel's permissions may let somebody in who has none in the rest of the server.
        """
        interaction = use.interaction
        member = interaction.user
        if scope == "server" and isinstance(member, discord.Member):
            everywhere = replace(use.asker, permissions=member.guild_permissions.value)
            if refusal := self._counter.access.refusal(everywhere, use.command):
                raise Refused(refusal)
        return Scope(
            interaction.channel_id or 0,
            getattr(interaction.channel, "parent_id", None),
            interaction.guild_id,
            server=scope == "server",
        )
