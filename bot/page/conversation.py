"""One conversation, as Discord showed it at a version: the newest, or any before; and what the bot knew then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from cachetools import LRUCache

from bot.conversations.past import Past
from bot.core.events import Recorded
from bot.core.streams import stream_of
from bot.eventlog.reader import Loaded, Reader
from bot.moderation.command import Report
from bot.moderation.context import CommandContext
from bot.moderation.history import difference, pending_line, replayed
from bot.moderation.points import parse_point, version_at
from bot.moderation.replayed import Replayed
from bot.moderation.text import Line, lines, turn_line, without_words
from bot.moderation.transcript import Said, Transcript, transcript
from bot.page.acting import deeds, offered
from bot.page.rendering import render
from bot.page.sessions import Session
from bot.page.site import Site, number

KEPT = 20
"""Conversations whose past is kept; that of one with 100,000 events may take a megabyte."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A channel at a version: what was said, what the bot knew, and the event by which it became so.

    ``window`` is what a model would see, a turn a line, ``window_ids`` its messages. ``since`` is the version that it
    is compared with (None: none is), ``change`` the difference between both. ``acts`` are the commands that the viewer
    may use.
    """

    channel_id: int
    name: str
    head: int
    seen: Replayed
    told: Transcript
    event: Line | None
    texts: Mapping[str, str]
    since: int | None
    change: Report | None
    window: Sequence[str]
    window_ids: frozenset[int]
    acts: frozenset[str]

    @property
    def version(self) -> int:
        """Return the version."""
        return self.seen.state.version

    @property
    def outbox(self) -> Sequence[str]:
        """Return the replies that wait, one a line."""
        return [pending_line(entry) for entry in self.seen.state.outbox]

    def deeds(self, said: Said) -> Sequence[str]:
        """Return the commands that the viewer may use about a message."""
        waits = self.seen.state.pending(said.message_id) is not None
        return deeds(said, self.acts, waits=waits)

    def is_new(self, version: int) -> bool:
        """Tell whether something came after what it is compared with."""
        return self.since is not None and version > self.since


class ConversationPage:
    """Shows a conversation: as a page, and for the script that page's parts alone."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._past: LRUCache[int, Past] = LRUCache(KEPT)

    async def show(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Show the page at the version that the address names, or at the newest."""
        moment, reader = await self._moment(request, session)
        edges = await _edges(reader, moment.channel_id, moment.head)
        return render("conversation.html", session, moment=moment, edges=edges)

    async def moment(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Return what differs from version to version."""
        moment, _ = await self._moment(request, session)
        return render("moment.html", session, moment=moment)

    async def older(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Return an older window of messages."""
        moment, _ = await self._moment(request, session)
        return render("older.html", session, moment=moment)

    async def _moment(self, request: web.Request, session: Session) -> tuple[Moment, Reader]:
        channel_id, context = await self._site.about(request, session)
        reader, query = context.reader, request.query
        version = await self._version(context, channel_id, query.get("at", ""))
        since = await self._version(context, channel_id, query["from"]) if query.get("from") else None
        words = reader.vault is not None
        past = self._past_of(reader, channel_id)
        loaded = await past.load(version)
        seen = await replayed(reader, channel_id, loaded, words=words)
        told = await transcript(reader, channel_id, version, before=number(query, "before"))
        change = None if since is None else await _change(reader, channel_id, await past.load(since), loaded)
        moment = Moment(
            channel_id=channel_id,
            name=self._site.names.channel(channel_id),
            head=await reader.head(stream_of(channel_id)),
            seen=seen,
            told=told,
            event=await _event(reader, seen, told),
            texts=await _texts(reader, seen),
            since=since,
            change=change,
            window=[turn_line(turn, seen.bodies) for turn in seen.state.window],
            window_ids=frozenset(turn.message_id for turn in seen.state.window),
            acts=await offered(session, context, channel_id),
        )
        return moment, reader

    async def _version(self, context: CommandContext, channel_id: int, text: str) -> int:
        """Return the version at a point: a version, a message, a time, how long ago; the newest for no text."""
        if not text:
            return await context.reader.head(stream_of(channel_id))
        point = parse_point(text, context.clock())
        if point.upto is None:
            return await version_at(context.reader, channel_id, point)
        return await self._past_of(context.reader, channel_id).version_at(point.upto)

    def _past_of(self, reader: Reader, channel_id: int) -> Past:
        past: Past | None = self._past.get(channel_id)
        if past is None or past.reader is not reader:
            # A log that was opened again has another reader.
            past = self._past[channel_id] = Past(reader, stream_of(channel_id))
        return past


async def _change(reader: Reader, channel_id: int, *states: Loaded) -> Report:
    """Return the difference between two states, from the earlier to the later one."""
    before, after = sorted((each.state for each in states), key=lambda state: state.version)
    return await difference(reader, channel_id, before, after)


async def _event(reader: Reader, seen: Replayed, told: Transcript) -> Line | None:
    """Return the event by which a channel became so."""
    if seen.newest is None or (told.newest and told.newest.recorded.version == seen.newest.version):
        return told.newest
    return (await lines(reader, (seen.newest,), words=reader.vault is not None))[0]


async def _texts(reader: Reader, seen: Replayed) -> Mapping[str, str]:
    """Return the persona and the summary that held, in words."""
    positions = {"persona": seen.state.persona_position, "summary": seen.state.summary_position}
    held = {name: position for name, position in positions.items() if position}
    if not held:
        return {}
    bodies = await reader.bodies(held.values())
    return {name: bodies[at].text if at in bodies else without_words(bodies, at) for name, at in held.items()}


async def _edges(reader: Reader, channel_id: int, head: int) -> tuple[int, int]:
    """Return when the first and the newest event of a channel were recorded, in microseconds."""
    found = [*await _events(reader, channel_id, 1), *await _events(reader, channel_id, head)]
    return min(each.recorded_at for each in found), max(each.recorded_at for each in found)


async def _events(reader: Reader, channel_id: int, version: int) -> Sequence[Recorded]:
    """Return the event of a version; none at version 0."""
    pages = reader.tail(stream_of(channel_id), after=version - 1, upto=version)
    return [each async for page in pages for each in page]
