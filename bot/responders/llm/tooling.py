"""The tools that models are offered for one answer, and the calls that they ask for."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from bot.responders.llm.call import Asked, Offer
from bot.responders.llm.prompt import PromptMessage
from bot.responders.llm.tokens import PER_MESSAGE, Counter
from bot.responders.llm.tool_messages import tool_messages
from bot.responders.tools import Calls, Made

GAP = "\n\n"
"""Between what is written before a call and what is written after it."""
MOST_IN_VAIN = 2
"""How often a model may ask for calls of which none can be made."""
DEAR = "Not called: this answer has cost enough; answer with what you know."


class Tooling:
    """Offers tools to models, and has the calls made that they ask for; without ``calls`` there are no tools."""

    def __init__(self, calls: Calls | None, count: Counter) -> None:
        self._calls = calls if calls is not None and (calls.tools or calls.made) else None
        self._count = count
        self._in_vain = 0
        self._refused: Sequence[Made] = ()

    @property
    def said(self) -> str:
        """Return what was written before the calls so far."""
        return GAP.join(made.said for made in self._made if made.said)

    @property
    def _made(self) -> Sequence[Made]:
        return (*self._calls.made, *self._refused) if self._calls else ()

    def open(self, cost_micros: int) -> bool:
        """Tell whether a further call may be asked for, in an answer that has cost so much."""
        if self._calls is None or self._calls.spent or self._refused or self._in_vain >= MOST_IN_VAIN:
            return False
        most = self._calls.limits.cost_micros
        return not most or cost_micros < most

    def offer(self, cost_micros: int) -> Offer | None:
        """Return the tools to tell a model of, None if there are none."""
        if self._calls is None:
            return None
        tools = [
            ToolDefinition(
                name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters), strict=False
            )
            for tool in self._calls.tools
        ]
        return Offer(ModelRequestParameters(function_tools=tools), self.open(cost_micros)) if tools else None

    async def make(self, said: str, asked: Sequence[Asked], cost_micros: int) -> None:
        """Have calls made, one after the other; ``said`` is what was written before them.

        None is made if the answer has cost too much meanwhile: then the model is told so, and this is the last time.
        """
        if self._calls is None:
            return
        if not self.open(cost_micros):
            self._refused = [
                Made(each.name, each.arguments, DEAR, "" if number else said, called=False)
                for number, each in enumerate(asked)
            ]
            return
        called = False
        for each in asked:
            made = await self._calls.call(each.name, each.arguments, said)
            called, said = called or made.called, ""
        self._in_vain += not called

    def tokens(self, most: int) -> int:
        """Return about how many tokens of a prompt the tools and their results take; of results at most ``most``."""
        if self._calls is None:
            return 0
        shown = (json.dumps([tool.name, tool.description, tool.parameters], default=str) for tool in self._calls.tools)
        results = (message.text for message in self.messages(most) if message.role == "tool")
        told = (f"{made.said}{made.arguments}{result}" for made, result in zip(self._made, results, strict=True))
        return sum(self._count(text) + PER_MESSAGE for text in (*shown, *told))

    def messages(self, most: int) -> list[PromptMessage]:
        """Return the calls and their results as messages; results take at most ``most`` tokens together."""
        return list(tool_messages(self._made, most, self._count))
