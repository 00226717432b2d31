"""Load a tool that is not ours: a function from the entry point of an installed package, or ``module:function``."""

from __future__ import annotations

import inspect
from pathlib import Path

from bot.loading import Kind, place_of
from bot.responders.tools import FunctionTool, Tool

GROUP = "echoless.tools"
"""The group of entry points with which packages provide tools."""

_KIND = Kind(
    noun="tool",
    base=Tool,  # type: ignore[type-abstract]  # nobody makes one of it
    base_name="bot.responders.tools.Tool",
    group=GROUP,
    setting="llm.tools.allow",
    table="llm.tools.allow",
    method="call(arguments, asking)",
)


def load_tool(name: str, folder: Path) -> Tool:
    """Return the tool of a name; raise ConfigError saying what is wrong and what to do.

    ``module:function`` is looked for in the installed modules, then in ``folder``. A tool of a package is called as its
    entry point is.
    """
    made = _made(name, _KIND.find(name, folder, ("recall",)))
    if ":" not in name:
        made.name = name
    return made


def _made(name: str, found: object) -> Tool:
    if isinstance(found, Tool):
        return found
    if inspect.isclass(found):
        return _KIND.make(name, found, {})
    if not inspect.isroutine(found):
        raise _KIND.wrong(name, "it is no function: name an `async def`")
    try:
        return FunctionTool(found)
    except TypeError as error:
        raise _KIND.wrong(name, str(error)) from None
    except Exception as error:
        # Of a type that has no JSON schema, or an annotation that names nothing.
        said = f"its parameters have types of which no model can be told ({place_of(error)}): give it plain ones"
        raise _KIND.wrong(name, said) from error
