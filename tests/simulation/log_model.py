"""The event log in memory: dedupe keys and expected versions as in bot/eventlog/writer.py, and nothing on a disk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from bot.core.conversation import Conversation
from bot.core.events import Body, Drafts, Key, MessageEvent, Recorded
from bot.core.fold import evolve, fold


class Log:
    """Every channel's stream; ``states`` is each stream folded whole, ``snapshots`` what a load may begin from."""

    def __init__(self) -> None:
        self.streams: defaultdict[int, list[Recorded]] = defaultdict(list)
        self.states: defaultdict[int, Conversation] = defaultdict(Conversation)
        self.snapshots: dict[int, Conversation] = {}
        self.bodies: dict[int, Body] = {}
        self.position = 0
        self._keys: defaultdict[int, set[Key]] = defaultdict(set)

    def append(self, channel: int, units: Sequence[Drafts], *, expected: int, now: int) -> list[tuple[Recorded, ...]]:
        """Append unit by unit and return what was new of each, up to and including the first one known already."""
        assert expected == self.states[channel].version, "one process decides on the newest version"
        appended: list[tuple[Recorded, ...]] = []
        for unit in units:
            if any(draft.event.key() in self._keys[channel] for draft in unit):
                appended.append(())
                break
            appended.append(self._record(channel, unit, now))
        return appended

    def load(self, channel: int) -> Conversation:
        """Return the state as a cold channel gets it: the snapshot and the events after it."""
        start = self.snapshots.get(channel, Conversation())
        return fold(self.streams[channel][start.version :], start)

    def events(self, channel: int, message_id: int) -> list[Recorded]:
        """Return what is recorded about one message."""
        return [
            recorded
            for recorded in self.streams[channel]
            if isinstance(recorded.event, MessageEvent) and recorded.event.message_id == message_id
        ]

    def _record(self, channel: int, unit: Drafts, now: int) -> tuple[Recorded, ...]:
        new: list[Recorded] = []
        for draft in unit:
            key = draft.event.key()
            if key is not None:
                self._keys[channel].add(key)
            self.position += 1
            if draft.body is not None:
                self.bodies[self.position] = draft.body
            cause = new[0].position if draft.causation is None and new else draft.causation
            version = len(self.streams[channel]) + 1
            recorded = Recorded(self.position, f"channel:{channel}", version, now, draft.event, causation=cause)
            self.streams[channel].append(recorded)
            self.states[channel] = evolve(self.states[channel], recorded)
            new.append(recorded)
        return tuple(new)
