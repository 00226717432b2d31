"""Reads from the log what an answer builds on: received messages, and the turns of the window."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.events import (
    Body,
    KeyKind,
    MessageEdited,
    MessagePosted,
    MessagePreviewed,
    Recorded,
    ReplyAbandoned,
    ReplyComposed,
    Role,
)
from bot.core.seen import marked
from bot.core.streams import stream_of
from bot.core.window import Turn
from bot.eventlog.reader import Reader
from bot.responders.protocol import Utterance

MOST_JOINED = 64
"""How many further messages of an answer are looked for."""


async def find_received(reader: Reader, channel_id: int, message_id: int) -> MessagePosted | None:
    """Return the event of a received or imported message, None if the log does not know it."""
    found = await reader.find(stream_of(channel_id), KeyKind.RECEIVED, message_id)
    return next((each.event for each in found if isinstance(each.event, MessagePosted)), None)


async def newest_words(reader: Reader, channel_id: int, message_id: int) -> Body | None:
    """Return the words of a message as the log last heard of them, None if it has none or they were erased."""
    stream = stream_of(channel_id)
    known = [
        each for kind in (KeyKind.RECEIVED, KeyKind.EDITED) for each in await reader.find(stream, kind, message_id)
    ]
    newest = max((recorded.position for recorded in known), default=0)
    return (await reader.bodies((newest,))).get(newest)


async def utterances(reader: Reader, channel_id: int, turns: Sequence[Turn]) -> tuple[Utterance, ...]:
    """Return turns with what a person sees of them, without those that show nothing or whose words were erased."""
    positions = {turn.position for turn in turns}
    bodies = await reader.bodies(positions)
    events = {recorded.position: recorded for recorded in await reader.at(positions)}
    return tuple(
        [
            Utterance(
                turn.message_id,
                body.name,
                text,
                turn.role is Role.BOT,
                turn.author_id,
                await _answered(reader, channel_id, events.get(turn.position)),
                dict(body.names),
            )
            for turn in turns
            if (body := bodies.get(turn.position)) and turn.part < len(body.parts) and (text := marked(body, turn.part))
        ]
    )


async def joined(reader: Reader, channel_id: int, composed: Recorded) -> list[int]:
    """Return the further messages that an answer covers; they are recorded right after event ``composed``."""
    found: list[int] = []
    async for page in reader.tail(stream_of(channel_id), after=composed.version, upto=composed.version + MOST_JOINED):
        for recorded in page:
            event = recorded.event
            if not isinstance(event, ReplyAbandoned) or event.together_with != composed.event.about():
                return found
            found.append(event.message_id)
    return found


async def _answered(reader: Reader, channel_id: int, said: Recorded | None) -> int | None:
    """Return the message that a turn answers; ``said`` is the event with the turn's words."""
    match said.event if said else None:
        case MessagePosted(reply_to=reply_to):
            return reply_to
        case MessageEdited(message_id=message_id) | MessagePreviewed(message_id=message_id):
            first = await find_received(reader, channel_id, message_id)
            return first.reply_to if first else None
        case ReplyComposed(message_id=message_id):
            return message_id
        case _:
            return None
