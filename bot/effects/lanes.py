"""Lanes: what is made at the same place is made in order, one after the other. Each lane has a task while it has work.

Nothing here has to survive a crash: what is open stands in the log, and :class:`bot.effects.service.Effects` finds it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import structlog

from bot.background import Background
from bot.backoff import backoff
from bot.core.effects import (
    Again,
    GiveItUp,
    LookForIt,
    Made,
    judge_found,
    judge_outcome,
    next_effect_step,
)
from bot.core.events import EffectDone, EffectFailed, EffectIntended, EffectKind, Recorded
from bot.effects.declared import DeclaredEffect, effect_of
from bot.effects.performer import Intention, Performer
from bot.effects.records import Records, Result, kept
from bot.times import MINUTE

LONGEST_PAUSE = 300.0
"""Seconds between two attempts at most, unless who is asked wants more."""
MARGIN = 10 * MINUTE
"""Microseconds by which Discord's clock may be behind ours, when a thread is looked for by its age."""

_log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Open:
    """A declared effect that is open: its event, and the end that its callers wait for.

    ``certain``: this process knows that it is not made.
    """

    started: Recorded
    event: EffectIntended
    certain: bool
    ended: asyncio.Future[EffectDone | EffectFailed] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    result: Result | None = None
    failures: int = 0

    @property
    def token(self) -> str:
        """Return its Idempotency-Key."""
        return self.event.key_digest if self.event.attempt == 1 else f"{self.event.key_digest}-{self.event.attempt}"


class Lanes:
    """Makes open effects, place by place. ``own``: the log is this process's for certain."""

    def __init__(
        self,
        records: Records,
        performers: Mapping[EffectKind, Performer],
        clock: Callable[[], int],
        own: Callable[[], bool],
    ) -> None:
        self._records = records
        self._performers = performers
        self._clock = clock
        self._own = own
        self._lanes: dict[str, deque[Open]] = {}
        self._background = Background()
        self._making = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._stopping = False

    @property
    def open(self) -> int:
        """Return how many effects are open."""
        return sum(map(len, self._lanes.values()))

    def add(self, place: str, entry: Open) -> None:
        """Take an effect up, behind those of its place."""
        lane = self._lanes.setdefault(place, deque())
        lane.append(entry)
        if len(lane) == 1 and not self._stopping:
            self._background.start(self._run(place, lane), f"effects at {place}")

    async def stop(self, grace: float) -> None:
        """Let requests under way end within ``grace`` seconds, and begin no others."""
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._quiet.wait()
        await self._background.cancel()
        for lane in self._lanes.values():
            for entry in lane:
                entry.ended.cancel()

    async def _run(self, place: str, lane: deque[Open]) -> None:
        while lane and not self._stopping:
            entry = lane[0]
            pause = await self._advanced(entry)
            if pause is None:
                lane.popleft()
            elif pause > 0:
                await asyncio.sleep(pause)
        if not lane:
            del self._lanes[place]

    async def _advanced(self, entry: Open) -> float | None:
        """Take one step with an effect; return the seconds until the next one, None if it is ended."""
        try:
            verdict = await self._step(entry)
            if isinstance(verdict, Again):
                return self._pause(entry, verdict)
            await self._end(entry, verdict)
        except Exception as error:  # noqa: BLE001 - nothing may end the only one who works at this place
            # Usually the log can't be read or written. Once it can, what was made meanwhile is looked for.
            return self._pause(entry, Again(certain=False, reason=type(error).__name__))
        return None

    async def _step(self, entry: Open) -> Made | GiveItUp | Again:
        kind, performer = entry.event.effect, self._performers[entry.event.effect]
        await performer.ready()
        effect = effect_of(entry.event, await self._records.words(entry.started.position))
        age = self._clock() - entry.started.recorded_at
        step = next_effect_step(kind, certain=entry.certain, readable=effect is not None, age_us=age)
        if isinstance(step, GiveItUp) or effect is None:
            return step if isinstance(step, GiveItUp) else Again(certain=False)
        if not self._own():
            return Again(certain=entry.certain, reason="another process may own the log by now")
        return await self._made(entry, effect, performer, look=isinstance(step, LookForIt))

    async def _made(
        self, entry: Open, effect: DeclaredEffect, performer: Performer, *, look: bool
    ) -> Made | GiveItUp | Again:
        since = entry.started.recorded_at - MARGIN
        intention = Intention(effect, entry.token, since, partial(self._records.threads_since, since))
        certain, entry.certain = entry.certain, False
        self._making += not performer.survives
        if self._making:
            self._quiet.clear()
        try:
            if look:
                return judge_found(effect.kind, await performer.look(intention))
            return judge_outcome(effect.kind, await performer.perform(intention), certain=certain)
        finally:
            self._making -= not performer.survives
            if not self._making:
                self._quiet.set()

    def _pause(self, entry: Open, again: Again) -> float:
        entry.certain = again.certain
        if not again.reason:
            return again.after_seconds or 0.0
        entry.failures += 1
        pause = backoff(entry.failures, LONGEST_PAUSE)
        pause = pause if again.after_seconds is None else max(again.after_seconds, pause / 2)
        _log.warning(
            "effect.held", effect=entry.event.effect.value, digest=entry.event.key_digest, reason=again.reason,
            seconds=round(pause, 1),
        )  # fmt: skip
        return pause

    async def _end(self, entry: Open, verdict: Made | GiveItUp) -> None:
        digest, attempt = entry.event.key_digest, entry.event.attempt
        ended: EffectDone | EffectFailed
        if isinstance(verdict, Made):
            entry.result = kept(verdict.result)
            ended = EffectDone(
                key_digest=digest, attempt=attempt, found=verdict.found, thread_id=verdict.thread_id,
                kept=entry.result.kept,
            )  # fmt: skip
        else:
            ended = EffectFailed(key_digest=digest, attempt=attempt, reason=verdict.reason, detail=verdict.detail)
            _log.warning("effect.failed", effect=entry.event.effect.value, digest=digest, reason=verdict.reason.value)
        await self._records.end(entry.started, ended, entry.result, entry.event.user_id or None)
        if not entry.ended.done():
            entry.ended.set_result(ended)
