"""What a log says, in a form that outlives the release which recorded it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, TypeAlias

from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.fold import evolve
from bot.eventlog import snapshots
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader

Facts: TypeAlias = dict[str, Any]

_LASTING = ("version", "watermark_id", "received", "sent", "skipped", "abandoned", "foreign", "paused", "deleted")
"""The fields of a state that mean the same to every later fold."""
_FIRST = ("name", "parts", "files")
"""The fields of a body of version 1."""


async def told(reader: Reader, *, upto: int | None = None) -> Facts:
    """Return the events and their words, the state of each stream, and the number of events of each type.

    ``upto`` is the position of the last event to tell.
    """
    recorded = [event async for event in reader.events(Query()) if upto is None or event.position <= upto]
    bodies = await reader.bodies([event.position for event in recorded])
    states: dict[str, Conversation] = {}
    for event in recorded:
        states[event.stream] = evolve(states.get(event.stream, Conversation()), event)
    return {
        "events": [
            {
                "position": event.position,
                "stream": event.stream,
                "version": event.version,
                "recorded_at": event.recorded_at,
                "correlation": event.correlation,
                "causation": event.causation,
                "words": _words(bodies.get(event.position)),
            }
            for event in recorded
        ],
        "states": {stream: _lasting(state) for stream, state in sorted(states.items())},
        "types": dict(sorted(Counter(event.event.form.type for event in recorded).items())),
    }


async def as_lifted(facts: Facts, reader: Reader) -> Facts:
    """Return facts without the words of what was deleted in Discord, which go when a log is brought to this release."""
    recorded = [event async for event in reader.events(Query())]
    gone = {(each.stream, each.correlation) for each in recorded if isinstance(each.event, e.MessageDeleted)}
    last = {each.stream: each.version for each in recorded if isinstance(each.event, e.ChannelDeleted)}
    deleted = {
        each.position
        for each in recorded
        if (isinstance(each.event, e.MessageReceived | e.MessageEdited) and (each.stream, each.correlation) in gone)
        or each.version < last.get(each.stream, 0)
    }
    events = [each | {"words": None} if each["position"] in deleted else each for each in facts["events"]]
    return facts | {"events": events}


def _words(body: e.Body | None) -> Facts | None:
    """Return words without what a body of version 1 could not have, where there is none of it."""
    if body is None:
        return None
    named = body.model_dump(mode="json")
    return {name: value for name, value in named.items() if value or name in _FIRST}


def _lasting(state: Conversation) -> Facts:
    whole = json.loads(snapshots.encode(state)[0])
    return {
        **{name: whole[name] for name in _LASTING},
        "window_ids": [turn.message_id for turn in state.window],
        "outbox_ids": [pending.message_id for pending in state.outbox],
    }
