"""What went on, in numbers: the figures of ``/stats`` with its picture, of ``/usage`` and of ``/status``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.core.streams import channel_of
from bot.moderation.activity import Activity, Figures, Wanted, brief_span
from bot.moderation.connections import Caught, Sessions, catch_ups, sessions
from bot.moderation.context import CommandContext, Following
from bot.moderation.overview import CHANNELS
from bot.moderation.pictures.activity import drawn
from bot.moderation.pictures.svg import svg
from bot.moderation.points import parse_point
from bot.moderation.stats import heading, names_of_channels, summary, wanted_since
from bot.moderation.status import status
from bot.moderation.usage import Usage, collect
from bot.money import dollar_text
from bot.page.rendering import render
from bot.page.sessions import OWNER, Session
from bot.page.site import Site
from bot.page.spending import Table, tables


@dataclass(frozen=True, slots=True)
class Running:
    """What is about no server: the status of log and process, line by line, the gateway's sessions, the consumers."""

    status: Sequence[str]
    sessions: Sessions
    following: Sequence[Following]


@dataclass(frozen=True, slots=True)
class Counted:
    """What went on in one log, in the channels that the viewer may see; ``running`` is for its owner alone."""

    found: Activity
    names: Mapping[str, str]
    used: Usage
    caught: Mapping[int, Caught]
    running: Running | None

    @property
    def heading(self) -> str:
        """Return the figures in all, and since when."""
        return heading(self.found)

    @property
    def summary(self) -> Sequence[str]:
        """Return lines about all of it."""
        return summary(self.found)

    @property
    def rows(self) -> Sequence[tuple[int, str, Sequence[str]]]:
        """Return each channel with its name and its figures, the busiest first."""
        channels = sorted(self.found.channels.items(), key=lambda each: -each[1].messages)
        return [(channel_id, self.names.get(str(channel_id), ""), _cells(each)) for channel_id, each in channels]

    @property
    def used_tables(self) -> Sequence[Table]:
        """Return what models took, as tables."""
        return tables(self.used, self.names)


class Numbers:
    """Shows the figures; those of each log apart where there are several."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Show the figures since a point (by default of the last 30 days)."""
        since = request.query.get("since", "")
        counted = [await self._counted(context, session, since) for context in self._site.contexts()]
        return render("numbers.html", session, counted=counted, since=since)

    async def picture(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Return the picture of one log's figures."""
        contexts, part = self._site.contexts(), int(request.match_info["part"])
        if part >= len(contexts):
            raise web.HTTPNotFound
        found = await contexts[part].activity(await _wanted(contexts[part], session, request.query.get("since", "")))
        text = await asyncio.to_thread(lambda: svg(drawn(found)))
        return web.Response(text=text, content_type="image/svg+xml")

    async def _counted(self, context: CommandContext, session: Session, since: str) -> Counted:
        wanted = await _wanted(context, session, since)
        found = await context.activity(wanted)
        used = await collect(context.reader, channels=wanted.channels, since=wanted.since)
        caught = await catch_ups(context.reader, wanted.channels, wanted.since)
        named = {each: self._site.names.channel(each) for each in {*found.channels, *caught, *map(int, used.channels)}}
        names = await names_of_channels(context.reader, found, named)
        running = await _running(context, wanted.since) if session.viewer is OWNER else None
        return Counted(found, names, used, caught, running)


async def _wanted(context: CommandContext, session: Session, since: str) -> Wanted:
    """Return what is counted: the channels that the viewer may see, since what they typed."""
    streams = await context.reader.streams(CHANNELS)
    known = {channel_id for each in streams if (channel_id := channel_of(each.name)) is not None}
    seen = set(await session.viewer.visible(known))
    now = context.clock()
    point = parse_point(since, now) if since else None
    return await wanted_since(context.reader, None if seen == known else seen, point, now)


async def _running(context: CommandContext, since: int) -> Running:
    told = await status(context)
    return Running((told.title, *told.lines), await sessions(context.reader, since), context.following())


def _cells(each: Figures) -> Sequence[str]:
    half, most = each.within(0.5), each.within(0.95)
    return (
        *(f"{count:,}" for count in (each.messages, each.people, each.replies)),
        *("" if length is None else brief_span(length) for length in (half, most)),
        *(f"{count:,}" for count in (each.skipped.total(), each.given_up.total(), each.tokens)),
        dollar_text(each.cost_micros),
    )
