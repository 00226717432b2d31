"""``/ask``: a question where the bot may not read messages, answered by editing the response to the command.

An edit of the original response can be repeated without harm, so the answer comes once; a follow-up has no nonce
(docs/discord-facts.md, 1.4). The token for the edit lives in memory alone. Questions that a crash leaves unanswered are
given up at the next start.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

import discord
import structlog

from bot.background import Background
from bot.core.conversation import Conversation
from bot.core.events import (
    AbandonReason,
    Author,
    MessageSkipped,
    Recorded,
    ReplyAbandoned,
    ReplyMoved,
    ReplyRequested,
    ReplySent,
    SkipReason,
)
from bot.core.fate import NotYet, Outcome, Refused, Sent
from bot.errors import EcholessError
from bot.gateway.incoming import Incoming, Unreadable
from bot.gateway.intake import Intake
from bot.gateway.invocation import TOKEN_SECONDS, Expired, Invocation
from bot.gateway.places import Place
from bot.gateway.requests import UNREADABLE
from bot.gateway.sender import sort
from bot.gateway.snowflakes import snowflake_time

ASK = "ask"
REMEMBERED = 1000
LONGEST = 2000
STOP_SECONDS = 1.0

NO_ANSWER = "I have no answer to that."
SORRY = "I could not answer that: please ask again."
LEAVING = "I am being restarted: please ask again in a minute."
NOT_HERE = "I do not answer here."
EITHER = "Everybody can read a thread: ask again, either in private or in a thread."
TOMORROW = "I have said all that I may for today: please ask me again tomorrow."
SKIPPED: Mapping[SkipReason, str] = MappingProxyType(
    {
        SkipReason.NO_ANSWER: NO_ANSWER,
        SkipReason.MUTED: NOT_HERE,
        SkipReason.OPTED_OUT: "You have opted out, so I record and answer nothing of yours: use /privacy opt-in first.",
        SkipReason.PAUSED: "I answer nothing here for now: a moderator paused me.",
        SkipReason.CHANNEL_LIMIT: "I am asked more here than I can answer just now: please ask again in a few minutes.",
        SkipReason.PERSON_LIMIT: "You have asked more than I can answer just now: please ask again in a few minutes.",
        SkipReason.PERSON_BUDGET: TOMORROW,
        SkipReason.CHANNEL_BUDGET: TOMORROW,
        SkipReason.SERVER_BUDGET: TOMORROW,
        SkipReason.DAY_BUDGET: TOMORROW,
    }
)

_log = structlog.get_logger()


@dataclass(slots=True)
class Asked:
    """A question that waits for its answer; ``touched``: its response may hold an answer already."""

    invocation: Invocation
    touched: bool = False


class InteractionReplies:
    """Takes questions and edits the answers into their responses."""

    def __init__(self, intake: Intake, token_seconds: float = TOKEN_SECONDS) -> None:
        self._intake = intake
        self._token_seconds = token_seconds
        self._live: dict[int, Asked] = {}
        self._seen: deque[int] = deque(maxlen=REMEMBERED)
        self._background = Background()

    # -- questions ---------------------------------------------------------------------------------------------------

    async def ask(
        self, interaction: discord.Interaction, question: str, *, private: bool, thread: bool | None = None
    ) -> None:
        """Acknowledge a question, record it, and leave the answer to the channel's worker."""
        if interaction.id in self._seen:
            return
        self._seen.append(interaction.id)
        deadline = asyncio.get_running_loop().time() + self._token_seconds
        asked = Asked(Invocation(interaction, ASK, "", deadline, noted_as="", public=not private))
        try:
            await asked.invocation.defer()
        except Expired:
            _log.warning("ask.too_late", channel=interaction.channel_id)
            return
        if private and thread:
            await self._tell(asked, EITHER)
            return
        self._live[interaction.id] = asked
        sentence = await self._recorded(interaction, question, private=private, thread=thread)
        if sentence:
            self._live.pop(interaction.id, None)
            await self._tell(asked, sentence)

    async def _recorded(
        self, interaction: discord.Interaction, question: str, *, private: bool, thread: bool | None
    ) -> str:
        """Record a question; return the sentence for the asker when it gets no answer, otherwise ""."""
        try:
            incoming, place = _incoming(interaction, question), _place(interaction)
            recording = self._intake.ask(incoming, place, private=private, thread=thread)
            new = await recording if recording is not None else None
        except (EcholessError, Unreadable) as error:
            _log.error("ask.unrecorded", channel=interaction.channel_id, error=type(error).__name__)
            return SORRY
        if new is None:
            return NOT_HERE
        skipped = next((each.event for each in new if isinstance(each.event, MessageSkipped)), None)
        answered = any(isinstance(each.event, ReplyRequested) for each in new)
        return "" if skipped is None or answered else SKIPPED.get(skipped.reason, SORRY)

    async def stop(self) -> None:
        """Tell everybody who still waits that the bot stops."""
        for asked in self._live.values():
            self._background.start(self._tell(asked, LEAVING))
        self._live.clear()
        await self._background.end(within=STOP_SECONDS)

    # -- answers -----------------------------------------------------------------------------------------------------

    async def answer(self, message_id: int, text: str) -> Outcome:
        """Write the answer to a question into the response of its command."""
        asked = self._live.get(message_id)
        # The token is lost, and a private question must not be answered in public.
        return Refused(AbandonReason.EXPIRED, "no token") if asked is None else await _answered(asked, text)

    def observe(self, _channel_id: int, state: Conversation, new: tuple[Recorded, ...]) -> None:
        """Forget questions whose reply has ended; tell the asker when it ended without an answer."""
        for recorded in new if self._live else ():
            event = recorded.event
            if (
                not isinstance(event, ReplySent | ReplyAbandoned | ReplyMoved)
                or state.pending(event.message_id) is not None
            ):
                continue
            asked = self._live.pop(event.message_id, None)
            if asked is not None and isinstance(event, ReplyAbandoned) and not asked.touched:
                self._background.start(
                    self._tell(asked, NO_ANSWER if event.reason is AbandonReason.NO_ANSWER else SORRY)
                )

    async def _tell(self, asked: Asked, sentence: str) -> None:
        """Say ``sentence`` in place of an answer; a failure is only logged."""
        if asked.touched:
            return
        try:
            await asked.invocation.show(sentence)
        except (Expired, *UNREADABLE) as error:
            _log.debug("ask.untold", error=type(error).__name__)


async def _answered(asked: Asked, text: str) -> Outcome:
    """Edit the response. An edit of unknown fate is tried again, because repeating an edit does no harm."""
    asked.touched = True
    try:
        return Sent(await asked.invocation.show(text))
    except Expired:
        return Refused(AbandonReason.EXPIRED, "interaction")
    except discord.HTTPException as error:
        if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            asked.touched = False
            return sort(error)
        return NotYet(f"status {error.status}")
    except discord.RateLimited as error:
        return sort(error)
    except UNREADABLE as error:
        return NotYet(type(error).__name__)


def _incoming(interaction: discord.Interaction, question: str) -> Incoming:
    user = interaction.user
    return Incoming(
        channel_id=interaction.channel_id or 0,
        message_id=interaction.id,
        author_id=user.id,
        author=Author.BOT if user.bot else Author.PERSON,
        name=user.display_name,
        text=question,
        sent_at=snowflake_time(interaction.id),
        guild_id=interaction.guild_id,
    )


def _place(interaction: discord.Interaction) -> Place:
    parent = getattr(interaction.channel, "parent_id", None)
    return Place(interaction.channel_id or 0, parent, interaction.guild_id)
