"""Proxy bots such as PluralKit: where they are, whose message a copy of theirs is, and how long originals wait.

A question waits for a short while where a proxy bot is, because it may be an original: the copy is answered instead.
What decides stands in the log, so a crash changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, replace

from cachetools import LRUCache

from bot.conversations import Conversations
from bot.core import events as e
from bot.core.outbox import Pending
from bot.core.proxying import Original, original_of, originals
from bot.core.streams import stream_of
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.gateway.incoming import Incoming
from bot.gateway.pluralkit import PluralKit
from bot.gateway.snowflakes import snowflake_at
from bot.gateway.sync import Sync
from bot.times import SECOND

PLURALKIT, TUPPERBOX = 466378653216014359, 431544605209788416
"""The ids of their applications, as their invitations name them (pluralkit.me, tupperbox.app)."""
BEFORE = 15 * SECOND
"""How much older than its copy an original is at most."""
CATCHUP = 10 * SECOND
"""How long after a connection an original waits for the history, which may hold its copy."""
LOOK_AGAIN = SECOND // 4
EVENTS = 200
"""The newest events of a channel among which an original is looked for."""
REMEMBERED, TAKEN = 10_000, 1_000
SERVERS_AGAIN = 60 * SECOND
"""Microseconds for which it is remembered whether a proxy bot is on a server."""

_TYPES = tuple(
    kind.TYPE
    for kind in (
        *(e.MessageReceived, e.MessageEdited, e.MessageDeleted, e.ReplyRequested),
        *(e.ReplyBegun, e.ReplyComposed, e.ReplyAbandoned, e.ForeignReplySeen),
    )
)


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked up for a message: in a thread of the bot's own, a proxy's copy, and what it stands for."""

    own_thread: bool = False
    copied: bool = False
    original: Original | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of servers: whether one of some bots is on one, the server of a channel, the complete channels."""

    has_bot: Callable[[int, Container[int]], bool]
    server_of: Callable[[int], int | None]
    complete: Sync


class Proxies:
    """Knows the copies of the proxy bots ``ids``; originals wait for ``grace_us``; ``clock`` in microseconds.

    Without ``ids`` nothing is a copy, and nothing waits.
    """

    def __init__(
        self,
        conversations: Conversations,
        reader: Reader,
        around: Around,
        *,
        ids: frozenset[int],
        grace_us: int,
        clock: Callable[[], int],
        pluralkit: PluralKit | None = None,
    ) -> None:
        self._conversations = conversations
        self._reader = reader
        self._around = around
        self._ids = ids
        self._grace_us = grace_us
        self._clock = clock
        self._pluralkit = pluralkit
        self._connected_at = 0
        self._seen: set[int] = set()
        self._copies: LRUCache[int, None] = LRUCache(REMEMBERED)
        self._taken: LRUCache[int, int] = LRUCache(TAKEN)
        self._present: dict[int, tuple[bool, int]] = {}

    def connected(self) -> None:
        """Note that a session began: the history is read now."""
        self._connected_at = self._clock()

    def is_copy(self, incoming: Incoming) -> bool:
        """Tell whether a proxy bot posted a message by its webhook (docs: message object, application_id)."""
        if incoming.application_id not in self._ids or incoming.author is not e.Author.WEBHOOK:
            return False
        self._copies[incoming.message_id] = None
        if incoming.guild_id:
            self._seen.add(incoming.guild_id)
        return True

    def present(self, guild_id: int | None) -> bool:
        """Tell whether a proxy bot is on a server: its role is, or a copy of it was seen."""
        if guild_id is None or not self._ids:
            return False
        if guild_id in self._seen:
            return True
        known, until = self._present.get(guild_id, (False, 0))
        # A clock that was set back must not make the answer last longer.
        if not until - SERVERS_AGAIN <= (now := self._clock()) < until:
            known = self._around.has_bot(guild_id, self._ids)
            self._present[guild_id] = (known, now + SERVERS_AGAIN)
        return known

    def wait(self, channel_id: int, entry: Pending) -> int:
        """Return the microseconds for which the answer to a message is not written yet: it may be an original."""
        if entry.asked or entry.generation > 1 or entry.message_id in self._copies:
            return 0
        if not self.present(self._around.server_of(channel_id)):
            return 0
        now = self._clock()
        # A clock that was set back must not make the wait longer.
        left = min(entry.requested_at + self._grace_us - now, self._grace_us)
        reading = channel_id not in self._around.complete and now - self._connected_at < CATCHUP
        return max(left, LOOK_AGAIN) if reading else left

    async def original(self, incoming: Incoming) -> Original | None:
        """Return the message that a copy stands for, None if nobody can tell."""
        told = None
        if self._pluralkit is not None and incoming.application_id != TUPPERBOX:
            told = await self._pluralkit.proxied(incoming.message_id)
        recent = await self._recent(incoming)
        if told is None:
            found = original_of(incoming.text, [file.size for file in incoming.attachments], recent)
        else:
            named = (original for original in recent if original.message_id == told.original_id)
            found = next(named, Original(told.original_id, told.sender_id))._replace(author_id=told.sender_id)
        if found is not None:
            self._taken[found.message_id] = incoming.message_id
        return found

    async def _recent(self, incoming: Incoming) -> list[Original]:
        """Return what people said in the channel shortly before a copy."""
        channel_id, before = incoming.channel_id, snowflake_at(incoming.sent_at - BEFORE)
        await self._conversations.settled(channel_id)
        query = Query(stream=stream_of(channel_id), types=_TYPES, newest_first=True)
        found = [recorded async for recorded in self._reader.events(query, limit=EVENTS)][::-1]
        said = {each.position: each.event.about() or 0 for each in found}
        bodies = await self._reader.bodies(position for position, about in said.items() if about >= before)
        others = {each for each in said.values() if each in self._copies or self._is_taken(each, incoming)}
        return originals(found, bodies, ids=range(before, incoming.message_id), others=others)

    def _is_taken(self, message_id: int, incoming: Incoming) -> bool:
        """Tell whether a message is the original of another copy; one copy may be brought several times."""
        return self._taken.get(message_id, incoming.message_id) != incoming.message_id

    async def recorded_as(self, incoming: Incoming) -> Incoming:
        """Return an edited copy as one of the person as whose message the log has it."""
        await self._conversations.settled(incoming.channel_id)
        found = await self._reader.find(stream_of(incoming.channel_id), e.KeyKind.RECEIVED, incoming.message_id)
        authors = [each.event.author_id for each in found if isinstance(each.event, e.MessageReceived)]
        if not authors or authors[0] == incoming.author_id:
            return as_person(incoming, None)
        return as_person(incoming, Original(incoming.message_id, authors[0]))


def as_person(incoming: Incoming, original: Original | None) -> Incoming:
    """Return a copy as a message of the person behind it; of one who is not known, the application stays named."""
    if original is None:
        return replace(incoming, author=e.Author.PERSON)
    return replace(
        incoming,
        author=e.Author.PERSON,
        author_id=original.author_id,
        application_id=0,
        reply_to=incoming.reply_to or original.reply_to,
    )
