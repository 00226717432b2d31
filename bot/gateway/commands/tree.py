"""The commands as discord.py holds them, for one client."""

from __future__ import annotations

from dataclasses import dataclass

import discord
import structlog
from discord import app_commands

from bot.gateway import requests
from bot.gateway.commands.answers import Answer
from bot.gateway.commands.asks import ASK, Asks, ask_command
from bot.gateway.commands.change import ChangeConversation
from bot.gateway.commands.counter import Counter
from bot.gateway.commands.keep import Keep
from bot.gateway.commands.naming import GROUP, MENU, PERSONA, Made, admitted, command_of, is_admitted, use_of
from bot.gateway.commands.persona import PersonaCommands
from bot.gateway.commands.registration import Registration
from bot.gateway.commands.see import See
from bot.gateway.commands.suggest import Suggestions
from bot.gateway.commands.usage import UsageCommand
from bot.moderation import House, ModerationError

STALE = "This command has changed meanwhile: reload Discord (Ctrl+R) and use it again."
UNREADABLE = "One of the options can't be read: choose it again."

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Commands:
    """The moderators' commands, over every client of this process."""

    counter: Counter
    registration: Registration
    house: House
    asks: Asks | None = None

    def tree(self, client: discord.Client) -> Tree:
        """Return the commands for a client."""
        hint = discord.Permissions(self.counter.access.bit)
        contexts = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False)
        installs = app_commands.AppInstallationType(guild=True, user=False)

        def group_of(name: str, description: str) -> app_commands.Group:
            return app_commands.Group(
                name=name,
                description=description,
                default_permissions=hint,
                allowed_contexts=contexts,
                allowed_installs=installs,
            )

        group = group_of(GROUP, "See, explain, rewind and repair conversations.")
        persona = group_of(PERSONA, "Show, set and clear who I am here.")
        for command in PersonaCommands(self.counter, self.house).commands():
            persona.add_command(command)
        suggest = Suggestions(self.counter.moderation)
        see = See(self.counter, suggest)
        for topic in (see, ChangeConversation(self.counter, suggest), Keep(self.counter, suggest)):
            for command in topic.commands():
                group.add_command(command)
        usage: Made = app_commands.Command(
            name="usage",
            description="Show what my answers took: tokens and cost by day, person and channel.",
            callback=UsageCommand(self.counter, self.house).usage,
            allowed_contexts=contexts,
            allowed_installs=installs,
        )
        usage.default_permissions = hint
        usage.autocomplete("channel")(suggest.channels)
        menu = app_commands.ContextMenu(
            name=MENU, callback=see.menu, allowed_contexts=contexts, allowed_installs=installs
        )
        menu.default_permissions = hint
        tree = Tree(client, self.counter, self.asks)
        if self.asks is not None:
            tree.add_command(ask_command(self.asks, contexts, installs))
        tree.add_command(group)
        tree.add_command(persona)
        tree.add_command(usage)
        tree.add_command(menu)
        return tree


class Tree(app_commands.CommandTree[discord.Client]):
    """Acknowledges and checks every use before discord.py reads its options."""

    def __init__(self, client: discord.Client, counter: Counter, asks: Asks | None = None) -> None:
        super().__init__(client)
        self._counter = counter
        self._asks = asks

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Tell whether a use may go on; where not, it is answered already."""
        if interaction.type is discord.InteractionType.autocomplete:
            return await self._may_complete(interaction)
        if self._asks is not None and command_of(interaction) == ASK:
            # Everybody may ask, and what is acknowledged for everybody's eyes can't be hidden later.
            return True
        use = await self._counter.admit(interaction)
        if use is not None:
            admitted(interaction, use)
        return use is not None

    async def _call(self, interaction: discord.Interaction) -> None:
        """Carry out a use; discord.py would leave what its reading of odd options raises to nobody."""
        try:
            await super()._call(interaction)
        except app_commands.AppCommandError:
            raise
        except Exception as error:
            raise app_commands.AppCommandError(type(error).__name__) from error

    async def on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError, /) -> None:
        """Answer a use whose command or options discord.py does not know; a command's own failures end earlier."""
        _log.warning("command.unreadable", error=type(error).__name__)
        if interaction.type is discord.InteractionType.autocomplete or not is_admitted(interaction):
            return
        transform = isinstance(error, app_commands.TransformerError)
        await self._counter.serve(use_of(interaction), lambda _: _fail(UNREADABLE if transform else STALE))

    async def _may_complete(self, interaction: discord.Interaction) -> bool:
        if self._counter.may_complete(interaction):
            return True
        try:
            await interaction.response.autocomplete([])
        except requests.UNREADABLE as error:
            _log.debug("suggestion.unanswered", error=type(error).__name__)
        return False


async def _fail(sentence: str) -> Answer:
    raise ModerationError(sentence)
