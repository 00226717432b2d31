"""What the page shows, and where: the logs behind it, the names of channels, the addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from aiohttp import web

from bot.core.streams import stream_of
from bot.moderation.context import CommandContext
from bot.moderation.points import natural
from bot.page.guard import Refused
from bot.page.sessions import Session, Sessions

PREFIX = "/page"
_UNKNOWN = "There is no such conversation here that you may see."


@dataclass(frozen=True, slots=True)
class Names:
    """The names that Discord has for a channel and for a server, "" where they are not known."""

    channel: Callable[[int], str] = lambda _channel_id: ""
    server: Callable[[int], str] = lambda _guild_id: ""


@dataclass(frozen=True, slots=True)
class Site:
    """The logs that the page is about, each with what commands need of it; there are several where a log is divided."""

    contexts: Callable[[], Sequence[CommandContext]]
    names: Names = Names()
    sessions: Sessions = field(default_factory=Sessions)

    async def about(self, request: web.Request, session: Session) -> tuple[int, CommandContext]:
        """Return the channel that an address names, and its log; refuse what is unknown or may not be seen alike."""
        channel_id = int(request.match_info["channel_id"])
        if channel_id in await session.viewer.visible((channel_id,)):
            for context in self.contexts():
                if await context.reader.head(stream_of(channel_id)):
                    return channel_id, context
        raise Refused(HTTPStatus.NOT_FOUND, _UNKNOWN)


def number(query: Mapping[str, str], name: str) -> int | None:
    """Return a whole number of an address, None where there is none."""
    return natural(query.get(name, ""))
