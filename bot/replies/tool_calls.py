"""Makes the calls of tools for an answer, through the log.

A call is recorded before it is made, and what became of it afterwards. So after a crash the log tells which calls were
made: their results are told to the model again, and none is made twice. Where only the first record is there, nobody
knows whether the call took effect. Then it is made again if its tool says that this does no harm; otherwise the model
is told so, and the tool is not called any more for this answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.background import Background
from bot.core.commands import UseTool
from bot.core.events import Body, KeyKind, Recorded, ToolCalled, ToolOutcome, ToolReturned
from bot.core.streams import stream_of
from bot.eventlog.reader import Reader
from bot.replies.tool_running import RETURNED, UNKNOWN, Ended, allowed, run
from bot.responders.tools import Asking, Limits, Made, Misfit, Tool, arguments_of

GONE = "The result was erased."

Use = Callable[[UseTool], Awaitable[Sequence[Recorded]]]
"""Records a call or what became of it; returns the events newly appended (none: it may not be made)."""

_DOUBTFUL = frozenset((ToolOutcome.UNKNOWN, ToolOutcome.TIMED_OUT))


class Before(NamedTuple):
    """A call of before, as the log holds it; ``known``: its arguments are not erased.

    ``returned`` is what became of it (None: nothing is recorded), ``told``: the result itself is recorded, too.
    """

    event: ToolCalled
    position: int
    made: Made
    known: bool
    returned: ToolReturned | None
    told: bool

    def answers(self, tool: str, arguments: Mapping[str, object]) -> bool:
        """Tell whether the log holds what came back when a tool was called with these arguments."""
        return self.told and self.known and self.event.tool == tool and arguments_of(self.made.arguments) == arguments


async def calls_before(reader: Reader, channel_id: int, message_id: int, generation: int) -> list[Before]:
    """Return the calls that a log holds for an answer, the oldest first."""
    stream = stream_of(channel_id)
    found = await reader.find(stream, KeyKind.TOOL_CALLED, message_id)
    if not found:
        return []
    ends = await reader.find(stream, KeyKind.TOOL_RETURNED, message_id)
    bodies = await reader.bodies(each.position for each in (*found, *ends))
    results = {
        each.event.number: (each.event, bodies.get(each.position))
        for each in ends
        if isinstance(each.event, ToolReturned) and each.event.generation == generation
    }
    return [
        _before(each.event, each.position, bodies.get(each.position), *results.get(each.event.number, (None, None)))
        for each in found
        if isinstance(each.event, ToolCalled) and each.event.generation == generation
    ]


def _before(
    event: ToolCalled, position: int, asked: Body | None, returned: ToolReturned | None, told: Body | None
) -> Before:
    arguments, *said = asked.parts if asked else ("{}",)
    made = Made(event.tool, arguments, told.text if told else GONE, said[0] if said else "")
    kept = returned is not None and returned.kept and told is not None
    return Before(event, position, made, asked is not None, returned, kept)


@dataclass(slots=True)
class LoggedCalls:
    """The calls for one answer: :class:`~bot.responders.tools.Calls`.

    ``left`` keeps calls that do not end in time. ``busy`` holds the channel while one is made and recorded, so that a
    bot that is stopped waits for it.
    """

    limits: Limits
    tools: Sequence[Tool]
    asking: Asking
    generation: int
    use: Use
    left: Background
    busy: set[int]
    made: list[Made] = field(default_factory=list)
    _numbers: int = 0
    _used: list[str] = field(default_factory=list)
    _doubtful: set[str] = field(default_factory=set)

    @property
    def spent(self) -> bool:
        """Tell whether no further call will be made."""
        return self._numbers >= self.limits.calls

    @property
    def used(self) -> Sequence[str]:
        """Return the names of the tools whose results are in the answer, each once."""
        return tuple(dict.fromkeys(self._used))

    async def call(self, name: str, arguments: str, said: str = "") -> Made:
        """Make a call, or say why it is not made; return what became of it."""
        try:
            tool, given = self._allowed(name), arguments_of(arguments)
            tool.check(given)
            self.busy.add(self.asking.channel_id)
            made = await self._begin(tool, arguments, given, said)
        except Misfit as error:
            made = Made(name, arguments, f"Not called: {error}.", said, called=False)
        finally:
            self.busy.discard(self.asking.channel_id)
        self.made.append(made)
        return made

    def _allowed(self, name: str) -> Tool:
        """Return the tool of a name; raise Misfit if it may not be called now."""
        tool = allowed(self, name)
        if name in self._doubtful:
            raise Misfit("what became of an earlier call of it is not known, so it can't be called again")
        return tool

    def _tool(self, name: str) -> Tool | None:
        return next((tool for tool in self.tools if tool.name == name), None)

    async def _begin(self, tool: Tool, arguments: str, given: Mapping[str, object], said: str) -> Made:
        self._numbers += 1
        event = ToolCalled(
            message_id=self.asking.message_id, tool=tool.name, number=self._numbers, generation=self.generation
        )
        recorded = await self.use(UseTool(event, Body(parts=(arguments, said) if said else (arguments,))))
        if not recorded:
            raise Misfit("the question is gone")
        ended = await self._run(tool, given, self._numbers)
        return await self._end(event, recorded[0].position, ended, Made(tool.name, arguments, ended.text, said))

    async def _end(self, called: ToolCalled, cause: int, ended: Ended, made: Made, *, again: bool = False) -> Made:
        """Record what became of a call."""
        self._note(called.tool, ended.outcome)
        event = ToolReturned(
            message_id=called.message_id,
            tool=called.tool,
            number=called.number,
            outcome=ended.outcome,
            size=ended.size,
            kept=ended.kept is None,
            again=again,
            generation=called.generation,
        )
        await self.use(UseTool(event, Body(parts=(ended.text if ended.kept is None else ended.kept,)), cause))
        return made

    def _note(self, name: str, outcome: ToolOutcome) -> None:
        tool = self._tool(name)
        if outcome in RETURNED:
            self._used.append(name)
        if outcome in _DOUBTFUL and not (tool is not None and tool.idempotent):
            self._doubtful.add(name)

    async def _run(self, tool: Tool, given: Mapping[str, object], number: int) -> Ended:
        key = f"{self.asking.message_id}.{self.generation}.{number}"
        return await run(tool, given, self.asking._replace(key=key), self.limits, self.left)

    async def resume(self, reader: Reader) -> None:
        """Take up the calls that the log holds for this answer, and finish those that were cut off."""
        for before in await calls_before(reader, self.asking.channel_id, self.asking.message_id, self.generation):
            self._numbers = max(self._numbers, before.event.number)
            self.made.append(await self._resumed(before))

    async def _resumed(self, before: Before) -> Made:
        """Return a call of before; make it again, or say that nobody knows, if there is no result."""
        called, made, returned = before.event, before.made, before.returned
        tool = self._tool(called.tool)
        again = tool is not None and tool.idempotent and before.known
        if returned is not None:
            self._note(called.tool, returned.outcome)
            if returned.kept or not again:
                return made
        ended = Ended(ToolOutcome.UNKNOWN, UNKNOWN)
        if tool is not None and again:
            ended = await self._run(tool, arguments_of(made.arguments), called.number)
        made = made._replace(result=ended.text)
        if returned is not None:
            return made
        return await self._end(called, before.position, ended, made, again=again)
