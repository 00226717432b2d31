"""The states of a program's own folds in memory, bounded; the least recently used one leaves first.

A state is brought up to date when it is asked for: events wait beside it until then.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.core.events import Recorded
from bot.core.own import Fold
from bot.eventlog.own_folds import AnyAt


@dataclass(slots=True)
class HotFold:
    """One fold of one stream: its state (None: not loaded), and the events after it that were appended since.

    ``size`` is that of the state as JSON, as far as it was measured. Who changes it holds ``lock``.
    """

    stream: str
    fold: type[Fold]
    at: AnyAt | None = None
    size: int = 0
    waiting: list[Recorded] = field(default_factory=list)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class HotFolds:
    """Holds at most ``most`` folds of ``most_bytes`` of JSON together, and more only while they are used."""

    def __init__(self, most: int = 1_000, most_bytes: int = 8_000_000, most_waiting: int = 200) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._most_waiting = most_waiting
        self._folds: OrderedDict[tuple[str, type[Fold]], HotFold] = OrderedDict()
        self._streams: dict[str, set[type[Fold]]] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._folds)

    def holds(self, hot: HotFold) -> bool:
        """Tell whether a fold is still in memory: one that left is not told of what is appended."""
        return self._folds.get((hot.stream, hot.fold)) is hot

    def use(self, stream: str, fold: type[Fold]) -> HotFold:
        """Return a fold of a stream as the most recently used one; add it, not loaded, if it is not in memory."""
        hot = self._folds.get((stream, fold))
        if hot is None:
            hot = self._folds[stream, fold] = HotFold(stream, fold)
            self._streams.setdefault(stream, set()).add(fold)
        else:
            self._folds.move_to_end((stream, fold))
        return hot

    def put(self, hot: HotFold, at: AnyAt, size: int) -> None:
        """Set the state of a fold and its size; let others leave if there are too many."""
        hot.at = at
        self.measure(hot, size)
        for each in tuple(self._surplus(hot)):
            self.drop(each)

    def measure(self, hot: HotFold, size: int) -> None:
        """Note the size of a state, if it is still there."""
        if self.holds(hot):
            self.bytes += size - hot.size
            hot.size = size

    def appended(self, stream: str, new: Sequence[Recorded]) -> None:
        """Have events wait beside the folds of their stream; a fold that nobody asks for leaves at last."""
        for fold in tuple(self._streams.get(stream, ())):
            hot = self._folds[stream, fold]
            hot.waiting += new
            if len(hot.waiting) > self._most_waiting and not hot.lock.locked():
                self.drop(hot)

    def forget(self, stream: str) -> None:
        """Forget the folds of a stream."""
        for fold in tuple(self._streams.get(stream, ())):
            self.drop(self._folds[stream, fold])

    def drop(self, hot: HotFold) -> None:
        """Forget a fold, if it is still there; its next use loads it from the log."""
        if self.holds(hot):
            del self._folds[hot.stream, hot.fold]
            self.bytes -= hot.size
            left = self._streams[hot.stream]
            left.discard(hot.fold)
            if not left:
                del self._streams[hot.stream]

    def _surplus(self, kept: HotFold) -> Iterator[HotFold]:
        """Yield the folds that have to leave, least recently used first, without ``kept`` and those in use."""
        number, excess = len(self._folds) - self._most, self.bytes - self._most_bytes
        for hot in self._folds.values():
            if number <= 0 and excess <= 0:
                return
            if hot is not kept and not hot.lock.locked():
                yield hot
                number, excess = number - 1, excess - hot.size
