"""What the log holds of effects: attempts by the caller's key, their words, and what is still open."""

from __future__ import annotations

import json
from typing import NamedTuple

from pydantic import JsonValue

from bot.core.effects import Attempt, newest_attempt
from bot.core.events import (
    Body,
    Draft,
    EffectDone,
    EffectEnded,
    EffectIntended,
    EffectStarted,
    KeyKind,
    Recorded,
)
from bot.core.named_keys import Digest, numbers_of
from bot.core.streams import EFFECTS_STREAM
from bot.effects.declared import DeclaredEffect, effect_of
from bot.eventlog.log import EventLog
from bot.eventlog.query import Query
from bot.eventlog.unended import unended

LONGEST_RESULT = 256 * 1024
"""Bytes of a result's JSON that are kept."""


class Result(NamedTuple):
    """What an effect returned; ``kept`` is False where it was no JSON, or too long, and nothing of it is recorded."""

    value: JsonValue
    kept: bool = True


class Records:
    """Reads and records the events of effects."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._reader = log.reader

    async def newest(self, digest: Digest) -> Attempt | None:
        """Return the newest attempt under a key, None if there is none."""
        first, _ = numbers_of(digest)
        found: list[Recorded] = []
        for kind in (KeyKind.EFFECT, KeyKind.EFFECT_ENDED):
            found += await self._reader.find(EFFECTS_STREAM, kind, first)
        return newest_attempt(digest, found)

    async def words(self, position: int) -> Body | None:
        """Return the words of an event, None where they are erased or do not open."""
        return (await self._reader.bodies((position,))).get(position)

    async def result(self, ended: Recorded) -> Result | None:
        """Return what a finished effect returned, None where that is erased."""
        words = await self.words(ended.position)
        if words is None:
            return None
        kept = isinstance(ended.event, EffectDone) and ended.event.kept
        return Result(json.loads(words.text), kept)

    async def start(self, event: EffectStarted, body: Body, person: int | None) -> Recorded:
        """Record that an attempt starts; return the event, which may be there already."""
        appended = await self._log.append(EFFECTS_STREAM, (Draft(event, body, person),))
        return (appended.new or appended.known)[0]

    async def end(
        self, started: Recorded, event: EffectEnded, result: Result | None = None, person: int | None = None
    ) -> None:
        """Record the end of an attempt, once."""
        body = None if result is None else Body(parts=(json.dumps(result.value),))
        subject = person if body is not None else None
        await self._log.append(EFFECTS_STREAM, (Draft(event, body, subject, started.position),))

    async def open(self) -> list[tuple[Recorded, DeclaredEffect | None]]:
        """Return the attempts that have no end, in the order in which they started.

        With each comes its effect: None for the caller's own code, and where its words are erased or do not open.
        """
        found = await unended(self._log.aside, EFFECTS_STREAM, KeyKind.EFFECT, KeyKind.EFFECT_ENDED)
        bodies = await self._log.aside.bodies(each.position for each in found)
        effects = (
            effect_of(each.event, bodies.get(each.position)) if isinstance(each.event, EffectIntended) else None
            for each in found
        )
        return list(zip(found, effects, strict=True))

    async def threads_since(self, moment: int) -> frozenset[int]:
        """Return the threads that effects are recorded to have started from a moment (microseconds) on."""
        query = Query(stream=EFFECTS_STREAM, types=(EffectDone.TYPE,), since=moment)
        found = [each.event async for each in self._reader.events(query)]
        return frozenset(event.thread_id for event in found if isinstance(event, EffectDone) and event.thread_id)


def kept(value: object) -> Result:
    """Return a result as it is recorded."""
    try:
        text = json.dumps(value, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError):
        return Result(None, kept=False)
    return Result(json.loads(text)) if len(text) <= LONGEST_RESULT else Result(None, kept=False)
