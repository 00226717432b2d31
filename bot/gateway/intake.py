"""Turns what Discord reports into commands: who is addressed, where the bot answers, what is an echo of its own.

Nothing is awaited before a command is queued. Handlers start in the order of arrival (docs/discord-facts.md, 1.2), so
the log keeps that order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Container
from dataclasses import dataclass

import structlog
from cachetools import LRUCache

from bot.background import Background
from bot.conversations import Conversations
from bot.core.addressing import Address, call_of, refusal_of, without_mention
from bot.core.commands import Command, Compose, Delete, DeleteChannel, Edit, Receive
from bot.core.events import (
    Author,
    Call,
    Draft,
    Recorded,
    Role,
    ServerLeft,
    SkipReason,
    Via,
)
from bot.core.seen import shown_lines
from bot.core.streams import guild_stream, stream_of
from bot.errors import EcholessError
from bot.eventlog.log import EventLog
from bot.gateway.budget import Budget
from bot.gateway.echoes import Echoes
from bot.gateway.feedback import Clearing, Feedback, Reaction
from bot.gateway.first_seen import FirstSeen
from bot.gateway.incoming import Incoming
from bot.gateway.limits import Limiter
from bot.gateway.places import Place, Places
from bot.replies.reading import newest_words
from bot.responders import Attached, Chain, Question, Responder, notice

REMEMBERED = 10_000
"""How many deleted messages are remembered: a page of history that was read before may still bring one."""

_NEW = (Via.LIVE, Via.AHEAD)

_log = structlog.get_logger()

Recording = asyncio.Future[tuple[Recorded, ...]]


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings about answering; ``clock`` returns microseconds since the epoch.

    What people in ``opted_out`` write is recorded without words and not answered.
    """

    answer: Collection[Call]
    answer_bots: bool
    max_age_us: int
    room: int
    clock: Callable[[], int]
    opted_out: Container[int] = frozenset()


class Intake:
    """Queues for the log what Discord reports."""

    def __init__(
        self,
        log: EventLog,
        conversations: Conversations,
        answering: Chain,
        *,
        places: Places,
        limiter: Limiter,
        terms: Terms,
        budget: Budget | None = None,
        answered: Callable[[Responder, Question], Compose | None] | None = None,
    ) -> None:
        self._log = log
        self._conversations = conversations
        self._answering = answering
        self._places = places
        self._limiter = limiter
        self._terms = terms
        self._budget = budget
        self._answered = answered
        self._opted_out = terms.opted_out
        self._background = Background()
        self.first_seen = FirstSeen(log)
        self._deleted: LRUCache[int, None] = LRUCache(REMEMBERED)
        self._gone: set[int] = set()
        self._feedback = Feedback(conversations, log.reader, terms.opted_out)
        self._echoes = Echoes(conversations, log.reader, log.began.at)

    def records(self, place: Place) -> bool:
        """Tell whether the settings record this place."""
        return self._places.records(place)

    def message(self, incoming: Incoming, place: Place, via: Via, own_id: int) -> Recording | None:
        """Queue a message that somebody posted; return None when it is not recorded: by the settings, or deleted."""
        if not self._places.records(place) or (via not in _NEW and self._is_deleted(incoming)):
            return None
        self.first_seen.note(place)
        if incoming.author_id in self._opted_out:
            call = call_of(self._address(incoming, place, own_id, claimed=False), self._terms.answer)
            return self._conversations.submit(incoming.channel_id, self._withheld(incoming, via, call))
        question = _question(incoming, own_id)
        unasked = None if incoming.author is Author.SELF else self._answering.choose(question, addressed=False)
        address = self._address(incoming, place, own_id, claimed=unasked is not None)
        call = call_of(address, self._terms.answer)
        if call is None:
            # Most messages of a busy server end here.
            return self._conversations.submit(incoming.channel_id, Receive(incoming.received(via), incoming.body))
        chosen = unasked if call is Call.RULE else self._chosen(question, unasked)
        address = address._replace(claimed=chosen is not None)
        stale = via in (Via.CATCHUP, Via.AUDIT) and self._stale(incoming)
        refusal, told_by = self._refusal(address, place, incoming, chosen, stale=stale)
        command = Receive(
            event=incoming.received(via),
            body=incoming.body,
            call=call,
            responder=(chosen or self._answering.first).name,
            refusal=refusal,
            notice=told_by,
            stale=stale,
            room=self._terms.room,
        )
        # Another process may have answered an older message. Only a look into the channel can tell.
        if self._answered is not None and chosen is not None and refusal is None and via in _NEW:
            command.answer = self._answered(chosen, question)
        return self._conversations.submit(incoming.channel_id, command)

    def ask(self, incoming: Incoming, place: Place, *, private: bool) -> Recording | None:
        """Queue a question by the command ``/ask``; return None when the settings say not to record it.

        The settings about places and a person's limits hold as for a message.
        """
        if not self._places.records(place):
            return None
        self.first_seen.note(place)
        via = Via.WHISPER if private else Via.ASK
        if incoming.author_id in self._opted_out:
            return self._conversations.submit(incoming.channel_id, self._withheld(incoming, via, Call.ASK))
        chosen = self._answering.choose(_question(incoming, 0), addressed=True)
        address = Address(incoming.author, incoming.kind, place.direct, False, True, chosen is not None)  # noqa: FBT003
        refusal, told_by = self._refusal(address, place, incoming, chosen, stale=False)
        command = Receive(
            event=incoming.received(via),
            body=incoming.body,
            call=Call.ASK,
            responder=(chosen or self._answering.first).name,
            refusal=refusal,
            notice=told_by,
            room=self._terms.room,
        )
        return self._conversations.submit(incoming.channel_id, command)

    def edit(self, incoming: Incoming, place: Place) -> Recording | None:
        """Queue an edit; return None when it is not recorded: not by a person, not by the settings, or deleted."""
        event = incoming.edited()
        if event is None or incoming.author is Author.SELF or not self._places.records(place):
            return None
        if self._is_deleted(incoming):
            return None
        body = None if incoming.author_id in self._opted_out else incoming.body
        return self._conversations.submit(incoming.channel_id, Edit(event, body))

    async def previewed(self, incoming: Incoming, place: Place) -> None:
        """Record what Discord added to a message, once, unless it is of the bot itself or shows nothing new.

        The words have to be those that the log holds: if an edit went unseen, the audit finds it.
        """
        event = incoming.previewed()
        withheld = incoming.author is Author.SELF or incoming.author_id in self._opted_out
        if event is None or withheld or not self._places.records(place):
            return
        await self._conversations.settled(incoming.channel_id)
        newest = await newest_words(self._log.reader, incoming.channel_id, incoming.message_id)
        if newest is None or newest.text != incoming.text or newest.shown == incoming.shown:
            return
        if not self._is_deleted(incoming):
            await self._conversations.handle(incoming.channel_id, Edit(event, incoming.body))

    async def edited_unseen(self, incoming: Incoming, place: Place) -> bool:
        """Record an edit of a message in the history that nothing reported; tell whether there was one.

        It counts only if the words differ from those that the log holds. Erased words do not come back.
        """
        if incoming.edited_at is None or incoming.author is Author.SELF:
            return False
        newest = await newest_words(self._log.reader, incoming.channel_id, incoming.message_id)
        if newest is None or newest.text == incoming.text:
            return False
        recording = self.edit(incoming, place)
        return bool(recording is not None and await recording)

    def delete(self, message_id: int, place: Place, via: Via = Via.LIVE) -> Recording | None:
        """Queue a deletion, also where the settings do not record any more."""
        self._deleted[message_id] = None
        return self._ended(place, Delete(message_id, via))

    def delete_channel(self, place: Place) -> Recording | None:
        """Queue the deletion of a channel, also where the settings do not record any more."""
        self._gone.add(place.channel_id)
        return self._ended(place, DeleteChannel())

    def returned(self, channel_id: int) -> None:
        """Note that a channel is there, perhaps again: a server may invite a bot that it had removed."""
        self._gone.discard(channel_id)

    async def leave(self, guild_id: int) -> Recorded:
        """Record that the bot is no longer on a server, and return that event."""
        left = await self._log.append(guild_stream(guild_id), (Draft(ServerLeft(guild_id=guild_id)),))
        return left.new[0]

    async def reaction(self, reaction: Reaction, place: Place) -> None:
        """Take a reaction, if the settings record its place."""
        if self._places.records(place):
            await self._feedback.take(reaction)

    async def cleared(self, clearing: Clearing, place: Place) -> None:
        """Take the removal of many reactions at once, if the settings record their place."""
        if self._places.records(place):
            await self._feedback.clear(clearing)

    def knows(self, incoming: Incoming) -> bool:
        """Tell whether a message of the bot's own account is recorded, or about to be."""
        return self._echoes.known(incoming)

    async def own(self, incoming: Incoming, place: Place, via: Via) -> None:
        """Take a message of the bot's own account."""
        await self._echoes.take(incoming, via if self._places.records(place) else None)

    def _withheld(self, incoming: Incoming, via: Via, call: Call | None) -> Receive:
        """Return the command to record that a person who opted out wrote something, without what it was."""
        return Receive(
            event=incoming.received(via).model_copy(update={"attachments": (), "shown": (), "forwards": None}),
            body=None,
            call=call,
            responder=self._answering.first.name,
            refusal=SkipReason.OPTED_OUT,
        )

    def _is_deleted(self, incoming: Incoming) -> bool:
        """Tell whether the message or its channel was deleted meanwhile: its words must not come back."""
        return incoming.message_id in self._deleted or incoming.channel_id in self._gone

    def _ended(self, place: Place, command: Delete | DeleteChannel) -> Recording | None:
        if self._places.records(place):
            return self._conversations.submit(place.channel_id, command)
        # It may have been recorded under other settings.
        self._background.start(self._end_known(place.channel_id, command))
        return None

    async def _end_known(self, channel_id: int, command: Command) -> None:
        try:
            if await self._log.reader.head(stream_of(channel_id)):
                await self._conversations.handle(channel_id, command)
        except EcholessError as error:
            _log.warning("deletion.unrecorded", channel=channel_id, error=type(error).__name__)

    def _chosen(self, question: Question, unasked: Responder | None) -> Responder | None:
        """Return the responder for a message addressed to the bot; ``unasked`` answers even messages that are not."""
        if unasked is self._answering.first:
            return unasked
        return self._answering.choose(question, addressed=True)

    def _address(self, incoming: Incoming, place: Place, own_id: int, *, claimed: bool) -> Address:
        return Address(
            author=incoming.author,
            kind=incoming.kind,
            direct=place.direct,
            replies_to_bot=incoming.replies_to_bot or self._replies_to_known(incoming),
            mentions_bot=own_id in incoming.mentions,
            claimed=claimed,
        )

    def _refusal(
        self, address: Address, place: Place, incoming: Incoming, chosen: Responder | None, *, stale: bool
    ) -> tuple[SkipReason | None, str]:
        """Return why a message to the bot gets no answer, and the responder that tells its author ("": none)."""
        refusal = refusal_of(address, answers_here=self._places.answers(place), answers_bots=self._terms.answer_bots)
        if refusal is not None or stale:
            return refusal, ""
        if self._budget is not None and chosen is not None and chosen.costs:
            refusal = self._budget.refusal(place, incoming.author_id)
            if refusal is not None:
                first = self._budget.tell(incoming.channel_id, incoming.author_id)
                return refusal, notice.TODAY if first else ""
        refusal = self._limiter.refusal(incoming.channel_id, incoming.author_id, incoming.message_id)
        if refusal is None or not self._limiter.tell(incoming.channel_id, incoming.author_id):
            return refusal, ""
        return refusal, notice.NAME

    def _replies_to_known(self, incoming: Incoming) -> bool:
        """Tell whether it replies to a message of the bot that Discord did not include."""
        state = self._conversations.peek(incoming.channel_id) if incoming.reply_to else None
        turn = state.turn(incoming.reply_to) if state and incoming.reply_to else None
        return turn is not None and turn.role is Role.BOT

    def _stale(self, incoming: Incoming) -> bool:
        return self._terms.clock() - incoming.sent_at > self._terms.max_age_us


def _question(incoming: Incoming, own_id: int) -> Question:
    return Question(
        channel_id=incoming.channel_id,
        message_id=incoming.message_id,
        author_id=incoming.author_id,
        author=incoming.name,
        text=without_mention(incoming.text, own_id),
        reply_to=incoming.reply_to,
        files=tuple([Attached(file.content_type, file.size) for file in incoming.attachments]),
        shown=shown_lines(incoming.shown) if incoming.shown else "",
    )
