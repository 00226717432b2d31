"""One request to one model: its text as it comes, with limits on its silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple, TypeVar

from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
)
from pydantic_ai.models import ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from bot.responders.llm.models import Candidate
from bot.responders.llm.prices import Tokens
from bot.responders.llm.settings import ModelPatience
from bot.responders.llm.tokens import Counter
from bot.responders.patience import OutOfTime, within

T = TypeVar("T")

MOST_TOKENS = 100_000_000
"""No request can use so many; a higher count is ignored."""


class Asked(NamedTuple):
    """A call of a tool that a model asks for; ``arguments`` as it wrote them, which may be no JSON."""

    name: str
    arguments: str


class Offer(NamedTuple):
    """The tools that a model is told of; ``open``: it may ask for a call."""

    parameters: ModelRequestParameters
    open: bool


class ModelCall:
    """Asks a model once; ``deadline`` is on the loop's clock, ``messages`` are the prompt.

    ``alive`` is called at the first sign of life. ``longest`` is the limit of the answer, in tokens.

    During and after the call, ``began`` tells whether anything came from the model, ``raw`` is the text so far, and
    ``finish`` the reason of the end ("" before it). ``asked`` are the calls of tools that it ended with;
    ``may_ask``: it was told that it may ask for some.
    """

    def __init__(
        self,
        candidate: Candidate,
        messages: Sequence[ModelMessage],
        patience: ModelPatience,
        deadline: float,
        *,
        longest: int,
        alive: Callable[[], None],
        tools: Offer | None = None,
    ) -> None:
        self._candidate = candidate
        self._messages = messages
        self._tools = tools.parameters if tools else None
        self._limits = ModelSettings(max_tokens=longest)
        self.may_ask = tools is not None and tools.open
        if tools and not tools.open:
            self._limits["tool_choice"] = "none"
        self._alive = alive
        self._patience = patience
        self._deadline = deadline
        self._response: StreamedResponse | ModelResponse | None = None
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._ended = False
        self.began = False
        self.finish = ""
        self.asked: Sequence[Asked] = ()

    @property
    def raw(self) -> str:
        """Return the text that the model has written so far."""
        return "".join(self._texts)

    @property
    def thought(self) -> bool:
        """Tell whether the model wrote or thought anything, as far as it sends or counts that."""
        usage = self._response.usage if self._response is not None else None
        return bool(self.raw or self._thoughts or (usage is not None and _count(usage.output_tokens) > 1))

    def usage(self, prompt_tokens: int, count: Counter, *, unreadable: bool = False) -> tuple[Tokens, bool]:
        """Return the tokens of the request, and whether they are estimates because the provider did not count them.

        ``unreadable``: the model sent something that is no answer; it is assumed to have read the prompt for that.
        """
        usage = self._response.usage if self._response is not None else None
        told = Tokens(0, 0) if usage is None else _tokens(usage)
        # Hidden thoughts may be all that came; they cost money, too.
        if not (self.began or told.read or told.written):
            return (Tokens(prompt_tokens, 0), True) if unreadable else (told, False)
        if self._ended and told.read and (told.written or not self.raw):
            return told, False
        said = (self.raw, "".join(self._thoughts), "".join(asked.arguments for asked in self.asked))
        written = max(told.written, sum(map(count, said)))
        return told._replace(read=told.read or prompt_tokens, written=written), True

    async def whole(self) -> AsyncGenerator[str, None]:
        """Yield the whole text, once the model has written it."""
        settings = self._candidate.settings | self._limits
        asked = model_request(
            self._candidate.model, self._messages, model_settings=settings, model_request_parameters=self._tools
        )
        response = await self._within(self._patience.total, asked)
        self._response = response
        self.began = self._ended = True
        self._alive()
        self.finish = _words(response.finish_reason) or "stop"
        self._texts.append("".join(_words(part.content) for part in response.parts if isinstance(part, TextPart)))
        thoughts = (_words(part.content) for part in response.parts if isinstance(part, ThinkingPart))
        self._thoughts += filter(None, thoughts)
        self.asked = _asked(response)
        if self._texts[0]:
            yield self._texts[0]
        elif refusal := self._refusal(response):
            yield refusal

    async def stream(self) -> AsyncGenerator[str, None]:
        """Yield pieces of text as they come; raises Silent, OutOfTime, and all errors of the model."""
        settings = self._candidate.streaming | self._limits
        asked = model_request_stream(
            self._candidate.model, self._messages, model_settings=settings, model_request_parameters=self._tools
        )
        first_by = asyncio.get_running_loop().time() + self._patience.first_token
        async with AsyncExitStack() as stack:
            response = await self._within(self._patience.first_token, stack.enter_async_context(asked))
            self._response = response
            events = aiter(response)
            while True:
                now = asyncio.get_running_loop().time()
                if now >= self._deadline:
                    # Reading what has already arrived never waits, so the time-out below could not fire.
                    raise OutOfTime
                event = await self._within(
                    self._patience.between if self.began else first_by - now, anext(events, None)
                )
                if event is None:
                    break
                if not self.began:
                    self.began = True
                    self._alive()
                if thought := _thought(event):
                    self._thoughts.append(thought)
                if text := _text(event):
                    self._texts.append(text)
                    yield text
            self._ended = True
            self.finish = _words(response.finish_reason) or "stop"
            self.asked = _asked(response.get())
            if not self.raw and (refusal := self._refusal(response)):
                yield refusal

    def _refusal(self, response: StreamedResponse | ModelResponse) -> str:
        """Return the words with which a model declines in a field of its own, which are its answer; "" without any."""
        refusal = _words((response.provider_details or {}).get("refusal"))
        if refusal:
            self._texts.append(refusal)
            self.began, self.finish = True, "stop"
        return refusal

    async def _within(self, seconds: float, awaited: Awaitable[T]) -> T:
        """Await something for at most ``seconds``, and not past the deadline."""
        limit = self._patience.between if self.began else self._patience.first_token
        return await within(awaited, seconds, self._deadline, limit)


def _text(event: ModelResponseStreamEvent) -> str:
    """Return what an event adds to the text, without thoughts."""
    match event:
        case PartStartEvent(part=TextPart(content=content)):
            return _words(content)
        case PartDeltaEvent(delta=TextPartDelta(content_delta=content)):
            return _words(content)
        case _:
            return ""


def _thought(event: ModelResponseStreamEvent) -> str:
    """Return what an event adds to the thoughts, if it holds any."""
    match event:
        case PartStartEvent(part=ThinkingPart(content=content)):
            return _words(content)
        case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=content)):
            return _words(content)
        case _:
            return ""


def _asked(response: ModelResponse) -> tuple[Asked, ...]:
    """Return the calls that a response asks for."""
    calls = (part for part in response.parts if isinstance(part, ToolCallPart))
    return tuple(Asked(_words(part.tool_name), part.args_as_json_str()) for part in calls)


def _words(content: object) -> str:
    """Return a text, or "" for anything else that a server sends in its place."""
    return content if isinstance(content, str) else ""


def _tokens(usage: RequestUsage) -> Tokens:
    """Return the tokens that a provider counted; it counts cached ones as read, and thoughts as written."""
    counted = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.output_reasoning_tokens)
    return Tokens(*map(_count, counted))


def _count(tokens: object) -> int:
    """Return a number of tokens, or 0 (not told) for anything else that a server sends in its place."""
    return tokens if isinstance(tokens, int) and 0 <= tokens <= MOST_TOKENS else 0
