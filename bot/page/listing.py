"""The list of conversations: by server, with counts, last activity, what waits and what is wrong; found by typing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from cachetools import LRUCache

from bot.moderation.context import CommandContext
from bot.moderation.display_names import beside, partners_of
from bot.moderation.overview import Condition, Listed, PlaceKind, condition_of, conversations_in
from bot.page.rendering import render
from bot.page.sessions import Session
from bot.page.site import Site, number

AT_ONCE = 25
"""Rows of a page."""
KEPT = 1000
"""Conversations of which it is kept how they were at their newest version."""
DIRECT = 0
"""Stands in an address for no server: direct messages, and channels of which the log does not tell."""


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation of the list, with its log."""

    listed: Listed
    context: CommandContext
    name: str
    server: str

    def holds(self, text: str) -> bool:
        """Tell whether it is meant by what somebody typed."""
        known = (self.name, self.server, str(self.listed.channel_id), self.listed.kind.value)
        return all(any(word in each.lower() for each in known) for word in text.lower().split())


class Listing:
    """Shows the list; ``find`` narrows it by words, which come in a form so that they stand in no address."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._conditions: LRUCache[tuple[int, int], Condition] = LRUCache(KEPT)

    async def show(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Show a page of the list, of all servers or of one."""
        return await self._shown(session, "", number(request.query, "server"), number(request.query, "page") or 0)

    async def find(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Show what fits to the words of a form; for a script only the rows."""
        form = await request.post()
        given = {name: value for name, value in form.items() if isinstance(value, str)}
        template = "rows.html" if "rows" in given else "list.html"
        return await self._shown(session, given.get("words", "").strip(), number(given, "server"), 0, template)

    async def _shown(
        self, session: Session, words: str, server: int | None, page: int, template: str = "list.html"
    ) -> web.Response:
        rows = await self._rows(session)
        servers = Counter(row.listed.guild_id or DIRECT for row in rows)
        chosen = [row for row in rows if server is None or (row.listed.guild_id or DIRECT) == server]
        chosen = [row for row in chosen if row.holds(words)]
        first = page * AT_ONCE
        shown = [(row, await self._condition(row)) for row in chosen[first:][:AT_ONCE]]
        return render(
            template,
            session,
            rows=shown,
            total=len(chosen),
            servers=[(each, self._server(each), count) for each, count in servers.most_common()],
            server=server,
            words=words,
            page=page,
            more=first + AT_ONCE < len(chosen),
        )

    async def _rows(self, session: Session) -> list[Row]:
        """Return all that the viewer may see, the newest first."""
        rows: list[Row] = []
        for context in self._site.contexts():
            listed = await conversations_in(context)
            seen = set(await session.viewer.visible([each.channel_id for each in listed]))
            listed = [each for each in listed if each.channel_id in seen]
            names = await self._names(context, listed)
            rows += [
                Row(each, context, names.get(each.channel_id, ""), self._server(each.guild_id or DIRECT))
                for each in listed
            ]
        return sorted(rows, key=lambda row: row.listed.last_at, reverse=True)

    async def _condition(self, row: Row) -> Condition | None:
        key = row.listed.channel_id, row.listed.events
        found = self._conditions.get(key) or await condition_of(row.context, row.listed.channel_id)
        if found is not None:
            # What takes long now may not once there are snapshots again.
            self._conditions[key] = found
        return found

    async def _names(self, context: CommandContext, listed: Sequence[Listed]) -> Mapping[int, str]:
        """Return the names of channels, and in the place of those of private ones whom they are with."""
        private = [each.channel_id for each in listed if each.kind is PlaceKind.DIRECT]
        partners = await partners_of(context.reader, private) if private else {}
        names = {each.channel_id: self._site.names.channel(each.channel_id) for each in listed}
        return names | {channel_id: beside(name) for channel_id, name in partners.items()}

    def _server(self, guild_id: int) -> str:
        if guild_id == DIRECT:
            return "Direct messages"
        return self._site.names.server(guild_id) or f"Server {guild_id}"
