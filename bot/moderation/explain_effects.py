"""Explain the effects that were made at a message: what was intended, and what became of it."""

from __future__ import annotations

from bot.core import events as e
from bot.core.named_keys import numbers_of
from bot.core.streams import EFFECTS_STREAM
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.moderation.text import lines, printable, shortened


async def told_effects(reader: Reader, message_id: int) -> list[str]:
    """Return two lines about each effect at a message: what it is, with its words, and its end, if it has one."""
    query = Query(stream=EFFECTS_STREAM, message_id=message_id)
    started = [each async for each in reader.events(query) if isinstance(each.event, e.EffectIntended)]
    told: list[str] = []
    for line in await lines(reader, started, words=reader.vault is not None):
        intended = line.recorded.event
        if isinstance(intended, e.EffectIntended):
            told += [shortened(f"effect {intended.effect.value}: {line.said()}"), await _end(reader, intended)]
    return told


async def _end(reader: Reader, intended: e.EffectIntended) -> str:
    first, _ = numbers_of(intended.key_digest)
    for found in await reader.find(EFFECTS_STREAM, e.KeyKind.EFFECT_ENDED, first):
        match found.event:
            case e.EffectDone(key_digest=intended.key_digest, attempt=intended.attempt, found=looked):
                return "  done; a look found it" if looked else "  done"
            case e.EffectFailed(key_digest=intended.key_digest, attempt=intended.attempt, reason=reason, detail=detail):
                return f"  given up: {reason.value}{f' ({printable(detail)})' if detail else ''}"
    return "  not made yet"
