"""Judge the order of answers in a channel by what Discord holds and by positions in the log (see bot.core.outbox).

An answer *was overtaken* by one to a newer message when both of these hold:

- Its first message stands in Discord after the first message of the other answer.
- It waited when the other answer got its last chance to wait: it was requested, and not given up again, before the
  newest event after which the other answer's first message was certainly sent.

That event is the one by which the other answer began to be shown or was composed. It is a later one, such as a delay,
where Discord's own response to a send tells of the first message: that send came after it. So a send that was on its
way when the older message was recorded is not counted, and nothing depends on a clock.

An answer *was torn* when another one began between its first message and its last, and nobody had given it up.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter

from bot.demo.trails import Trail


@dataclass(frozen=True, slots=True)
class Answered:
    """The messages of one answer, by part; answers to commands are not meant."""

    message_id: int
    channel: str
    trail: Trail
    ids: tuple[int, ...]

    @property
    def first(self) -> int:
        """Return the message with which it began."""
        return min(self.ids)

    @property
    def last(self) -> int:
        """Return the message with which it ended."""
        return max(self.ids)

    @property
    def straight(self) -> bool:
        """Tell whether its parts stand in their order."""
        return all(before < after for before, after in pairwise(self.ids))


def misplaced(answers: Iterable[Answered]) -> Iterator[tuple[Answered, Answered]]:
    """Yield each answer that was overtaken or torn, with the one that came before its time."""
    channels: defaultdict[str, list[Answered]] = defaultdict(list)
    for answer in answers:
        channels[answer.channel].append(answer)
    for there in channels.values():
        there.sort(key=attrgetter("first"))
        yield from _overtaken(there)
        yield from _torn(there)


def _overtaken(there: Iterable[Answered]) -> Iterator[tuple[Answered, Answered]]:
    before: list[Answered] = []
    for answer in there:
        for newer in before[bisect_left(before, answer.message_id, key=attrgetter("message_id")) :]:
            if answer.trail.waited(newer.trail.sent_after_position):
                yield answer, newer
        insort(before, answer, key=attrgetter("message_id"))


def _torn(there: Iterable[Answered]) -> Iterator[tuple[Answered, Answered]]:
    unfinished: list[Answered] = []
    for answer in there:
        unfinished = [each for each in unfinished if each.last > answer.first]
        yield from ((each, answer) for each in unfinished)
        if not answer.trail.interrupted:
            unfinished.append(answer)
