"""Tools: what a responder may have done while it answers. A tool is a function, or what an MCP server offers.

This is a complete one. Its types say which arguments fit, and its docstring tells the model what it is for:

>>> @tool(idempotent=True)
... async def dice(sides: int, asking: Asking) -> str:
...     '''Throw a die.'''
...     return f"{asking.author} throws a {asking.message_id % sides + 1}."

>>> dice.name, dice.description, dice.parameters["required"]
('dice', 'Throw a die.', ['sides'])
"""

from __future__ import annotations

import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import to_json

NAME_LENGTH = 64
"""Characters that a tool's name may have at the usual providers; they are letters, digits, ``_`` and ``-``."""


class Asking(NamedTuple):
    """On whose behalf a tool is called.

    ``guild_id`` is None in direct messages. ``key`` is the same if this call is made again, so that a tool can find
    that out.
    """

    channel_id: int
    message_id: int
    guild_id: int | None
    author_id: int
    author: str
    key: str = ""


class Result(NamedTuple):
    """What a tool returns; ``kept`` is recorded in its place (None: the text itself is).

    A tool whose result is not kept has to be idempotent: it is called again where the result is needed after a crash.
    """

    text: str
    kept: str | None = None


class ToolFailed(Exception):
    """A tool did not do what it was called for; the words are told to the model and recorded with the call."""


class FateUnknown(Exception):
    """Nobody knows whether a call took effect, because what was to tell was lost in the middle."""


class Misfit(Exception):
    """The arguments don't fit the tool, which was not called; the words are told to the model."""


class Tool(ABC):
    """A tool: its name, what it is for, and the JSON schema of its arguments.

    ``idempotent``: called twice with the same arguments, it does no more than called once. Only then may it be called
    again where nobody knows what became of a call. ``read_only``: it changes nothing at all, and so it is idempotent,
    too. Only then is it called where an answer is rehearsed.
    """

    name: str = ""
    description: str = ""
    parameters: Mapping[str, Any] = {"type": "object", "properties": {}}
    idempotent: bool = False
    read_only: bool = False

    def check(self, arguments: Mapping[str, object]) -> None:  # noqa: B027 - an MCP server checks its own
        """Raise Misfit if the arguments don't fit."""

    @abstractmethod
    async def call(self, arguments: Mapping[str, object], asking: Asking) -> Result:
        """Do it, and return the result; may raise anything. It is cancelled when its time is over."""


class ToolSource(ABC):
    """Where tools come from; ``name`` is shown to whoever runs the bot. Its tools' names begin with ``prefix``."""

    name: str = ""
    prefix: str = ""

    @abstractmethod
    async def tools(self) -> Sequence[Tool]:
        """Return the tools that are there now. Raises nothing: of what can't be reached, there are none."""

    async def trouble(self) -> str:
        """Return why it can't be reached, "" if it can."""
        return ""

    async def close(self) -> None:  # noqa: B027 - most have nothing open
        """Close its connections."""


class Fixed(ToolSource):
    """Tools that are always there."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = tuple(tools)

    async def tools(self) -> Sequence[Tool]:
        """Return them."""
        return self._tools


Function: TypeAlias = Callable[..., Awaitable[object]]


class FunctionTool(Tool):
    """A coroutine function as a tool; a parameter of the type :class:`Asking` is filled in and not shown.

    Raises TypeError for a function that can't be one, with what to do.
    """

    def __init__(
        self, function: Function, *, name: str = "", idempotent: bool = False, read_only: bool = False
    ) -> None:
        if not inspect.iscoroutinefunction(function):
            raise TypeError("it is no `async def`: make it one, and have what blocks run by asyncio.to_thread")
        hints = get_type_hints(function, include_extras=True)
        fields: dict[str, Any] = {}
        self._asking = ""
        for parameter in inspect.signature(function).parameters.values():
            hint = hints.get(parameter.name)
            if hint is None or parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise TypeError(f"its parameter {parameter.name} has no type, or is no plain one: give it a type")
            if hint is Asking:
                self._asking = parameter.name
                continue
            fields[parameter.name] = (hint, ... if parameter.default is parameter.empty else parameter.default)
        self._function = function
        self._model: type[BaseModel] = create_model("Arguments", __config__=ConfigDict(extra="forbid"), **fields)
        self.name = name or function.__name__
        self.description = inspect.getdoc(function) or ""
        self.parameters = {key: part for key, part in self._model.model_json_schema().items() if key != "title"}
        self.idempotent, self.read_only = idempotent or read_only, read_only

    def check(self, arguments: Mapping[str, object]) -> None:
        """Raise Misfit if the arguments don't fit the types."""
        self._fitting(arguments)

    async def call(self, arguments: Mapping[str, object], asking: Asking) -> Result:
        """Call the function. What it returns and is no text becomes JSON."""
        model = self._fitting(arguments)
        given = {name: getattr(model, name) for name in type(model).model_fields}
        returned = await self._function(**given, **({self._asking: asking} if self._asking else {}))
        if isinstance(returned, Result):
            return returned
        return Result(returned if isinstance(returned, str) else to_json(returned, fallback=str).decode())

    def _fitting(self, arguments: Mapping[str, object]) -> BaseModel:
        try:
            return self._model.model_validate(arguments)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            said = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}" for each in found)
            raise Misfit(said) from None


def tool(*, name: str = "", idempotent: bool = False, read_only: bool = False) -> Callable[[Function], FunctionTool]:
    """Return a decorator that makes a coroutine function a tool."""
    return lambda function: FunctionTool(function, name=name, idempotent=idempotent, read_only=read_only)


def arguments_of(text: str) -> dict[str, object]:
    """Return the arguments that a model wrote as JSON ("" is none); raise Misfit if they are no object."""
    try:
        arguments = json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise Misfit("the arguments are no JSON") from None
    if not isinstance(arguments, dict):
        raise Misfit("the arguments are no JSON object")
    return arguments


class Limits(NamedTuple):
    """The limits of the calls for one answer, and of one call: its ``seconds``, the bytes of its result.

    ``cost_micros`` is what the answer may have cost before a further call, in millionths of a dollar (0: anything).
    """

    calls: int = 5
    seconds: float = 20.0
    result_bytes: int = 8000
    cost_micros: int = 0


class Made(NamedTuple):
    """A call that was made, or refused: what was ``said`` before it, its arguments as JSON, what the model is told.

    ``called``: the tool was called.
    """

    tool: str
    arguments: str
    result: str
    said: str = ""
    called: bool = True


class Calls(Protocol):
    """The calls of one answer, which are made once each, or rehearsed.

    ``made`` are all so far, also those before a crash, ``used`` the names of the tools whose results are in the answer.
    """

    @property
    def limits(self) -> Limits:
        """Return the limits."""

    @property
    def tools(self) -> Sequence[Tool]:
        """Return the tools that may be called."""

    @property
    def made(self) -> Sequence[Made]:
        """Return all calls so far."""

    @property
    def used(self) -> Sequence[str]:
        """Return the names of the tools whose results are in the answer."""

    @property
    def spent(self) -> bool:
        """Tell whether no further call will be made."""

    async def call(self, name: str, arguments: str, said: str = "") -> Made:
        """Make a call, and return what became of it; ``said`` is what was written since the last one."""
