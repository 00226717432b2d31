"""Effects under keys: each is made once, however often it is called for, and by whatever process.

A call records first that the effect is intended, then it is made, then it is recorded as done. A later call with the
same key returns what the log holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import structlog
from pydantic import JsonValue

from bot.background import Background
from bot.backoff import backoff
from bot.core.effects import Begin, Return, at_call
from bot.core.events import EffectBegun, EffectIntended, EffectKind, Recorded
from bot.core.named_keys import Digest, digest_of
from bot.effects.declared import DeclaredEffect, body_of, differs, event_of
from bot.effects.lanes import LONGEST_PAUSE, Lanes, Open
from bot.effects.own_code import Function, OwnCode
from bot.effects.performer import Performer
from bot.effects.records import Records
from bot.effects.results import concluded, taken, unknown_effect, value_of
from bot.errors import EcholessError, EffectError
from bot.eventlog.log import EventLog

Making: TypeAlias = Callable[[], Coroutine[None, None, JsonValue]]
"""Makes an effect, in a task of its own."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Call:
    """A call under way: the effect that was declared (None: the caller's own code), and the task that makes it."""

    effect: DeclaredEffect | None
    task: asyncio.Task[JsonValue]


class Effects:
    """Makes effects under keys; :meth:`start` goes on with those that are open from before."""

    def __init__(self, log: EventLog, performers: Mapping[EffectKind, Performer], clock: Callable[[], int]) -> None:
        self._records = Records(log)
        self._performers = performers
        self._lanes = Lanes(self._records, performers, clock, log.is_owner)
        self._open: dict[str, Open] = {}
        self._calls: dict[str, _Call] = {}
        self._background = Background()
        self._resumed = asyncio.Event()

    @property
    def open(self) -> int:
        """Return how many declared effects are open."""
        return self._lanes.open

    def start(self) -> None:
        """Go on with the declared effects that are open from before."""
        self._background.start(self._resume(), "effects from before")

    async def do(self, effect: DeclaredEffect, *, key: str) -> JsonValue:
        """Make a declared effect once, and return its result. It goes on after a crash, and when nobody waits for it.

        Raises EffectGivenUp, FateUnknown, KeyTaken, ResultLost, ValueError for an empty key, and LogError.
        """
        digest = digest_of(key)
        if lacking := self._performers[effect.kind].lacks(effect):
            raise EffectError(key, f"The effect can't be made here: {lacking}.")
        return await self._called(key, digest, effect, lambda: self._do(effect, key, digest))

    async def once(
        self,
        key: str,
        effect: Function,
        *,
        look: Function | None = None,
        repeatable: bool = False,
        about: int | None = None,
    ) -> JsonValue:
        """Run ``effect`` once under ``key`` and remember what it returns, which has to be JSON.

        If a process ended in its middle, ``look`` tells what it returned, or None if it did not run; ``repeatable``:
        running it once more does no harm. Without either the next call raises FateUnknown. What ``effect`` raises is
        raised, and a later call asks ``look``, if there is one, and runs it again. ``about`` is the person whose words
        key and result are erased with.
        """
        digest = digest_of(key)
        own = OwnCode(self._records, key, digest, effect, look, repeatable, about)
        return await self._called(key, digest, None, own.run)

    async def stop(self, grace: float) -> None:
        """Let what is under way end within ``grace`` seconds. What is open is resumed by the next process."""
        await self._lanes.stop(grace)
        running = [call.task for call in self._calls.values() if call.effect is None]
        if running:
            await asyncio.wait(running, timeout=grace)
        await self._background.cancel()
        for performer in {id(each): each for each in self._performers.values()}.values():
            await performer.close()

    async def _called(self, key: str, digest: Digest, effect: DeclaredEffect | None, make: Making) -> JsonValue:
        """Make an effect in a task of its own, or wait for the one that makes it already."""
        call = self._calls.get(digest)
        if call is None:
            task = asyncio.get_running_loop().create_task(make(), name="effect")
            call = self._calls[digest] = _Call(effect, task)
            self._background.keep(task)
            task.add_done_callback(lambda done: self._ended(digest, done))
        elif call.effect != effect:
            raise taken(key)
        return await asyncio.shield(call.task)

    def _ended(self, digest: Digest, task: asyncio.Task[JsonValue]) -> None:
        del self._calls[digest]
        if not task.cancelled():
            # Whoever called may be gone by now.
            task.exception()

    async def _do(self, effect: DeclaredEffect, key: str, digest: Digest) -> JsonValue:
        await self._resumed.wait()
        entry = self._open.get(digest)
        if entry is not None:
            await self._require_same(effect, key, entry.started)
        else:
            attempt = await self._records.newest(digest)
            if attempt is not None:
                await self._require_same(effect, key, attempt.started)
            match at_call(attempt):
                case Begin(number):
                    event = event_of(effect, digest, number)
                    started = await self._records.start(event, body_of(effect, key), effect.person)
                    entry = self._take_up(started, event, effect.place, certain=True)
                case Return() if attempt is not None and attempt.ended is not None:
                    return value_of(key, await self._records.result(attempt.ended))
                case _:
                    raise unknown_effect(key)
        return concluded(key, await asyncio.shield(entry.ended), entry.result)

    async def _require_same(self, effect: DeclaredEffect, key: str, started: Recorded) -> None:
        event, words = started.event, await self._records.words(started.position)
        if not isinstance(event, EffectIntended) or differs(effect, event, words.parts if words else ()):
            raise taken(key)

    def _take_up(self, started: Recorded, event: EffectIntended, place: str, *, certain: bool) -> Open:
        entry = self._open[event.key_digest] = Open(started, event, certain)
        entry.ended.add_done_callback(lambda _done: self._open.pop(event.key_digest))
        self._lanes.add(place, entry)
        return entry

    async def _resume(self) -> None:
        left = await self._left()
        for started, effect in left:
            event = started.event
            if isinstance(event, EffectIntended):
                # One whose words are gone has no place, and waits for nothing.
                self._take_up(started, event, effect.place if effect else event.key_digest, certain=False)
        self._resumed.set()
        cut_off = sum(type(started.event) is EffectBegun for started, _ in left)
        if cut_off:
            _log.warning("effects.unknown", effects=cut_off, hint="once() of their keys says what to do")
        if self._lanes.open:
            _log.info("effects.resumed", effects=self._lanes.open)

    async def _left(self) -> list[tuple[Recorded, DeclaredEffect | None]]:
        """Return what is open from before, with its effect if it is declared, as soon as the log can be read."""
        failures = 0
        while True:
            try:
                return await self._records.open()
            except EcholessError as error:
                failures += 1
                _log.error("effects.unreadable", reason=str(error))
                await asyncio.sleep(backoff(failures, LONGEST_PAUSE))
