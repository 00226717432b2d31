"""The tools of the settings, and where each may be used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.background import Background
from bot.core.commands import Command
from bot.core.events import Recorded
from bot.core.outbox import Pending
from bot.eventlog.reader import Reader
from bot.replies.place_settings import Surroundings
from bot.replies.tool_calls import LoggedCalls
from bot.responders.protocol import Question
from bot.responders.tools import Asking, Limits, Tool, ToolSource

Places = frozenset[int] | None
"""Ids of servers, channels and parents of threads; None: everywhere."""

Handle = Callable[[int, Command], Awaitable[tuple[Recorded, ...]]]
"""Decides and records a command of a channel; returns the events newly appended."""

ANY = "*"
"""Ends the name of a grant for all tools whose names begin so."""


@dataclass(frozen=True, slots=True)
class ToolKit:
    """Offers tools for answers.

    ``allow`` says where a tool may be used, by its name, or by the beginning of its name and ``*``. ``shows``: the
    names of the tools are shown under an answer.
    """

    sources: Sequence[ToolSource]
    allow: Mapping[str, Places]
    limits: Limits
    reader: Reader
    handle: Handle
    shows: bool = True
    left: Background = field(default_factory=Background)
    busy: set[int] = field(default_factory=set)
    """The channels for whose answers a tool is being called."""

    async def calls(
        self, channel_id: int, entry: Pending, question: Question, around: Surroundings
    ) -> LoggedCalls | None:
        """Return the calls for an answer in a channel, with those of before a crash; None where no tool may be used.

        The question may stand in another channel, above a thread that was opened for the answer.
        """
        grants = self._grants({channel_id, around.parent_id, around.guild_id})
        if not grants:
            return None
        asking = Asking(channel_id, entry.message_id, around.guild_id, question.author_id, question.author)
        calls = LoggedCalls(
            self.limits,
            await self._offered(grants),
            asking,
            entry.generation,
            lambda command: self.handle(channel_id, command),
            self.left,
            self.busy,
        )
        await calls.resume(self.reader)
        return calls

    def _grants(self, places: set[int | None]) -> list[str]:
        """Return the names that are granted in one of some places."""
        return [name for name, granted in self.allow.items() if granted is None or granted & places]

    async def _offered(self, grants: Sequence[str]) -> tuple[Tool, ...]:
        asked = [source for source in self.sources if any(grant.startswith(source.prefix) for grant in grants)]
        found = await asyncio.gather(*(source.tools() for source in asked))
        tools = {tool.name: tool for some in reversed(found) for tool in some}
        return tuple(tool for name, tool in sorted(tools.items()) if any(fits(name, grant) for grant in grants))

    async def close(self) -> None:
        """Close the connections of all sources."""
        await asyncio.gather(*(source.close() for source in self.sources), return_exceptions=True)


def fits(name: str, grant: str) -> bool:
    """Tell whether a tool is granted by a name in the settings."""
    return name.startswith(grant[:-1]) if grant.endswith(ANY) else name == grant
