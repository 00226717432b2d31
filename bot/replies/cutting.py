"""Cuts an answer into the parts that are sent, each a message of Discord's."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.delivery import in_one_part
from bot.core.ending import continued, room, with_room
from bot.core.outbox import Pending
from bot.core.parts import split
from bot.responders.protocol import Answer


def parts_of(entry: Pending, answer: Answer, text: str, before: Sequence[str]) -> tuple[str, ...]:
    """Return the parts of an answer, whose ``text`` names its sources, behind those of the one that it goes on with."""
    if not answer.text.strip():
        return ()
    if entry.asked:
        return in_one_part(text, room(answer.finish))
    return with_room(continued(before, text) if before else cut(answer, text), answer.finish)


def cut(answer: Answer, text: str) -> tuple[str, ...]:
    """Return the parts of an answer, whose messages are its own unless its sources were added to its ``text``."""
    messages = answer.messages if text == answer.text else ()
    return tuple(part for message in messages or (text,) for part in split(message))
