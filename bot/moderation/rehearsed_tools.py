"""The calls of tools where an answer is rehearsed: they change nothing, and nothing of them is recorded.

A tool that only reads is called. Of any other tool the model is told what came back when the answer was written, if it
asks for the same again, and otherwise that the tool is not called here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from bot.background import Background
from bot.core.events import ToolOutcome
from bot.core.outbox import Pending
from bot.eventlog.reader import Reader
from bot.replies.place_settings import Surroundings
from bot.replies.tool_calls import Before, calls_before
from bot.replies.tool_running import RETURNED, allowed, run
from bot.replies.toolkit import Tools, asking_of
from bot.responders.protocol import Question
from bot.responders.tools import Asking, Limits, Made, Misfit, Tool, arguments_of


class How(StrEnum):
    """How a call was answered."""

    CALLED = "called"
    RECORDED = "as recorded"
    REFUSED = "not called in a rehearsal"


class Rehearsed(NamedTuple):
    """A call that a model asked for in a rehearsal."""

    tool: str
    how: How


@dataclass(slots=True)
class RehearsedCalls:
    """The calls for one answer: :class:`~bot.responders.tools.Calls`.

    ``before`` are those that were made for the answer when it was written; each result is told once. ``told`` is filled
    with what is asked for.
    """

    limits: Limits
    tools: Sequence[Tool]
    asking: Asking
    before: list[Before]
    left: Background
    told: list[Rehearsed]
    made: list[Made] = field(default_factory=list)
    used: list[str] = field(default_factory=list)

    @property
    def spent(self) -> bool:
        """Tell whether no further call will be answered."""
        return sum(made.called for made in self.made) >= self.limits.calls

    async def call(self, name: str, arguments: str, said: str = "") -> Made:
        """Answer a call, or say why it is not made."""
        try:
            made = await self._answered(allowed(self, name), arguments, said)
        except Misfit as error:
            made = Made(name, arguments, f"Not called: {error}.", said, called=False)
        self.made.append(made)
        return made

    async def _answered(self, tool: Tool, arguments: str, said: str) -> Made:
        given = arguments_of(arguments)
        tool.check(given)
        if tool.read_only:
            ended = await run(tool, given, self.asking, self.limits, self.left)
            return self._told(Made(tool.name, arguments, ended.text, said), How.CALLED, ended.outcome)
        for before in self.before:
            if before.answers(tool.name, given) and before.returned is not None:
                self.before.remove(before)
                return self._told(before.made._replace(said=said), How.RECORDED, before.returned.outcome)
        self.told.append(Rehearsed(tool.name, How.REFUSED))
        raise Misfit("this is a rehearsal, and the tool does more than read; say what you would have it do")

    def _told(self, made: Made, how: How, outcome: ToolOutcome) -> Made:
        self.told.append(Rehearsed(made.tool, how))
        if outcome in RETURNED and made.tool not in self.used:
            self.used.append(made.tool)
        return made


@dataclass(frozen=True, slots=True)
class RehearsedTools:
    """Makes the calls of one rehearsal: :class:`~bot.replies.toolkit.Calling`. ``told`` are those asked for so far."""

    tools: Tools
    reader: Reader
    told: list[Rehearsed] = field(default_factory=list)

    @property
    def busy(self) -> Collection[int]:
        """Return no channel: nobody waits for these calls."""
        return ()

    async def calls(
        self, channel_id: int, entry: Pending, question: Question, around: Surroundings
    ) -> RehearsedCalls | None:
        """Return the calls for an answer in a channel; None where no tool may be used."""
        tools = await self.tools.at(channel_id, around)
        if tools is None:
            return None
        before = await calls_before(self.reader, channel_id, entry.message_id, entry.generation)
        asking = asking_of(channel_id, entry, question, around)
        return RehearsedCalls(self.tools.limits, tools, asking, before, self.tools.left, self.told)
