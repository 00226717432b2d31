"""The work on one answer: ask model after model, with shorter prompts if one is too long, until a model answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import NamedTuple

import structlog

from bot.responders.failure import Failure
from bot.responders.llm.call import ModelCall
from bot.responders.llm.clean import Cleaner
from bot.responders.llm.failures import failure_of
from bot.responders.llm.files import Reading
from bot.responders.llm.models import Candidate, to_model_messages
from bot.responders.llm.peer import Peer
from bot.responders.llm.prices import Price, Tokens, cost
from bot.responders.llm.prompt import Allowance, Prompt, build
from bot.responders.llm.room import LEAST_GAIN, Room, Share
from bot.responders.llm.settings import LlmSettings
from bot.responders.llm.tokens import Counter
from bot.responders.llm.tooling import GAP, Tooling
from bot.responders.patience import OutOfTime, Silent
from bot.responders.protocol import FINAL, WAITS, Anew, Answer, Context, ModelFailed, Question, Trouble

MOST_SHORTER, MOST_GUESSES = 2, 1
"""How often a shorter prompt is tried: if a model says that it was too long, and if it only may have been."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Bill:
    """Adds up the usage of all models for one answer, failures included."""

    prices: Mapping[str, Price]
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    estimated: bool = False
    priced: bool = True

    def add(self, model: str, tokens: Tokens, *, estimated: bool) -> None:
        """Add one request."""
        price = cost(self.prices, model, tokens)
        self.tokens_in += tokens.read
        self.tokens_out += tokens.written
        self.cost_micros += price.micros
        self.estimated |= estimated
        # Without tokens there is no cost, so the price need not be known.
        self.priced &= price.known or not (tokens.read or tokens.written)


class _Failed(NamedTuple):
    """How a model failed, and the seconds until it may be asked again (None: waiting does not help)."""

    peer: Peer
    failure: Failure
    pause: float | None

    @property
    def reason(self) -> str:
        name = self.peer.provider.name if self.failure.shared else self.peer.candidate.name
        return f"{name}: {self.failure.reason}"


class Attempt:
    """The work on one answer, model after model; ``done`` tells whether one answered."""

    def __init__(
        self, settings: LlmSettings, count: Counter, question: Question, context: Context, reading: Reading
    ) -> None:
        self._settings = settings
        self._count = count
        self._question = question
        self._context = context
        self._reading = reading
        self._deadline = asyncio.get_running_loop().time() + settings.patience.total
        self._bill = _Bill(settings.prices)
        self._cleaner = Cleaner()
        self._tooling = Tooling(context.tools, count)
        self._before = ""
        self._gap = False
        self._resumed = self._tooling.said if settings.streaming else ""
        self._failure: Failure | None = None
        self._failed: list[_Failed] = []
        self.done = False

    async def ask(self, peer: Peer) -> AsyncGenerator[str | Answer | Anew, None]:
        """Yield the answer of one model, if it may be asked now and its provider did not fail for another model."""
        if any(each.failure.shared and each.peer.provider is peer.provider for each in self._failed):
            return
        if not peer.admit(self):
            absence = peer.absence()
            failure = peer.blocked.failure or Failure(Trouble.AWAY, "another question asks")
            self._failed.append(_Failed(peer, replace(failure, suspect=False), absence.seconds if absence else 0.0))
            return
        try:
            async with aclosing(self._tries(peer)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            peer.release(self)

    async def _tries(self, peer: Peer) -> AsyncGenerator[str | Answer | Anew, None]:
        """Yield the answer of a model; if the prompt may have been too long, ask it again with a shorter one."""
        share = await peer.room.share(peer.candidate)
        prompt = self._prompt(share)
        shortened = 0
        if self._resumed:
            yield self._resumed
            self._resumed = ""
        while True:
            call = self._call(peer, prompt, share)
            async with aclosing(self._said(call, thinks=peer.thinks)) as pieces:
                async for piece in pieces:
                    yield piece
            failure = self._failure
            unreadable = failure is not None and failure.trouble is Trouble.UNREADABLE
            tokens, estimated = call.usage(prompt.tokens, self._count, unreadable=unreadable)
            self._bill.add(peer.candidate.name, tokens, estimated=estimated)
            if failure is None and self._goes_on(call):
                await self._make(call)
                prompt = self._prompt(share)
                continue
            if failure is None:
                if shortened:
                    peer.room.took(share.prompt)
                peer.answered()
                peer.thinks = self._cleaner.thinks
                self.done = True
                yield self._answer(peer.candidate, prompt, call.finish)
                return
            seen = self._settings.streaming and self._cleaner.text
            shorter = None if seen else self._shorter(peer.room, prompt, failure, shortened)
            if shorter is None:
                self._note(peer, failure)
                if seen:
                    raise self.failed()
                return
            share, prompt = shorter
            shortened += 1

    def failed(self) -> ModelFailed:
        """Return the error that names all failures."""
        suspects = [each.peer.answers for each in self._failed if each.failure.suspect]
        pauses = [each.pause for each in self._failed if each.pause is not None]
        trouble = _together([each.failure.trouble for each in self._failed])
        return ModelFailed(
            "; ".join(dict.fromkeys(each.reason for each in self._failed)),
            trouble,
            retry_after=min(pauses, default=None),
            others=sum(suspects) + 1 if suspects else 0,
            cut=any(each.failure.cut for each in self._failed),
            tokens_in=self._bill.tokens_in,
            tokens_out=self._bill.tokens_out,
            cost_micros=self._bill.cost_micros,
            priced=self._bill.priced,
        )

    def _call(self, peer: Peer, prompt: Prompt, share: Share) -> ModelCall:
        return ModelCall(
            peer.candidate,
            to_model_messages([*prompt.messages, *self._tooling.messages(share.prompt // 2)]),
            self._settings.patience,
            self._deadline,
            longest=share.answer,
            alive=peer.alive,
            tools=self._tooling.offer(self._bill.cost_micros),
        )

    def _goes_on(self, call: ModelCall) -> bool:
        """Tell whether a model has asked for calls, as it might, so that it is asked again."""
        return bool(call.asked) and call.may_ask

    async def _make(self, call: ModelCall) -> None:
        """Have the calls made. Their time has a limit of its own, so the model gets it back."""
        clock = asyncio.get_running_loop().time
        began = clock()
        await self._tooling.make(self._cleaner.text, call.asked, self._bill.cost_micros)
        self._deadline += clock() - began

    async def _said(self, call: ModelCall, *, thinks: bool) -> AsyncGenerator[str | Anew, None]:
        """Yield the clean text of one call, in pieces if those may be shown; note how the call failed, if it did."""
        self._cleaner = Cleaner(self._context.bot_name, thinks=thinks)
        self._before = self._tooling.said
        self._gap = bool(self._before)
        self._failure = None
        try:
            async with aclosing(call.stream() if self._settings.streaming else call.whole()) as texts:
                async for text in texts:
                    for piece in self._cleaned(text):
                        yield piece
                    if self._cleaner.full or self._context.stopped():
                        call.finish = "length" if self._cleaner.full else "stopped"
                        break
        except OutOfTime:
            call.finish = "time"
        except Silent as silence:
            trouble = Trouble.UNREADABLE if call.began else Trouble.AWAY
            self._failure = Failure(trouble, str(silence), suspect=True, unhurried=True)
            return
        except Exception as error:  # noqa: BLE001 - a server may send anything, so a library may raise anything
            self._failure = failure_of(error, began=call.began)
            return
        for piece in self._cleaned(None):
            yield piece
        if not self._text and not self._goes_on(call):
            self._failure = _nothing(call)

    def _cleaned(self, text: str | None) -> Iterator[str | Anew]:
        """Yield what a piece of the model's adds to what is shown; None: there is no further piece."""
        piece = self._cleaner.finish() if text is None else self._cleaner.feed(text)
        if not self._settings.streaming:
            return
        if self._cleaner.taken_back():
            yield Anew()
            self._gap = bool(self._before)
            if self._before:
                yield self._before
        if piece:
            yield f"{GAP if self._gap else ''}{piece}"
            self._gap = False

    @property
    def _text(self) -> str:
        """Return all of the answer so far, with what was written before calls of tools."""
        return GAP.join(filter(None, (self._before, self._cleaner.text)))

    def _shorter(self, room: Room, prompt: Prompt, failure: Failure, shortened: int) -> tuple[Share, Prompt] | None:
        """Return a shorter prompt to try, with its share, or None if it would not help."""
        most = MOST_SHORTER if failure.trouble is Trouble.TOO_LONG else MOST_GUESSES if failure.unsure else 0
        share = room.shorter(prompt.tokens, failure) if shortened < most else None
        if share is None:
            return None
        shorter = self._prompt(share)
        return (share, shorter) if shorter.tokens <= prompt.tokens * LEAST_GAIN else None

    def _prompt(self, share: Share) -> Prompt:
        settings = self._settings
        tools = self._tooling.tokens(share.prompt // 2)
        allowed = Allowance(share.prompt, settings.images, settings.attachment_bytes, tools)
        return build(
            self._question,
            self._context,
            persona=settings.persona,
            allowed=allowed,
            reading=self._reading,
            count=self._count,
        )

    def _answer(self, candidate: Candidate, prompt: Prompt, finish: str) -> Answer:
        return Answer(
            self._text,
            model=candidate.name,
            tokens_in=self._bill.tokens_in,
            tokens_out=self._bill.tokens_out,
            cost_micros=self._bill.cost_micros,
            cut=prompt.cut,
            attachments=prompt.files,
            finish=finish,
            estimated=self._bill.estimated,
            priced=self._bill.priced,
        )

    def _note(self, peer: Peer, failure: Failure) -> None:
        """Note how a model failed; if it is away, its breaker logs that, once."""
        pause = None
        if failure.trouble in WAITS:
            pause = peer.failed(self, failure)
        else:
            if failure.trouble in FINAL:
                peer.alive()
            name, message = peer.candidate.name, self._question.message_id
            _log.warning("model.failed", model=name, reason=failure.reason, message=message)
        self._failed.append(_Failed(peer, failure, pause))


def _together(troubles: Sequence[Trouble]) -> Trouble:
    """Return the trouble for several failures; it lets the question wait only if all of them do."""
    if all(trouble in WAITS for trouble in troubles):
        return Trouble.AWAY if Trouble.AWAY in troubles else troubles[0]
    return troubles[0] if all(trouble in FINAL for trouble in troubles) else Trouble.UNREADABLE


def _nothing(call: ModelCall) -> Failure:
    """Return the failure of a model that ended without any text."""
    if call.finish == "time":
        return Failure(Trouble.UNREADABLE if call.began else Trouble.AWAY, "out of time", suspect=True, unhurried=True)
    if call.asked:
        return Failure(Trouble.UNREADABLE, "asked for tools without end")
    if call.finish == "content_filter":
        return Failure(Trouble.REFUSED, "content filter")
    if call.finish == "length":
        # Without thoughts it may be the prompt that left no room.
        return Failure(
            Trouble.UNREADABLE, "no answer within llm.max_tokens, thoughts included", unsure=not call.thought
        )
    return Failure(Trouble.UNREADABLE, "an empty answer", unsure=not call.thought)
