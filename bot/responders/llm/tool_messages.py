"""The calls of tools in one answer, as a model is told them.

The log holds the calls and nothing else of the model's work. So a model is told each as if it had asked for one at a
time, and without its thoughts; what it is told after a crash does not differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from bot.responders.llm.fence import fenced, one_line
from bot.responders.llm.prompt import PromptMessage, ToolCall
from bot.responders.llm.tokens import Counter, shortened
from bot.responders.tools import NAME_LENGTH, Made, Misfit, arguments_of

_NO_NAME = re.compile(r"[^a-zA-Z0-9_-]")


def tool_messages(made: Sequence[Made], most: int, count: Counter) -> Iterator[PromptMessage]:
    """Yield two messages for each call, the call and its result; results take at most ``most`` tokens together."""
    for each in made:
        call = ToolCall(_NO_NAME.sub("_", each.tool)[:NAME_LENGTH] or "_", _json(each.arguments))
        result = shortened(each.result, most // len(made), count)
        if each.called:
            result = fenced(f"result of the tool {one_line(each.tool, NAME_LENGTH)}", result)
        yield PromptMessage("assistant", each.said, call=call)
        yield PromptMessage("tool", result, call=call)


def _json(arguments: str) -> str:
    """Return arguments as a provider takes them back: those that are no JSON object are left out."""
    try:
        return json.dumps(arguments_of(arguments), separators=(",", ":"))
    except Misfit:
        return "{}"
