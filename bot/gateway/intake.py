"""Turns what Discord reports into commands: who is addressed, where the bot answers, what is an echo of its own.

Nothing is awaited before a command is queued. Handlers start in the order of arrival (docs/discord-facts.md, 1.2), so
the log keeps that order. Where something has to be looked up first, what comes later in the channel waits for it.
"""

from __future__ import annotations

from collections.abc import Container
from contextlib import suppress
from dataclasses import replace

import structlog
from cachetools import LRUCache

from bot.background import Background
from bot.conversations import Conversations
from bot.core.commands import Command, Delete, DeleteChannel, Edit, Receive
from bot.core.events import (
    Author,
    Draft,
    MessageReceived,
    MessageSkipped,
    Recorded,
    ReplyRequested,
    ServerLeft,
    Via,
)
from bot.core.streams import guild_stream, stream_of
from bot.errors import EcholessError
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from bot.gateway.echoes import Echoes
from bot.gateway.feedback import Clearing, Feedback, Reaction
from bot.gateway.first_seen import FirstSeen
from bot.gateway.holding import Holding, Recording
from bot.gateway.incoming import Incoming
from bot.gateway.judgement import NEW
from bot.gateway.own_threads import OwnThreads
from bot.gateway.places import Place, Places
from bot.gateway.proxies import Found, Proxies, as_person
from bot.gateway.unanswering import NOTHING_FOUND, Unanswering
from bot.replies.reading import newest_words

REMEMBERED = 10_000
"""How many deleted messages are remembered: a page of history that was read before may still bring one."""

_KNOWN = (MessageReceived.TYPE, MessageSkipped.TYPE, ReplyRequested.TYPE)
"""What tells whether a message is recorded, and was addressed to the bot."""

_log = structlog.get_logger()


class Intake:
    """Queues for the log what Discord reports; ``shared``: other code of this process posts by the same account."""

    def __init__(
        self,
        log: EventLog,
        conversations: Conversations,
        judgement: Unanswering,
        *,
        places: Places,
        threads: OwnThreads,
        proxies: Proxies,
        opted_out: Container[int] = frozenset(),
        shared: bool = False,
    ) -> None:
        self.shared = shared
        self._log = log
        self._conversations = conversations
        self._judgement = judgement
        self._places = places
        self._opted_out = opted_out
        self._threads = threads
        self._proxies = proxies
        self._background = Background()
        self._holding = Holding()
        self.first_seen = FirstSeen(log)
        self._deleted: LRUCache[int, None] = LRUCache(REMEMBERED)
        self._gone: set[int] = set()
        self._feedback = Feedback(conversations, log.reader, opted_out)
        self._echoes = Echoes(conversations, log.reader, log.began.at, shared=shared)

    def records(self, place: Place) -> bool:
        """Tell whether the settings record this place."""
        return self._places.records(place)

    def message(self, incoming: Incoming, place: Place, via: Via, own_id: int) -> Recording | None:
        """Queue a message that somebody posted; return None when it is not recorded: by the settings, or deleted."""
        if not self._places.records(place) or (via not in NEW and self._is_deleted(incoming)):
            return None
        self.first_seen.note(place)
        if self._threads.known(place) and not self._proxies.is_copy(incoming):
            if incoming.channel_id not in self._holding:
                return self._received(incoming, place, via, own_id)
            return self._holding.take(incoming.channel_id, lambda: self._received(incoming, place, via, own_id))
        return self._holding.look(incoming.channel_id, lambda: self._looked_up(incoming, place, via, own_id))

    async def _looked_up(self, incoming: Incoming, place: Place, via: Via, own_id: int) -> Recording | None:
        """Queue a message once everything is known that decides what becomes of it."""
        found = Found(copied=self._proxies.is_copy(incoming))
        try:
            if found.copied:
                found = replace(found, original=await self._proxies.original(incoming))
            await self._threads.look(place)
        except Exception as error:  # noqa: BLE001 - what can't be looked up must not cost the message
            _log.error("arrival.unknown", channel=incoming.channel_id, reason=type(error).__name__)
        if found.copied:
            incoming = as_person(incoming, found.original)
        return self._received(incoming, place, via, own_id, found)

    def _received(
        self, incoming: Incoming, place: Place, via: Via, own_id: int, found: Found = NOTHING_FOUND
    ) -> Recording:
        if self._threads.own(place):
            found = replace(found, own_thread=True)
        command = self._judgement.of_message(incoming, place, via, own_id, found)
        return self._conversations.submit(incoming.channel_id, command)

    def ask(self, incoming: Incoming, place: Place, *, private: bool, thread: bool | None = None) -> Recording | None:
        """Queue a question by the command ``/ask``; return None when the settings say not to record it.

        The settings about places and a person's limits hold as for a message. ``thread``: whether a thread is opened
        for the answer (None: as the settings say).
        """
        if not self._places.records(place):
            return None
        self.first_seen.note(place)
        via = Via.WHISPER if private else Via.ASK
        command = self._judgement.of_command(incoming, place, via, thread=thread)
        return self._conversations.submit(incoming.channel_id, command)

    def may_ask_again(self, place: Place, person_id: int, press_id: int, responder: str) -> bool:
        """Tell whether places, limits and budgets let a person have another answer; ``press_id`` counts once."""
        return self._judgement.allows_again(place, person_id, press_id, responder)

    def edit(self, incoming: Incoming, place: Place, own_id: int, via: Via = Via.LIVE) -> Recording | None:
        """Queue an edit; return None when it is not recorded: not by a person, not by the settings, or deleted."""
        if incoming.edited_at is None or self._is_known(incoming) or not self._places.records(place):
            return None
        if self._is_deleted(incoming):
            return None
        if self._proxies.is_copy(incoming) or self._judgement.adds(incoming, place, own_id):
            return self._holding.look(incoming.channel_id, lambda: self._looked_up_edit(incoming, place, own_id, via))
        return self._holding.take(incoming.channel_id, lambda: self._edited(incoming))

    async def _looked_up_edit(self, incoming: Incoming, place: Place, own_id: int, via: Via) -> Recording | None:
        """Queue an edit of a copy, or one that addresses a message to the bot, with the question if it was none before.

        An edited copy is the person's as whose message it was recorded.
        """
        asks: Receive | None = None
        with suppress(EcholessError):
            if self._proxies.is_copy(incoming):
                incoming = await self._proxies.recorded_as(incoming)
            if not self._judgement.adds(incoming, place, own_id):
                return self._edited(incoming)
            await self._conversations.settled(incoming.channel_id)
            query = Query(stream=stream_of(incoming.channel_id), types=_KNOWN, message_id=incoming.message_id)
            known = [recorded.event async for recorded in self._log.reader.events(query)]
            if known and all(isinstance(event, MessageReceived) for event in known):
                asks = self._judgement.of_edit(incoming, place, via, own_id)
        return self._edited(incoming, asks)

    def _edited(self, incoming: Incoming, asks: Receive | None = None) -> Recording | None:
        event = incoming.edited()
        if event is None:
            return None
        body = None if incoming.author_id in self._opted_out else incoming.body
        return self._conversations.submit(incoming.channel_id, Edit(event, body, asks))

    async def previewed(self, incoming: Incoming, place: Place) -> None:
        """Record what Discord added to a message, once, unless it is of the bot itself or shows nothing new.

        The words have to be those that the log holds: if an edit went unseen, the audit finds it.
        """
        event = incoming.previewed()
        withheld = self._is_known(incoming) or incoming.author_id in self._opted_out
        if event is None or withheld or not self._places.records(place):
            return
        await self._conversations.settled(incoming.channel_id)
        newest = await newest_words(self._log.reader, incoming.channel_id, incoming.message_id)
        if newest is None or newest.text != incoming.text or newest.shown == incoming.shown:
            return
        if not self._is_deleted(incoming):
            await self._conversations.handle(incoming.channel_id, Edit(event, incoming.body))

    async def edited_unseen(self, incoming: Incoming, place: Place, own_id: int) -> bool:
        """Record an edit of a message in the history that nothing reported; tell whether there was one.

        It counts only if the words differ from those that the log holds. Erased words do not come back.
        """
        if incoming.edited_at is None or self._is_known(incoming):
            return False
        newest = await newest_words(self._log.reader, incoming.channel_id, incoming.message_id)
        if newest is None or newest.text == incoming.text:
            return False
        recording = self.edit(incoming, place, own_id, Via.AUDIT)
        return bool(recording is not None and await recording)

    def delete(self, message_id: int, place: Place, via: Via = Via.LIVE) -> Recording | None:
        """Queue a deletion, also where the settings do not record any more."""
        self._deleted[message_id] = None
        return self._holding.take(place.channel_id, lambda: self._ended(place, Delete(message_id, via)))

    def delete_channel(self, place: Place) -> Recording | None:
        """Queue the deletion of a channel, also where the settings do not record any more."""
        self._gone.add(place.channel_id)
        return self._holding.take(place.channel_id, lambda: self._ended(place, DeleteChannel()))

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

    async def stop(self) -> None:
        """Let go of what still waits for a look; the next start reads it from the history."""
        await self._holding.stop()

    def may_be_ours(self, incoming: Incoming, via: Via) -> bool:
        """Tell whether a message may be a part of a reply, for :meth:`own` to take."""
        return incoming.author is Author.SELF and self._echoes.may_be_ours(incoming, via)

    def knows(self, incoming: Incoming) -> bool:
        """Tell whether a message of the bot's own account is recorded, or about to be."""
        return self._echoes.known(incoming)

    async def own(self, incoming: Incoming, place: Place, via: Via) -> None:
        """Take a message of the bot's own account."""
        await self._echoes.take(incoming, via if self._places.records(place) else None)

    def _is_known(self, incoming: Incoming) -> bool:
        """Tell whether a message is the bot's own, whose words the log knows as it wrote them."""
        return incoming.author is Author.SELF and not self.shared

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
