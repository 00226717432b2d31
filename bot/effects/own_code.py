"""An effect that is the caller's own code: run once under a key, and its result remembered."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import JsonValue

from bot.core.effects import Begin, Resume, Return, at_call
from bot.core.events import Body, EffectBegun, EffectDone, EffectEnd, EffectFailed, Recorded
from bot.core.named_keys import Digest
from bot.effects.records import Records, Result, kept
from bot.effects.results import taken, unknown_own_code, value_of

Function: TypeAlias = Callable[[], Awaitable[Any] | Any]
"""The caller's own code. It returns JSON, or None."""


@dataclass(frozen=True, slots=True)
class OwnCode:
    """Runs ``effect`` under a key. ``person`` is the id of whom it is about."""

    records: Records
    key: str
    digest: Digest
    effect: Function
    look: Function | None
    repeatable: bool
    person: int | None

    async def run(self) -> JsonValue:
        """Run it unless it has run, and return its result; see :meth:`bot.effects.service.Effects.once`."""
        attempt = await self.records.newest(self.digest)
        if attempt is not None and not isinstance(attempt.started.event, EffectBegun):
            raise taken(self.key)
        match at_call(attempt):
            case Begin(number):
                event = EffectBegun(key_digest=self.digest, attempt=number)
                started = await self.records.start(event, Body(parts=(self.key,)), self.person)
                # What raised before may have taken effect all the same.
                looks = number > 1 and self.look is not None
                return await (self._resumed(started, event) if looks else self._made(started, event))
            case Return() if attempt is not None and attempt.ended is not None:
                return value_of(self.key, await self.records.result(attempt.ended))
            case Resume() if attempt is not None and isinstance(attempt.started.event, EffectBegun):
                return await self._resumed(attempt.started, attempt.started.event)
        raise unknown_own_code(self.key)

    async def _resumed(self, started: Recorded, event: EffectBegun) -> JsonValue:
        """Go on after an attempt of which nobody knows whether it took effect."""
        if self.look is not None:
            found = await _called(self.look)
            if found is None:
                return await self._made(started, event)
            return await self._done(started, event, kept(found), found=True)
        if self.repeatable:
            return await self._made(started, event, again=True)
        raise unknown_own_code(self.key)

    async def _made(self, started: Recorded, event: EffectBegun, *, again: bool = False) -> JsonValue:
        try:
            value = await _called(self.effect)
        except Exception as error:
            failed = EffectFailed(
                key_digest=event.key_digest, attempt=event.attempt, reason=EffectEnd.RAISED, detail=type(error).__name__
            )
            await self.records.end(started, failed)
            raise
        return await self._done(started, event, kept(value), again=again)

    async def _done(
        self, started: Recorded, event: EffectBegun, result: Result, *, found: bool = False, again: bool = False
    ) -> JsonValue:
        done = EffectDone(
            key_digest=event.key_digest, attempt=event.attempt, found=found, again=again, kept=result.kept
        )
        await self.records.end(started, done, result, self.person)
        return value_of(self.key, result)


async def _called(function: Function) -> Any:  # noqa: ANN401 - what the caller's code returns
    returned = function()
    return await returned if inspect.isawaitable(returned) else returned
