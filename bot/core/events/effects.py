"""Events of effects: what the bot does besides replying, on the word of the code that it belongs to."""

from __future__ import annotations

from pydantic import Field

from bot.core.events.base import Event
from bot.core.events.vocabulary import EffectEnd, EffectKind, Key, KeyKind
from bot.core.named_keys import Digest, numbers_of

_HALF = 2**63


class EffectEvent(Event):
    """An event of an effect. ``key_digest`` is that of the caller's key, ``attempt`` counts attempts from 1."""

    key_digest: Digest
    attempt: int = Field(1, ge=1)

    def key_of(self, kind: KeyKind) -> Key:
        """Return ``kind:<first half of the digest>:<second half, moved on by the attempt>``."""
        first, second = numbers_of(self.key_digest)
        return Key(kind, first, (second + self.attempt - 1 + _HALF) % (2 * _HALF) - _HALF)


class EffectStarted(EffectEvent):
    """An effect is about to be made. Body: the caller's key, then the effect's words, if it has any."""

    def key(self) -> Key:
        """Return ``effect:<digest and attempt>``."""
        return self.key_of(KeyKind.EFFECT)


class EffectIntended(EffectStarted):
    """A declared effect is to be made. It is data, so a restart goes on with it. What does not concern it is 0.

    It does not mark its stream as unfinished, as replies do: there is one stream of effects, and in a busy bot some are
    open at any time. What is open is found by keys (:mod:`bot.eventlog.unended`).
    """

    TYPE = "effect.intended"
    WORDED = True

    effect: EffectKind
    guild_id: int = 0
    user_id: int = 0
    role_id: int = 0
    channel_id: int = 0
    message_id: int = 0

    def about(self) -> int | None:
        """Return the message that it is made at, or None."""
        return self.message_id or None


class EffectBegun(EffectStarted):
    """An effect that is the caller's own code begins. A restart can't go on with it: its fate is unknown then."""

    TYPE = "effect.begun"
    WORDED = True


class EffectEnded(EffectEvent):
    """What became of an attempt: it is done, or it failed."""

    def key(self) -> Key:
        """Return ``ended:<digest and attempt>``, so that an attempt has one end."""
        return self.key_of(KeyKind.EFFECT_ENDED)


class EffectDone(EffectEnded):
    """An effect is made. Body: its result as JSON.

    ``found``: a look found it made, after nobody knew. ``again``: it ran once more after nobody knew, because its
    caller said that it may. ``kept`` is False where the result was no JSON, or too long. ``thread_id`` is the thread
    that it started.
    """

    TYPE = "effect.done"
    WORDED = True

    found: bool = False
    again: bool = False
    kept: bool = True
    thread_id: int = 0


class EffectFailed(EffectEnded):
    """An attempt was given up. ``detail``: a status, a code, or the type of an exception, and never its words."""

    TYPE = "effect.failed"

    reason: EffectEnd
    detail: str = ""
