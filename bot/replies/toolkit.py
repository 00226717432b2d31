"""The tools of the settings, and where each may be used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.background import Background
from bot.core.commands import Command
from bot.core.events import Recorded
from bot.core.outbox import Pending
from bot.eventlog.reader import Reader
from bot.replies.place_settings import Surroundings
from bot.replies.tool_calls import LoggedCalls
from bot.responders.protocol import Question
from bot.responders.tools import Asking, Calls, Limits, Tool, ToolSource

Places = frozenset[int] | None
"""Ids of servers, channels and parents of threads; None: everywhere."""

Handle = Callable[[int, Command], Awaitable[tuple[Recorded, ...]]]
"""Decides and records a command of a channel; returns the events newly appended."""

ANY = "*"
"""Ends the name of a grant for all tools whose names begin so."""


def granted(allow: Mapping[str, Places], channel_id: int, around: Surroundings) -> Sequence[str]:
    """Return the names in ``allow`` that hold for answers in a channel."""
    places = {channel_id, around.parent_id, around.guild_id}
    return [name for name, where in allow.items() if where is None or where & places]


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of the settings, which the answers of a log may use.

    ``allow`` says where a tool may be used, by its name, or by the beginning of its name and ``*``. ``shows``: the
    names of the tools are shown under an answer. ``left`` keeps calls that do not end in time.
    """

    sources: Sequence[ToolSource]
    allow: Mapping[str, Places]
    limits: Limits
    shows: bool = True
    left: Background = field(default_factory=Background)

    async def at(self, channel_id: int, around: Surroundings) -> tuple[Tool, ...] | None:
        """Return the tools for answers in a channel, as far as they can be reached; None where none may be used."""
        grants = granted(self.allow, channel_id, around)
        if not grants:
            return None
        asked = [source for source in self.sources if any(grant.startswith(source.prefix) for grant in grants)]
        found = await asyncio.gather(*(source.tools() for source in asked))
        tools = {tool.name: tool for some in reversed(found) for tool in some}
        return tuple(tool for name, tool in sorted(tools.items()) if any(fits(name, grant) for grant in grants))


class Calling(Protocol):
    """Makes the calls of tools for answers."""

    @property
    def tools(self) -> Tools:
        """Return the tools."""

    @property
    def busy(self) -> Collection[int]:
        """Return the channels for whose answers a tool is being called."""

    async def calls(self, channel_id: int, entry: Pending, question: Question, around: Surroundings) -> Calls | None:
        """Return the calls for an answer in a channel; None where no tool may be used.

        The question may stand in another channel, above a thread that was opened for the answer.
        """


@dataclass(frozen=True, slots=True)
class ToolKit:
    """Makes the calls of a bot, through its log."""

    tools: Tools
    reader: Reader
    handle: Handle
    busy: set[int] = field(default_factory=set)

    async def calls(
        self, channel_id: int, entry: Pending, question: Question, around: Surroundings
    ) -> LoggedCalls | None:
        """Return the calls, with those of before a crash."""
        tools = await self.tools.at(channel_id, around)
        if tools is None:
            return None
        calls = LoggedCalls(
            self.tools.limits,
            tools,
            asking_of(channel_id, entry, question, around),
            entry.generation,
            lambda command: self.handle(channel_id, command),
            self.tools.left,
            self.busy,
        )
        await calls.resume(self.reader)
        return calls


def asking_of(channel_id: int, entry: Pending, question: Question, around: Surroundings) -> Asking:
    """Return on whose behalf tools are called for an answer in a channel."""
    return Asking(channel_id, entry.message_id, around.guild_id, question.author_id, question.author)


def fits(name: str, grant: str) -> bool:
    """Tell whether a tool is granted by a name in the settings."""
    return name.startswith(grant[:-1]) if grant.endswith(ANY) else name == grant
