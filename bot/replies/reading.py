"""Reads from the log what an answer builds on: received messages, and the turns of the window."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.events import KeyKind, MessageEdited, MessagePosted, Recorded, ReplyComposed, Role
from bot.core.streams import stream_of
from bot.core.window import Turn
from bot.eventlog.reader import Reader
from bot.responders.protocol import Utterance


async def find_received(reader: Reader, channel_id: int, message_id: int) -> MessagePosted | None:
    """Return the event of a received or imported message, None if the log does not know it."""
    found = await reader.find(stream_of(channel_id), KeyKind.RECEIVED, message_id)
    return next((each.event for each in found if isinstance(each.event, MessagePosted)), None)


async def utterances(reader: Reader, channel_id: int, turns: Sequence[Turn]) -> tuple[Utterance, ...]:
    """Return turns with their words, without those whose words were erased."""
    positions = {turn.position for turn in turns}
    bodies = await reader.bodies(positions)
    events = {recorded.position: recorded for recorded in await reader.at(positions)}
    return tuple(
        [
            Utterance(
                turn.message_id,
                body.name,
                body.parts[turn.part],
                turn.role is Role.BOT,
                turn.author_id,
                await _answered(reader, channel_id, events.get(turn.position)),
            )
            for turn in turns
            if (body := bodies.get(turn.position)) and turn.part < len(body.parts)
        ]
    )


async def _answered(reader: Reader, channel_id: int, said: Recorded | None) -> int | None:
    """Return the message that a turn answers; ``said`` is the event with the turn's words."""
    match said.event if said else None:
        case MessagePosted(reply_to=reply_to):
            return reply_to
        case MessageEdited(message_id=message_id):
            first = await find_received(reader, channel_id, message_id)
            return first.reply_to if first else None
        case ReplyComposed(message_id=message_id):
            return message_id
        case _:
            return None
