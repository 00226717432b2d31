"""Effects besides replies: whether a call under a key runs anything, and the next step of a declared effect. Pure.

An effect goes the way of a reply: it is intended, made, and recorded as done. A declared effect is *certain* while this
process knows that it is not made: it was intended just now, or a look did not find it. From the beginning of an
attempt until its outcome is recorded, it is not certain. After a restart no effect is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

from bot.core.events import (
    EffectDone,
    EffectEnd,
    EffectEnded,
    EffectFailed,
    EffectKind,
    EffectStarted,
    Recorded,
)
from bot.core.fate import NotYet, Unknown
from bot.core.named_keys import Digest
from bot.times import DAY

PATIENCE = DAY
"""Microseconds for which a declared effect is tried."""

LOOKED_FOR = frozenset((EffectKind.ADD_ROLE, EffectKind.REMOVE_ROLE, EffectKind.START_THREAD, EffectKind.ADD_REACTION))
"""What Discord can tell of. The fate of the others is left to who takes them: an HTTP call is told from its repetition
by its Idempotency-Key, a direct message by the outbox."""

HARMLESS_TWICE = LOOKED_FOR - {EffectKind.START_THREAD}
"""What is as it was when it is made once more (docs/discord-facts.md, 1.5)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The newest attempt under a key: its event, and its end if it has one."""

    started: Recorded
    ended: Recorded | None = None

    @property
    def number(self) -> int:
        """Return its number, from 1."""
        return self.started.event.attempt if isinstance(self.started.event, EffectStarted) else 1


def newest_attempt(digest: Digest, found: Iterable[Recorded]) -> Attempt | None:
    """Return the newest attempt under a key among events, in whatever order; None if there is none."""
    started: dict[int, Recorded] = {}
    ended: dict[int, Recorded] = {}
    for each in found:
        match each.event:
            case EffectStarted(key_digest=other, attempt=number) if other == digest:
                started[number] = each
            case EffectEnded(key_digest=other, attempt=number) if other == digest:
                ended[number] = each
    if not started:
        return None
    newest = max(started)
    return Attempt(started[newest], ended.get(newest))


@dataclass(frozen=True, slots=True)
class Begin:
    """Record attempt ``number``, and make it."""

    number: int


@dataclass(frozen=True, slots=True)
class Resume:
    """An attempt is open: go on with it."""


@dataclass(frozen=True, slots=True)
class Return:
    """It is done: return what it returned then."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Nobody knows what became of it: say so."""


def at_call(attempt: Attempt | None) -> Begin | Resume | Return | Tell:
    """Return what a call under a key does. What failed was not made, so a later call tries it again."""
    if attempt is None:
        return Begin(1)
    match attempt.ended.event if attempt.ended else None:
        case EffectDone():
            return Return()
        case EffectFailed(reason=EffectEnd.UNKNOWN_FATE):
            return Tell()
        case EffectFailed():
            return Begin(attempt.number + 1)
    return Resume()


@dataclass(frozen=True, slots=True)
class Made:
    """An effect is made. ``found``: a look found it. ``thread_id`` is the thread that it started."""

    result: JsonValue = None
    thread_id: int = 0
    found: bool = False


@dataclass(frozen=True, slots=True)
class Declined:
    """Who was asked for it refused it for good; it is not made."""

    reason: EffectEnd
    detail: str


@dataclass(frozen=True, slots=True)
class Absent:
    """A look found that an effect is not made."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A look may not see whether an effect is made, and never will."""

    detail: str


Outcome: TypeAlias = Made | Declined | NotYet | Unknown
"""How an attempt to make an effect ended."""

Found: TypeAlias = Made | Absent | Hidden | NotYet | Unknown
"""What a look found."""


@dataclass(frozen=True, slots=True)
class LookForIt:
    """Look whether it is made."""


@dataclass(frozen=True, slots=True)
class MakeIt:
    """Make it."""


@dataclass(frozen=True, slots=True)
class GiveItUp:
    """Record that it will not be made."""

    reason: EffectEnd
    detail: str = ""


def next_effect_step(
    kind: EffectKind, *, certain: bool, readable: bool, age_us: int, patience_us: int = PATIENCE
) -> LookForIt | MakeIt | GiveItUp:
    """Return the next step of an open effect that was intended ``age_us`` microseconds ago.

    ``readable``: its words are there, and not erased meanwhile.
    """
    if not certain and kind in LOOKED_FOR and readable:
        return LookForIt()
    if not readable:
        return GiveItUp(EffectEnd.ERASED if certain or kind in HARMLESS_TWICE else EffectEnd.UNKNOWN_FATE, "erased")
    if age_us > patience_us:
        return GiveItUp(EffectEnd.EXPIRED if certain else EffectEnd.UNKNOWN_FATE, "too old")
    return MakeIt()


@dataclass(frozen=True, slots=True)
class Again:
    """Go on after ``after_seconds`` (None: the caller chooses), ``certain`` or not."""

    certain: bool
    reason: str = ""
    after_seconds: float | None = None


def judge_outcome(kind: EffectKind, outcome: Outcome, *, certain: bool) -> Made | GiveItUp | Again:
    """Judge how an attempt ended that was made while the effect was ``certain`` or not.

    Who refuses a repeated call says nothing of the first one.
    """
    match outcome:
        case Made():
            return outcome
        case Declined(_, detail) if kind is EffectKind.HTTP_CALL and not certain:
            return GiveItUp(EffectEnd.UNKNOWN_FATE, detail)
        case Declined(reason, detail):
            return GiveItUp(reason, detail)
        case NotYet(reason, after) | Unknown(reason, after):
            return Again(certain and isinstance(outcome, NotYet), reason, after)


def judge_found(kind: EffectKind, found: Found) -> Made | GiveItUp | Again:
    """Judge what a look found; what can't be seen is made again where that does no harm."""
    match found:
        case Made(result, thread_id):
            return Made(result, thread_id, found=True)
        case Absent():
            return Again(certain=True, after_seconds=0)
        case Hidden() if kind in HARMLESS_TWICE:
            return Again(certain=True, after_seconds=0)
        case Hidden(detail):
            return GiveItUp(EffectEnd.UNKNOWN_FATE, detail)
        case NotYet(reason, after) | Unknown(reason, after):
            return Again(certain=False, reason=reason, after_seconds=after)
