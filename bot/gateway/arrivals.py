"""Events of the gateway that are taken at once and in their order: translated and queued for the log, nothing else.

discord.py would start a task for every event. Here an event is taken within its dispatch: a message is queued before
the next one is parsed, without a task and without waiting for its commit.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

import discord
import structlog

from bot.background import Background
from bot.core.events import Via
from bot.errors import EcholessError
from bot.gateway.catchup import Target
from bot.gateway.feedback import Clearing, Reaction
from bot.gateway.incoming import Incoming, Unreadable, from_object, from_payload
from bot.gateway.intake import Intake
from bot.gateway.places import Place, place_in, place_of
from bot.gateway.shown import ODD
from bot.gateway.snowflakes import NoSnowflake, snowflake
from bot.gateway.wire import arrival, whole
from bot.gateway.wiring import Wirings

_log = structlog.get_logger()


class Arrivals:
    """Takes the events that must not wait; ``complete`` begins a catch-up of a channel."""

    def __init__(self, client: discord.Client, wirings: Wirings, complete: Callable[[Target], None]) -> None:
        self._client = client
        self._wirings = wirings
        self._complete = complete
        self._background = Background()
        self._given: object = None
        self._takers: Mapping[str, Callable[..., None]] = {
            "connect": self._doubt,
            "message": self._message,
            "raw_message_edit": self._edit,
            "raw_message_delete": self._delete,
            "raw_bulk_message_delete": self._deletes,
            "guild_channel_create": self._channel,
            "guild_channel_delete": self._channel_end,
            "raw_reaction_add": self._reaction,
            "raw_reaction_remove": self._reaction,
            "raw_reaction_clear": self._clearing,
            "raw_reaction_clear_emoji": self._clearing,
            "raw_thread_delete": self._thread_end,
        }

    def takes(self, event: str) -> bool:
        """Tell whether an event is taken here, by discord.py's name for it."""
        return event in self._takers

    def take(self, event: str, arguments: tuple[Any, ...]) -> bool:
        """Take an event by discord.py's name for it; return False when it is not taken here."""
        taker = self._takers.get(event)
        if taker is None:
            return False
        self._guarded(event, taker, *arguments)
        return True

    def message(self, data: Any) -> bool:  # noqa: ANN401 - Discord's JSON
        """Take a message from its JSON; return False when discord.py has to parse it."""
        if self._client.is_closed():
            return False
        own_id = self._own_id()
        found = arrival(self._client, data, own_id)
        if found is None:
            # discord.py parses it next, and brings its object at once.
            self._given = data
            return False
        self._guarded("message", self._arrived, found.incoming, found.place, own_id)
        return True

    def _guarded(self, event: str, taker: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401 - discord.py's
        try:
            taker(*arguments)
        except Exception:  # noqa: BLE001 - one event that trips a handler must not end the connection
            # discord.py's own line would quote the message.
            _log.exception("handler.failed", handler=event, exc_info=False)

    def unreadable(self, event: str, data: Any, error: Exception) -> None:  # noqa: ANN401 - whatever it was
        """Take an event that discord.py can't parse; a message is read from the history instead."""
        _log.error("event.unreadable", type=event, error=type(error).__name__)
        if event != "MESSAGE_CREATE":
            return
        try:
            channel_id, newest = snowflake(data["channel_id"]), snowflake(data["id"])
            guild_id = snowflake(data["guild_id"]) if data.get("guild_id") else None
        except (AttributeError, LookupError, TypeError, NoSnowflake):
            return
        self._missed(place_in(self._client, channel_id, guild_id), newest)

    def _missed(self, place: Place, newest: int) -> None:
        """Read from the history the messages that could not be taken."""
        self._wirings.of(place.guild_id).sync.doubt(place.channel_id)
        self._complete(Target(place, newest))

    def _message(self, message: discord.Message) -> None:
        """Take a message that discord.py parsed, of a person or of the bot's own account."""
        own_id = self._own_id()
        place = place_of(message.channel, message.guild)
        try:
            incoming = self._translated(message, place, own_id)
        except Exception as error:  # noqa: BLE001 - a field that nobody thought of must not cost the message
            self.unreadable("MESSAGE_CREATE", _named(message, place), error)
            return
        if self._intake(place).may_be_ours(incoming, Via.AHEAD):
            if not self._intake(place).knows(incoming):
                self._background.start(self._own(incoming, place))
            return
        self._arrived(incoming, place, own_id)

    def _translated(self, message: discord.Message, place: Place, own_id: int) -> Incoming:
        """Translate a message from its JSON, or from discord.py's object where that fails.

        Of the bot's own, which shows nothing but text unless other code posts, too, the object knows the name.
        """
        given, self._given = self._given, None
        with suppress(Unreadable, *ODD):
            here = isinstance(given, Mapping) and str(given["id"]) == str(message.id)
            if here and (message.author.id != own_id or self._intake(place).shared) and whole(given):
                return from_payload(given, own_id, guild_id=place.guild_id, client=self._client)
        return from_object(message, own_id)

    def _arrived(self, incoming: Incoming, place: Place, own_id: int) -> None:
        wiring = self._wirings.of(place.guild_id)
        via = wiring.sync.via(incoming.channel_id)
        recording = wiring.intake.message(incoming, place, via, own_id)
        if via is Via.AHEAD and recording is not None:
            self._complete(Target(place, incoming.message_id))

    def _intake(self, place: Place) -> Intake:
        """Return what takes the events of a place."""
        return self._wirings.of(place.guild_id).intake

    def _doubt(self) -> None:
        """Doubt all channels: a session began or goes on."""
        for wiring in self._wirings:
            wiring.sync.doubt_all()

    def _edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Take an edit, of a cached message or not."""
        own_id = self._own_id()
        incoming = from_payload(payload.data, own_id, guild_id=payload.guild_id, client=self._client)
        place = place_in(self._client, payload.channel_id, payload.guild_id)
        if incoming.previewed() is None:
            self._intake(place).edit(incoming, place, own_id)
        else:
            self._background.start(self._reacted(self._intake(place).previewed(incoming, place)))

    def _delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Take a deletion, of a cached message or not (docs/discord-facts.md, 1.6)."""
        place = place_in(self._client, payload.channel_id, payload.guild_id)
        self._intake(place).delete(snowflake(payload.message_id), place)

    def _deletes(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Take many deletions at once."""
        place = place_in(self._client, payload.channel_id, payload.guild_id)
        for message_id in sorted(map(snowflake, payload.message_ids)):
            self._intake(place).delete(message_id, place)

    def _channel(self, channel: discord.abc.GuildChannel) -> None:
        """Take a new channel; none of its messages can be missing."""
        self._wirings.of(channel.guild.id).sync.complete(channel.id)

    def _channel_end(self, channel: discord.abc.GuildChannel) -> None:
        """Take the deletion of a channel."""
        place = place_of(channel, channel.guild)
        self._intake(place).delete_channel(place)

    def _thread_end(self, payload: discord.RawThreadDeleteEvent) -> None:
        """Take the deletion of a thread, cached or not."""
        place = Place(payload.thread_id, payload.parent_id, payload.guild_id)
        self._intake(place).delete_channel(place)

    def _reaction(self, payload: discord.RawReactionActionEvent) -> None:
        """Take a reaction that was added to or removed from a message, which may be the bot's."""
        own_id = self._own_id()
        if payload.user_id == own_id:
            return
        author = payload.message_author_id
        reaction = Reaction(
            channel_id=payload.channel_id,
            message_id=snowflake(payload.message_id),
            person_id=snowflake(payload.user_id),
            emoji=payload.emoji.name or "",
            added=payload.event_type == "REACTION_ADD",
            ours=None if author is None else author == own_id,
        )
        place = place_in(self._client, payload.channel_id, payload.guild_id)
        self._background.start(self._reacted(self._intake(place).reaction(reaction, place)))

    def _clearing(self, payload: discord.RawReactionClearEvent | discord.RawReactionClearEmojiEvent) -> None:
        """Take the removal of all reactions to a message, or of all with one emoji."""
        emoji = payload.emoji.name or "" if isinstance(payload, discord.RawReactionClearEmojiEvent) else None
        clearing = Clearing(payload.channel_id, snowflake(payload.message_id), emoji)
        place = place_in(self._client, payload.channel_id, payload.guild_id)
        self._background.start(self._reacted(self._intake(place).cleared(clearing, place)))

    def _own_id(self) -> int:
        user = self._client.user
        return user.id if user else 0

    async def _reacted(self, recording: Coroutine[None, None, None]) -> None:
        try:
            await recording
        except EcholessError as error:
            _log.debug("reaction.unrecorded", error=type(error).__name__)

    async def _own(self, incoming: Incoming, place: Place) -> None:
        try:
            await self._intake(place).own(incoming, place, Via.AHEAD)
        except EcholessError as error:
            _log.debug("echo.unrecorded", error=type(error).__name__)


def _named(message: discord.Message, place: Place) -> Mapping[str, int | None]:
    return {"channel_id": place.channel_id, "guild_id": place.guild_id, "id": message.id}
