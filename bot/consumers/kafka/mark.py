"""What a topic holds of a log, as a mark in Kafka says it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from bot.core.events import Recorded
from bot.eventlog.pages import History


class Mark(NamedTuple):
    """Up to where the events of a log are in the topic, but for ``holes``: the positions of those that are not.

    ``recorded_at`` is the time of the event at ``position``, which tells it from another one there (0: it is that one).
    """

    log_id: str = ""
    incarnation: int = 0
    position: int = 0
    recorded_at: int = 0
    holes: frozenset[int] = frozenset()

    def to_bytes(self) -> bytes:
        """Return the mark as JSON."""
        return json.dumps(self._asdict() | {"holes": sorted(self.holes)}).encode()

    @classmethod
    def of(cls, data: bytes) -> Mark:
        """Return the mark of its JSON."""
        fields = json.loads(data)
        return cls(**{**fields, "holes": frozenset(fields["holes"])})

    def of_log(self, history: History) -> Mark:
        """Return what the mark says of a log as it was when it was opened.

        Where a backup took the log's place, only what came before it is the same. A power loss may have taken its end.
        """
        if self.log_id != history.log_id:
            return Mark()
        fork = history.fork_after(self.incarnation)
        position = min(self.position, history.head, self.position if fork is None else fork)
        if position == self.position:
            return self
        return self._replace(
            position=position, recorded_at=0, holes=frozenset(each for each in self.holes if each <= position)
        )

    def covers(self, recorded: Recorded) -> bool:
        """Tell whether an event is in the topic."""
        if recorded.position > self.position or recorded.position in self.holes:
            return False
        # After a power loss another event may have the position of the one that the mark speaks of.
        return recorded.position < self.position or self.recorded_at in (0, recorded.recorded_at)

    def after(self, added: Iterable[Recorded], last: Recorded, left: Iterable[int], history: History) -> Mark:
        """Return the mark once ``added`` are there too.

        ``last`` is the last event that was handed over, and ``left`` are positions of events that can't be added.
        """
        position, recorded_at = self.position, self.recorded_at
        if last.position >= position:
            position, recorded_at = last.position, last.recorded_at
        passed = (each for each in left if self.position < each <= position)
        holes = self.holes.union(passed).difference(each.position for each in added)
        return Mark(history.log_id, history.incarnation, position, recorded_at, holes)
