"""Why a message was answered so, or not at all: what was recorded about it, with times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.core.events import MessageEvent
from bot.moderation.explain import Story, reasons, story_of
from bot.moderation.prompted import prompted
from bot.moderation.text import Line
from bot.page.rendering import render
from bot.page.sessions import Session
from bot.page.site import Site, number

_OF_PEOPLE = ("message.edited", "message.previewed", "message.deleted", "reaction.added", "reaction.removed")
"""What may come long after an answer, and would make the rest of the picture small."""
_NARROWEST = 0.6
"""The width of a bar that can be seen, in percent."""


@dataclass(frozen=True, slots=True)
class Step:
    """An event of the waterfall: microseconds since the first one and since the one before it.

    ``what`` are its fields and words. ``begins`` and ``lasts`` are the place of its bar, in percent of the whole width.
    """

    line: Line
    what: str
    after: int
    took: int
    begins: float
    lasts: float


class Why:
    """Shows what ``/why`` tells, and the events as a picture."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: web.Request, session: Session) -> web.StreamResponse:
        """Show the page about one message."""
        channel_id, context = await self._site.about(request, session)
        message_id = number(request.match_info, "message_id")
        if message_id is None:
            raise web.HTTPNotFound
        story = await story_of(context, channel_id, message_id)
        return render(
            "why.html",
            session,
            channel_id=channel_id,
            story=story,
            reasons=await reasons(context, story),
            prompted=await prompted(context, channel_id, story),
            steps=waterfall(story),
        )


def waterfall(story: Story) -> Sequence[Step]:
    """Return the events about a message as bars: each from the event before it to itself."""
    first = story.lines[0].recorded.recorded_at
    whole = max((each.recorded.recorded_at - first for each in story.lines if _counts(each)), default=0) or 1
    steps, before = list[Step](), first
    for line in story.lines:
        now = line.recorded.recorded_at
        begins, ends = (min(100.0, max(0, moment - first) * 100 / whole) for moment in (before, now))
        lasts = max(_NARROWEST, ends - begins)
        # All are about one message, so its id is told once.
        what = line.told(("message_id",) if steps else ())
        steps.append(Step(line, what, now - first, now - before, min(begins, 100 - lasts), lasts))
        before = now
    return steps


def _counts(line: Line) -> bool:
    event = line.recorded.event
    return isinstance(event, MessageEvent) and event.form.type not in _OF_PEOPLE
