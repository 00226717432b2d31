"""The path of every use of a command: acknowledge, check, carry out, answer, record."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import partial

import discord
import structlog

from bot.background import Background
from bot.core.conversation import Conversation
from bot.core.events import Recorded, WordsErased
from bot.errors import EcholessError
from bot.gateway.commands.access import AccessRules, NotAllowed, require_unchanged, require_visible
from bot.gateway.commands.answers import GONE, LiveReport, LiveReports, PagedReport, plain, row
from bot.gateway.commands.parts import Parts
from bot.gateway.invocation import (
    TOKEN_SECONDS,
    Asker,
    Expired,
    Invocation,
    asker_of,
    command_of,
    custom_id_of,
    options_of,
)
from bot.gateway.requests import UNREADABLE
from bot.moderation.command import PRIVACY
from bot.moderation.context import CommandContext
from bot.moderation.explain import why

REMEMBERED = 1000
WHY = "why"
NEUTRAL = "Something went wrong on my side; whoever runs this bot finds the reason in its log."
TOO_LARGE = "The file is larger than Discord takes here: ask for less, for example with since."

_log = structlog.get_logger()

Work = Callable[[Invocation], Awaitable[PagedReport]]


class Outcome(StrEnum):
    """How a use ended, as recorded in ``command.used``."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"


class Dispatcher:
    """Serves the uses of commands, also several at once, of all clients of this process.

    ``parts`` are the partitions that run here, None for a log that is not divided.
    """

    def __init__(self, context: CommandContext, access: AccessRules, token_seconds: float = TOKEN_SECONDS) -> None:
        self.context = context
        self.access = access
        self.parts: Parts | None = None
        self._token_seconds = token_seconds
        self._live = LiveReports()
        self._seen: deque[int] = deque(maxlen=REMEMBERED)
        self._background = Background()

    async def admit(self, interaction: discord.Interaction) -> Invocation | None:
        """Acknowledge a use and return it, or None if it is refused, too late, or a repetition."""
        if self._repeated(interaction):
            return None
        invocation = self._invocation(interaction, command_of(interaction), options_of(interaction))
        return invocation if await self._open(invocation) else None

    def owned_by(self, asker: Asker) -> bool:
        """Tell whether a person is an owner of the bot, who may see the whole log."""
        return asker.user_id in self.access.owners

    def may_complete(self, interaction: discord.Interaction) -> bool:
        """Tell whether a person gets suggestions while they type a command."""
        return self.access.refusal(asker_of(interaction), command_of(interaction)) is None

    async def serve(self, invocation: Invocation, work: Work) -> None:
        """Carry out an admitted use, answer it and record it."""
        try:
            answer, outcome = await self._carry_out(invocation, work)
            await self._show(invocation, answer)
        except Expired:
            outcome = Outcome.EXPIRED
        except UNREADABLE as error:
            _log.warning("command.unanswered", command=invocation.command, error=type(error).__name__)
            outcome = Outcome.FAILED
        await self._note(invocation, outcome)

    async def press(self, interaction: discord.Interaction) -> None:
        """Handle a press of a button, or a sent form, under an answer of this process or of an earlier one."""
        if self._repeated(interaction):
            return
        press = self._live.find(custom_id_of(interaction))
        if press is None or press.live.asker_id != interaction.user.id:
            await self._say_gone(interaction)
            return
        answer, action = press.live.answer, press.action
        if answer.decides(action):
            self._live.end(press.word)
        invocation = self._invocation(interaction, press.live.command, f"{press.live.options} {action}".strip())
        invocation.word = press.word
        invocation.noted_as = answer.named(press.live.command, action)
        if await self._open(invocation):
            await self.serve(invocation, lambda invocation: self._pressed(invocation, answer, action))

    async def explain(self, interaction: discord.Interaction, message_id: int) -> None:
        """Answer a press of the button that asks why an answer is as it is, as the command ``why`` does."""
        if self._repeated(interaction):
            return
        invocation = self._invocation(interaction, WHY, f"message:{message_id}")
        invocation.aside = True
        if await self._open(invocation):
            await self.serve(invocation, partial(self._explained, message_id=message_id))

    async def _explained(self, invocation: Invocation, message_id: int) -> PagedReport:
        channel_id = invocation.interaction.channel_id or 0
        return PagedReport(await why(self.context, channel_id, message_id), channel_id=channel_id)

    def observe(self, _channel_id: int, _state: Conversation, new: tuple[Recorded, ...]) -> None:
        """End all live answers if words were erased: a page that is shown later may hold them."""
        if any(type(recorded.event) is WordsErased for recorded in new):
            self._live.clear()

    async def stop(self, seconds: float) -> None:
        """Wait up to ``seconds`` for uses that are under way."""
        await self._background.end(within=seconds)

    def _invocation(self, interaction: discord.Interaction, command: str, options: str) -> Invocation:
        self._track()
        deadline = asyncio.get_running_loop().time() + self._token_seconds
        return Invocation(interaction, command, options, deadline, noted_as=command)

    def _track(self) -> None:
        """Remember the task that serves this use, so that ``stop`` can wait for it."""
        task = asyncio.current_task()
        if task is not None:
            self._background.keep(task)

    def _repeated(self, interaction: discord.Interaction) -> bool:
        """Tell whether the gateway already brought this interaction, and remember it."""
        if interaction.id in self._seen:
            return True
        self._seen.append(interaction.id)
        return False

    async def _open(self, invocation: Invocation) -> bool:
        """Acknowledge a use before anything else, and tell whether it may go on; if not, refuse it."""
        try:
            await invocation.defer()
        except Expired:
            _log.warning("command.too_late", command=invocation.command)
            await self._note(invocation, Outcome.EXPIRED)
            return False
        refusal = self.access.refusal(invocation.asker, invocation.command)
        if refusal is None:
            return True
        await self.serve(invocation, lambda _: _refuse(refusal))
        return False

    async def _carry_out(self, invocation: Invocation, work: Work) -> tuple[PagedReport, Outcome]:
        try:
            return await work(invocation), Outcome.DONE
        except Exception as error:  # noqa: BLE001 - the asker is told of any error
            sentence, outcome = told(error, invocation.command)
            if outcome is Outcome.REFUSED:
                invocation.noted_as = invocation.noted_as or invocation.command
            return plain(sentence), outcome

    async def _pressed(self, invocation: Invocation, answer: PagedReport, action: str) -> PagedReport:
        if answer.channel_id is not None:
            await require_visible(invocation.interaction, answer.channel_id)
        require_unchanged(invocation.interaction, answer.channels)
        pressed = await answer.press(action)
        if pressed is not answer:
            invocation.word = ""
        return pressed

    async def _show(self, invocation: Invocation, answer: PagedReport) -> None:
        display = answer.display
        if display.file is not None and len(display.file.content) > invocation.interaction.filesize_limit:
            await invocation.show(TOO_LARGE)
            return
        view = None
        if display.buttons:
            live = LiveReport(answer, invocation.interaction.user.id, invocation.command, invocation.options)
            view = row(self._live.keep(live, invocation.word), display.buttons)
        await invocation.show(display.text, view=view, file=display.file)

    async def _say_gone(self, interaction: discord.Interaction) -> None:
        self._track()
        try:
            await interaction.response.send_message(
                GONE, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
            )
        except UNREADABLE as error:
            _log.debug("press.unanswered", error=type(error).__name__)

    async def _note(self, invocation: Invocation, outcome: Outcome) -> None:
        """Record a use; if the log fails, the answer stays."""
        if not invocation.noted_as:
            return
        try:
            await self.context.note_use(
                user_id=invocation.interaction.user.id,
                guild_id=invocation.interaction.guild_id,
                channel_id=invocation.interaction.channel_id or 0,
                command=invocation.noted_as,
                options=None if invocation.command.partition(" ")[0] == PRIVACY else invocation.options,
                outcome=outcome,
            )
        except Exception as error:  # noqa: BLE001 - the answer stays even if it can't be recorded
            _log.error("command.unrecorded", command=invocation.noted_as, error=type(error).__name__)


def told(error: Exception, command: str) -> tuple[str, Outcome]:
    """Return the sentence for who used a command that raised an error, and how the use ended."""
    if isinstance(error, NotAllowed):
        return str(error), Outcome.REFUSED
    if isinstance(error, EcholessError):
        return str(error), Outcome.FAILED
    # The error's text may hold people's words, so only its kind is logged.
    _log.error("command.failed", command=command, error=type(error).__name__)
    return NEUTRAL, Outcome.FAILED


async def _refuse(sentence: str) -> PagedReport:
    raise NotAllowed(sentence)
