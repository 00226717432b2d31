"""The command tree of discord.py, one for each client."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

import discord
import structlog
from discord import app_commands

from bot.gateway import requests
from bot.gateway.commands.answers import PagedReport
from bot.gateway.commands.command_answers import CommandAnswers
from bot.gateway.commands.dispatcher import Dispatcher
from bot.gateway.commands.registration import Registration
from bot.gateway.commands.reply_buttons import PREFIX, ReplyButtons
from bot.gateway.commands.slash_commands import ask_command, moderators_commands
from bot.gateway.interaction_replies import ASK, InteractionReplies
from bot.gateway.invocation import admit, command_of, custom_id_of, invocation_of, is_admitted
from bot.moderation.command import ModerationError

STALE = "This command has changed meanwhile: reload Discord (Ctrl+R) and use it again."
UNREADABLE = "One of the options can't be read: choose it again."

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Commands:
    """The moderators' commands and ``/ask`` for all clients of this process.

    ``registration`` is None where others register them: one partition does it for all.
    """

    dispatcher: Dispatcher
    registration: Registration | None
    replies: InteractionReplies | None = None
    buttons: ReplyButtons | None = None

    async def press(self, interaction: discord.Interaction) -> None:
        """Take the press of a button, or a form that was sent."""
        if self.buttons is not None and custom_id_of(interaction).startswith(PREFIX):
            await self.buttons.press(interaction)
        else:
            await self.dispatcher.press(interaction)

    def tree(self, client: discord.Client) -> Tree:
        """Return the command tree of a client."""
        tree = Tree(client, self.dispatcher, asks=self.replies is not None)
        if self.replies is not None:
            tree.add_command(ask_command(self.replies))
        hint = discord.Permissions(self.dispatcher.access.bit)
        for command in moderators_commands(CommandAnswers(self.dispatcher), hint):
            tree.add_command(command)
        return tree


class Trees:
    """The trees of a client: one for each partition of the log, whose commands ``of`` returns for a server.

    discord.py knows the last one alone, and that passes on what is another's. All of them have the same commands.
    """

    def __init__(
        self, client: discord.Client, commands: Sequence[Commands], of: Callable[[int | None], Commands | None]
    ) -> None:
        self._of = of
        self._trees: dict[Commands, Tree] = {}
        for each in commands:
            client._connection._command_tree = None  # noqa: SLF001 - discord.py refuses a second tree
            self._trees[each] = tree = each.tree(client)
            tree.meant = self._meant

    def registering(self) -> Coroutine[None, None, None] | None:
        """Return what registers the commands with Discord, None if that is not done here."""
        return next((each.registration.register(tree) for each, tree in self._trees.items() if each.registration), None)

    def _meant(self, interaction: discord.Interaction) -> Tree | None:
        commands = self._of(interaction.guild_id)
        return self._trees[commands] if commands else None


class Tree(app_commands.CommandTree[discord.Client]):
    """Acknowledges and checks every use before discord.py reads its options.

    ``meant`` returns the tree of the partition that an interaction belongs to.
    """

    def __init__(self, client: discord.Client, dispatcher: Dispatcher, *, asks: bool) -> None:
        super().__init__(client)
        self._dispatcher = dispatcher
        self._asks = asks
        self.meant: Callable[[discord.Interaction], Tree | None] = lambda _: self

    def _from_interaction(self, interaction: discord.Interaction) -> None:
        """Take an interaction from discord.py."""
        meant = self.meant(interaction)
        if meant is not None:
            super(Tree, meant)._from_interaction(interaction)

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Tell whether a use may go on; if not, it was already answered."""
        if interaction.type is discord.InteractionType.autocomplete:
            return await self._may_complete(interaction)
        if self._asks and command_of(interaction) == ASK:
            # Everybody may ask. It is acknowledged later: once that is done publicly, the answer can't be private.
            return True
        invocation = await self._dispatcher.admit(interaction)
        if invocation is not None:
            admit(interaction, invocation)
        return invocation is not None

    async def _call(self, interaction: discord.Interaction) -> None:
        """Carry out a use. Errors that discord.py would not pass on to ``on_error`` are wrapped so that it does."""
        try:
            await super()._call(interaction)
        except app_commands.AppCommandError:
            raise
        except Exception as error:
            raise app_commands.AppCommandError(type(error).__name__) from error

    async def on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError, /) -> None:
        """Answer a use whose command or options discord.py does not know; a command's failures end before that."""
        _log.warning("command.unreadable", error=type(error).__name__)
        if interaction.type is discord.InteractionType.autocomplete or not is_admitted(interaction):
            return
        transform = isinstance(error, app_commands.TransformerError)
        await self._dispatcher.serve(invocation_of(interaction), lambda _: _fail(UNREADABLE if transform else STALE))

    async def _may_complete(self, interaction: discord.Interaction) -> bool:
        if self._dispatcher.may_complete(interaction):
            return True
        try:
            await interaction.response.autocomplete([])
        except requests.UNREADABLE as error:
            _log.debug("suggestion.unanswered", error=type(error).__name__)
        return False


async def _fail(sentence: str) -> PagedReport:
    raise ModerationError(sentence)
