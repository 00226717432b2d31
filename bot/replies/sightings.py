"""Which of the bot's messages that a look shows can be parts of a post, by what the log knows of them.

A post is recognized by its text, and the process's own code may say the same at the same time. What was recorded before
the post was asked for is none of it, and neither is what came live: with its nonce, a part would have been known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.core.events import KeyKind, MessageReceived, Recorded, Via
from bot.core.fate import Look, same
from bot.core.outbox import Pending
from bot.core.streams import stream_of
from bot.eventlog.reader import Reader

_LIVE = (Via.LIVE, Via.AHEAD)


async def unclaimed(reader: Reader, channel_id: int, entry: Pending, texts: Sequence[str], look: Look) -> Look:
    """Return a look without the messages with a text of the post that the log knows as something else."""
    stream, others = stream_of(channel_id), set[int]()
    for seen in look.sightings:
        if any(same(text, seen.text) for text in texts):
            received = await reader.find(stream, KeyKind.RECEIVED, seen.message_id)
            sent = await reader.sent_as(stream, seen.message_id)
            if any(_is_other(each, entry) for each in received) or (sent and sent.event.about() != entry.message_id):
                others.add(seen.message_id)
    return replace(look, sightings=tuple(seen for seen in look.sightings if seen.message_id not in others))


def _is_other(received: Recorded, entry: Pending) -> bool:
    event = received.event
    live = isinstance(event, MessageReceived) and event.via in _LIVE
    return live or received.position < entry.composed_position
