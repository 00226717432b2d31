"""Reads from the log what an answer builds on: received messages, and the turns of the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.core.conversation import Conversation
from bot.core.events import (
    WORDS_UNREADABLE,
    AbandonReason,
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
from bot.core.outbox import Pending
from bot.core.seen import told
from bot.core.streams import channel_of, stream_of
from bot.core.window import Turn
from bot.eventlog.reader import Bodies, Reader
from bot.responders.protocol import Utterance

MOST_JOINED = 64
"""How many further messages of an answer are looked for."""


class NoWords(Exception):
    """The words of the question or of the answer are erased, or they do not open.

    Attributes: ``reason`` and ``detail``, with which the reply is given up.
    """

    def __init__(self, bodies: Bodies, position: int) -> None:
        """Say which of both it is, for the words at ``position`` that are not among ``bodies``."""
        unreadable = position in bodies.unreadable
        self.reason = AbandonReason.GAVE_UP if unreadable else AbandonReason.ERASED
        self.detail = WORDS_UNREADABLE if unreadable else ""
        super().__init__(self.detail or "its words are erased")


async def find_received(reader: Reader, channel_id: int, message_id: int) -> MessagePosted | None:
    """Return the event of a received or imported message, None if the log does not know it."""
    found = await reader.find(stream_of(channel_id), KeyKind.RECEIVED, message_id)
    return next((each.event for each in found if isinstance(each.event, MessagePosted)), None)


async def find_asked(reader: Reader, channel_id: int, entry: Pending) -> tuple[int, MessagePosted | None]:
    """Return the channel of a question and its event.

    If a thread was opened for the answer, the question stands in the channel above, as the place of its words tells.
    """
    message = await find_received(reader, channel_id, entry.message_id)
    if message is not None:
        return channel_id, message
    places = (channel_of(recorded.stream) for recorded in await reader.at((entry.asked_position,)))
    above_id = next(places, None) or channel_id
    return above_id, await find_received(reader, above_id, entry.message_id) if above_id != channel_id else None


async def newest_words(reader: Reader, channel_id: int, message_id: int) -> Body | None:
    """Return the words of a message as the log last heard of them, None if it has none or they were erased."""
    stream = stream_of(channel_id)
    known = [
        each for kind in (KeyKind.RECEIVED, KeyKind.EDITED) for each in await reader.find(stream, kind, message_id)
    ]
    newest = max((recorded.position for recorded in known), default=0)
    return (await reader.bodies((newest,))).get(newest)


async def edits_of(reader: Reader, channel_id: int, message_id: int, upto: float) -> int:
    """Return how often a message was edited up to a position of the log."""
    known = await reader.find(stream_of(channel_id), KeyKind.EDITED, message_id)
    return sum(isinstance(each.event, MessageEdited) and each.position <= upto for each in known)


async def summary_of(reader: Reader, state: Conversation) -> str:
    """Return the summary of the turns before the window, "" if there is none or its words were erased."""
    if not state.summary_position:
        return ""
    body = (await reader.bodies((state.summary_position,))).get(state.summary_position)
    return body.text if body else ""


async def utterances(reader: Reader, channel_id: int, turns: Sequence[Turn]) -> tuple[Utterance, ...]:
    """Return turns with what a person sees of them, without those that show nothing or whose words were erased."""
    positions = {turn.position for turn in turns}
    events = {recorded.position: recorded for recorded in await reader.at(positions)}
    turns = [await _as_edited(reader, channel_id, turn, events) for turn in turns]
    bodies = await reader.bodies({turn.position for turn in turns})
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
            if (body := bodies.get(turn.position))
            and turn.part < len(body.parts)
            and (text := told(body, turn.part, by_bot=turn.role is Role.BOT))
        ]
    )


async def _as_edited(reader: Reader, channel_id: int, turn: Turn, events: dict[int, Recorded]) -> Turn:
    """Return a turn with its newest words if it stands in the channel above a thread, whose edits a thread misses."""
    said = events.get(turn.position)
    if said is None or said.stream == stream_of(channel_id):
        return turn
    edited = await reader.find(said.stream, KeyKind.EDITED, turn.message_id)
    newest = max(edited, key=lambda each: each.position, default=said)
    events[newest.position] = said
    return replace(turn, position=newest.position)


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
