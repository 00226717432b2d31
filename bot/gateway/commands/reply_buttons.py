"""The buttons under answers: every press is taken, acknowledged in time, and answered for the person's eyes alone.

Discord waits three seconds for an acknowledgement (docs/discord-facts.md, 1.4). A press is queued for the log before
anything else, and what became of it is the acknowledgement: one request. If the log is slow, the press is acknowledged
first, and the sentence follows by an edit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from functools import partial

import discord
import structlog

from bot.background import Background
from bot.core.buttons import ButtonId, parse_custom_id
from bot.core.events import Button
from bot.errors import EcholessError
from bot.gateway.commands.dispatcher import REMEMBERED, Dispatcher, Outcome
from bot.gateway.intake import Intake
from bot.gateway.invocation import TOKEN_SECONDS, Expired, Invocation, asker_of, custom_id_of
from bot.gateway.places import Place
from bot.gateway.requests import UNREADABLE
from bot.moderation.command import ModerationError
from bot.replies.presses import Presses, Pressing, Taken
from bot.replies.words import Word

PREFIX = "reply:"
TAKEN_WITHIN = 0.8
"""Seconds for which the log is waited for before a press is acknowledged."""
_COMMANDS = {Button.STOP: "drop", Button.GO_ON: "again", Button.AGAIN: "again"}
"""The moderators' command that does what a button does: whoever may use it may press the button."""

_log = structlog.get_logger()


class ReplyButtons:
    """Takes the presses of buttons under answers; ``words`` are those of the settings."""

    def __init__(self, presses: Presses, dispatcher: Dispatcher, intake: Intake, words: Mapping[Word, str]) -> None:
        self._presses = presses
        self._dispatcher = dispatcher
        self._intake = intake
        self._words = words
        self._seen: deque[int] = deque(maxlen=REMEMBERED)
        self._background = Background()

    async def press(self, interaction: discord.Interaction) -> None:
        """Take a press, once however often the gateway brings it."""
        if interaction.id in self._seen:
            return
        self._seen.append(interaction.id)
        button = parse_custom_id(custom_id_of(interaction))
        if button is not None and button.button is Button.WHY:
            await self._dispatcher.explain(interaction, button.message_id)
            return
        taking = asyncio.create_task(self._taken(interaction, button))
        self._background.keep(taking)
        deadline = asyncio.get_running_loop().time() + TOKEN_SECONDS
        invocation = Invocation(interaction, "", "", deadline, noted_as="", aside=True)
        try:
            await self._answer(invocation, taking)
        except (Expired, *UNREADABLE) as error:
            # What was recorded happens all the same, and shows in the channel.
            _log.warning("press.unanswered", error=type(error).__name__)

    async def stop(self, seconds: float) -> None:
        """Wait up to ``seconds`` for presses that are being recorded."""
        await self._background.end(within=seconds)

    async def _answer(self, invocation: Invocation, taking: asyncio.Task[Taken]) -> None:
        await asyncio.wait((taking,), timeout=TAKEN_WITHIN)
        if not taking.done():
            await invocation.defer()
            await invocation.show(self._words[(await taking).word])
        elif (taken := taking.result()).word == "stopping":
            # Everybody sees it end.
            await invocation.pass_over()
        else:
            await invocation.say(self._words[taken.word])

    async def _taken(self, interaction: discord.Interaction, button: ButtonId | None) -> Taken:
        """Record a press and return what became of it; a refused one is recorded as a use of a command."""
        message, name = interaction.message, button.button.value if button else "unknown"
        try:
            taken = Taken("gone")
            if button is not None and message is not None:
                taken = await self._presses.take(self._pressing(interaction, button, message.id))
            if not taken.done:
                await self._note(interaction, name)
        except EcholessError as error:
            _log.error("press.unrecorded", button=name, error=type(error).__name__)
            return Taken("failed")
        return taken

    def _pressing(self, interaction: discord.Interaction, button: ButtonId, sent_id: int) -> Pressing:
        asker = asker_of(interaction)
        moderator = self._dispatcher.access.refusal(asker, _COMMANDS[button.button]) is None
        place = Place(
            interaction.channel_id or 0, getattr(interaction.channel, "parent_id", None), interaction.guild_id
        )
        asks = self._moderator_may_ask if moderator else self._person_may_ask
        may_ask = partial(asks, place, asker.user_id, interaction.id)
        return Pressing(place.channel_id, button, sent_id, asker.user_id, interaction.id, moderator, may_ask)

    def _person_may_ask(self, place: Place, person_id: int, press_id: int, responder: str) -> bool:
        return self._intake.may_ask_again(place, person_id, press_id, responder)

    def _moderator_may_ask(self, place: Place, _person_id: int, _press_id: int, responder: str) -> bool:
        try:
            self._dispatcher.context.require_budget(place.channel_id, responder)
        except ModerationError:
            return False
        return True

    async def _note(self, interaction: discord.Interaction, name: str) -> None:
        await self._dispatcher.context.note_use(
            user_id=interaction.user.id,
            guild_id=interaction.guild_id,
            channel_id=interaction.channel_id or 0,
            command=f"button {name}",
            options=None,
            outcome=Outcome.REFUSED,
        )
