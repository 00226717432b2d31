"""What a call under a key returns or raises, by what the log holds."""

from __future__ import annotations

from pydantic import JsonValue

from bot.core.events import EffectDone, EffectEnd, EffectFailed
from bot.effects.records import Result
from bot.errors import EffectError, EffectGivenUp, FateUnknown, KeyTaken, ResultLost


def value_of(key: str, result: Result | None) -> JsonValue:
    """Return the value of a result; raise ResultLost where the log has none."""
    if result is None:
        raise ResultLost(key, "The effect was made, and its result was erased from the log since: use another key.")
    if not result.kept:
        raise ResultLost(
            key,
            "The effect was made, and its result is not kept: it was no JSON, or over 256 KiB. Return what json.dumps "
            "takes, such as an id.",
        )
    return result.value


def concluded(key: str, ended: EffectDone | EffectFailed, result: Result | None) -> JsonValue:
    """Return the result of an attempt; raise EffectGivenUp or FateUnknown if it failed."""
    if isinstance(ended, EffectDone):
        return value_of(key, result)
    if ended.reason is EffectEnd.UNKNOWN_FATE:
        raise unknown_effect(key)
    raise EffectGivenUp(key, ended.reason.value, ended.detail)


def unknown_effect(key: str) -> FateUnknown:
    """Return the error that nobody knows whether a declared effect was made."""
    return FateUnknown(
        key,
        "Nobody knows whether the effect was made: who was asked for it did not say. Look by hand, and if it was not, "
        "use another key.",
    )


def unknown_own_code(key: str) -> FateUnknown:
    """Return the error that nobody knows whether an effect of the caller's own code was made."""
    return FateUnknown(
        key,
        "Nobody knows whether the effect was made: a process ended between its intention and its result. Look by hand, "
        "or call once() with look=, which tells its result or None, or with repeatable=True if it may run again.",
    )


def taken(key: str) -> EffectError:
    """Return the error that a key is another effect's."""
    return KeyTaken(key, "The key is another effect's already: give each effect a key of its own.")
