"""What holds for every own fold: a snapshot and the events after it are the whole, wherever the cut is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Self

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.attached.hot_folds import HotFolds
from bot.attached.own_streams import OwnStreams
from bot.core import events as e
from bot.core.own import Event, Fold
from bot.core.own.event import Fields, envelope
from bot.core.own.fold import decode, encode, folded
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log


class Put(Event):
    """Something has a number now."""

    TYPE = "thing.put"
    V = 2

    name: str
    number: int

    @classmethod
    def lift(cls, v: int, fields: Fields) -> Fields:  # noqa: ARG003 - there is one step
        """Version 1 had no number."""
        return {**fields, "number": 0}


class Taken(Event):
    """Something is gone."""

    TYPE = "thing.taken"

    name: str


class Things(Fold):
    """Numbers by name, and the order in which they came."""

    NAME = "things"
    EVENTS = (Put, Taken)
    EVERY = 3

    numbers: dict[str, int] = {}  # noqa: RUF012 - pydantic copies it
    order: tuple[str, ...] = ()
    highest: float = 0.5

    def apply(self, event: Event) -> Self:
        """Put or take."""
        numbers = dict(self.numbers)
        match event:
            case Put(name=name, number=number):
                numbers[name] = numbers.get(name, 0) * 2 + number
                highest, order = max(self.highest, float(number)), (*self.order, name)[-4:]
                return self.model_copy(update={"numbers": numbers, "order": order, "highest": highest})
            case Taken(name=name):
                return self.model_copy(update={"numbers": {key: numbers[key] for key in numbers if key != name}})
        return self


class Count(Fold):
    """How many were taken: another fold of the same streams."""

    NAME = "count"
    EVENTS = (Taken,)
    EVERY = 2

    taken: int = 0

    def apply(self, event: Event) -> Self:  # noqa: ARG002 - they are all alike
        """Count."""
        return self.model_copy(update={"taken": self.taken + 1})


NAMES = st.sampled_from(["a", "b", "ü", ""])
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Put, name=NAMES, number=st.integers(-(2**70), 2**70)), st.builds(Taken, name=NAMES)
)
OLDER = st.builds(lambda name: e.OwnRecorded(type="thing.put", v=1, data={"name": name}), NAMES)
OTHERS = st.sampled_from([e.OwnRecorded(type="thing.seen", v=7, data={}), e.ServerLeft(guild_id=1)])
HISTORIES = st.lists(st.one_of(EVENTS.map(envelope), OLDER, OTHERS), max_size=25)


def recorded(events: list[e.Event]) -> list[e.Recorded]:
    """Record events in one stream."""
    return [e.Recorded(3 * at, "own:things", at, at, event) for at, event in enumerate(events, 1)]


@given(history=HISTORIES, cut=st.integers(0, 25))
@example(history=[envelope(Put(name="a", number=2**53 + 1))], cut=1)
def test_a_snapshot_and_the_tail_are_the_whole(history: list[e.Event], cut: int) -> None:
    """Whatever was recorded, in whatever version."""
    events = recorded(history)
    for fold in (Things, Count):
        data = encode(folded(fold(), events[:cut]))
        assert data is not None
        snapshot = decode(fold, data)
        assert snapshot is not None
        assert folded(snapshot, events[cut:]) == folded(fold(), events)


@dataclass(slots=True)
class Laboratory:
    """A real log, and what runs its coroutines; each example has streams of its own in it."""

    runner: asyncio.Runner
    log: EventLog
    streams: Iterator[int] = field(default_factory=count)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Return a laboratory with an empty log."""
    now = count(1)
    with asyncio.Runner() as runner:
        location = Location(tmp_path_factory.mktemp("laws") / "log")
        log = runner.run(open_log(location, clock=lambda: next(now), full=False))
        yield Laboratory(runner, log)
        runner.run(log.close())


@settings(max_examples=25)
@given(
    histories=st.lists(st.lists(EVENTS, max_size=10), min_size=1, max_size=3),
    chance=st.randoms(),
    most=st.integers(1, 4),
    most_waiting=st.integers(0, 5),
)
def test_a_fold_of_the_log_is_the_fold_of_its_events(
    laboratory: Laboratory, histories: list[list[Event]], chance: Random, most: int, most_waiting: int
) -> None:
    """In memory, from snapshots or from the beginning, at every version, with little room and with restarts between."""

    def begun() -> OwnStreams:
        return OwnStreams(laboratory.log, hot=HotFolds(most, 200, most_waiting))

    async def run() -> None:
        own = begun()
        left = {f"things:{next(laboratory.streams)}": iter(history) for history in histories}
        kept: dict[str, list[e.Event]] = {stream: [] for stream in left}
        while left:
            stream = chance.choice(list(left))
            if (event := next(left[stream], None)) is None:
                del left[stream]
                continue
            placed = await own.append(stream, event)
            kept[stream].append(envelope(event))
            assert placed.version == len(kept[stream])
            if chance.random() < 0.1:
                await own.close()
                own = begun()
            for fold in (Things, Count):
                asked = chance.choice(list(kept))
                if chance.random() < 0.5:
                    found = await own.fold_at(asked, fold)
                    assert found == (folded(fold(), recorded(kept[asked])), len(kept[asked]))
            assert len(own.hot) <= most
        await own.close()

    laboratory.runner.run(run())
