"""Judges the order of answers in a channel by Discord's messages and by positions in the log (see bot.core.outbox).

An answer *was overtaken* by one to a newer message when both of these hold:

- Its first message stands in Discord after the first message of the other answer.
- It was pending when the other answer was last decided to be sent: it was requested, and not given up again, before the
  newest event after which the first message of the other answer was certainly sent.

That event is the one by which the other answer began to be shown or was composed. It is a later one, such as a delay,
if the first message is confirmed by Discord's response to a send, because that send came after the delay. So a send
that was under way when the older message was recorded does not count, and nothing depends on a clock.

An answer *was torn* when another one began between its first message and its last, and it was not given up.
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
    """The messages of one answer by part, except for answers to commands."""

    message_id: int
    channel: str
    trail: Trail
    ids: tuple[int, ...]

    @property
    def first(self) -> int:
        """Return its first message."""
        return min(self.ids)

    @property
    def last(self) -> int:
        """Return its last message."""
        return max(self.ids)

    @property
    def straight(self) -> bool:
        """Tell whether its parts are in order."""
        return all(before < after for before, after in pairwise(self.ids))


def misplaced(answers: Iterable[Answered]) -> Iterator[tuple[Answered, Answered]]:
    """Yield each answer that was overtaken or torn, with the answer that came too early."""
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
