"""Own events and folds on a real log: once only, together, in order; states from memory and from snapshots."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Self

import pytest

from bot.attached.hot_folds import HotFolds
from bot.attached.own_streams import OwnStreams, Placed
from bot.core import events as e
from bot.core.own import Event, Fold
from bot.errors import OwnEventError, OwnFoldError, VersionConflict
from bot.eventlog import own_folds
from bot.eventlog.erasing import Wanted, erase
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.pages import read_page
from bot.eventlog.personal import about
from bot.eventlog.query import Query
from bot.eventlog.verify import verify
from bot.importing.exported import row_of
from bot.moderation.text import lines

PERSON = 900_000_000_000_000_007


class Gained(Event):
    """Somebody gained points."""

    TYPE = "level.gained"

    points: int
    who: int = 0


class Levels(Fold):
    """The sum."""

    NAME = "levels"
    EVENTS = (Gained,)
    EVERY = 10

    points: int = 0

    def apply(self, event: Event) -> Self:
        """Add."""
        assert isinstance(event, Gained)
        return self.model_copy(update={"points": self.points + event.points})


class Twice(Levels):
    """Another fold of the same events."""

    NAME = "twice"

    def apply(self, event: Event) -> Self:
        """Add twice."""
        assert isinstance(event, Gained)
        return self.model_copy(update={"points": self.points + 2 * event.points})


class Raised(Twice):
    """The sum, as another version of the program has it."""

    NAME = "levels"
    VERSION = 2


Opener = Callable[[], AbstractAsyncContextManager[EventLog]]


@pytest.fixture
def location(tmp_path: Path) -> Location:
    """Return a place for a log."""
    return Location(tmp_path / "log")


@pytest.fixture
def opened(location: Location) -> Opener:
    """Return what opens the log for the length of a ``with`` block."""
    now = count(1_700_000_000_000_000, 1_000_000)

    @asynccontextmanager
    async def opened() -> AsyncIterator[EventLog]:
        log = await open_log(location, clock=lambda: next(now), full=False)
        try:
            yield log
        finally:
            await log.close()

    return opened


@pytest.fixture
async def log(opened: Opener) -> AsyncIterator[EventLog]:
    """Return an empty log."""
    async with opened() as log:
        yield log


async def grow(own: OwnStreams, events: int, stream: str = "ada") -> None:
    """Gain one point as often as that."""
    await asyncio.gather(*(own.append(stream, Gained(points=1)) for _ in range(events)))


async def kept(log: EventLog, stream: str = "ada") -> list[int]:
    """Return the versions of the snapshots of a stream's folds."""
    sql = "SELECT n.version FROM own_snapshots n JOIN streams s ON s.id = n.stream_id WHERE s.name = ? ORDER BY 1"
    return await log.reader.connection.run(lambda raw: [version for (version,) in raw.execute(sql, (f"own:{stream}",))])


async def begins_at(log: EventLog, fold: type[Fold] = Levels, stream: str = "ada") -> int:
    """Return the version of the snapshot that a cold fold begins from."""
    return (await own_folds.load(log.reader, f"own:{stream}", fold)).snapshot_version


async def _flat(pages: AsyncIterator[list[e.Recorded]]) -> AsyncIterator[e.Recorded]:
    async for page in pages:
        for each in page:
            yield each


async def findings(log: EventLog) -> list[str]:
    """Verify the log."""
    return [str(finding) async for page in verify(log.reader) for finding in page.findings]


async def test_what_has_a_key_is_appended_once(opened: Opener) -> None:
    """Also after a restart, by two at a time, at any version, and several together."""
    async with opened() as log:
        own = OwnStreams(log)
        first = await own.append("ada", Gained(points=5), Gained(points=6), key="welcome:1")
        again = await asyncio.gather(*(own.append("ada", Gained(points=7), key="b") for _ in range(2)))
        assert first == Placed(2, (1, 2), new=True)
        assert sorted(again) == [Placed(3, (3,), new=False), Placed(3, (3,), new=True)]
        assert (await own.append("bob", Gained(points=1), key="b")).new
    async with opened() as log:
        own = OwnStreams(log)
        for expected in (None, 0, 3):
            known = await own.append(
                "ada", Gained(points=5), Gained(points=6), key="welcome:1", expected_version=expected
            )
            assert known == Placed(2, (1, 2), new=False)
        assert await own.fold("ada", Levels) == Levels(points=18)


async def test_nobody_appends_to_what_has_changed_since(log: EventLog) -> None:
    """The state and its version belong together, and the conflict names both versions."""
    own, other = OwnStreams(log), OwnStreams(log)
    assert await own.fold_at("ada", Levels) == (Levels(), 0)
    await other.append("ada", Gained(points=5), expected_version=0)
    with pytest.raises(VersionConflict, match="own:ada is at version 1, not 0"):
        await own.append("ada", Gained(points=1), expected_version=0, key="a")

    state, version = await own.fold_at("ada", Levels)
    assert (state.points, version) == (5, 1)
    assert (await own.append("ada", Gained(points=1), expected_version=version, key="a")).version == 2


def made_wrong() -> Event:
    """Return an event that was made without looking at what is in it."""
    wrong: Any = "x"
    return Gained.model_construct(points=wrong)


UNFIT: dict[str, Callable[[OwnStreams], Awaitable[object]]] = {
    "not the name of an own stream: give a name": lambda own: own.append("channel:7", Gained(points=1)),
    "one event at least": lambda own: own.append("ada"),
    "words go with a single event": lambda own: own.append("ada", *2 * [Gained(points=1)], words="hi"),
    "a subject with words": lambda own: own.append("ada", Gained(points=1), subject=7),
    "must not be empty": lambda own: own.append("ada", Gained(points=1), key=""),
    "ServerLeft is no class below bot.Event": lambda own: own.append("ada", e.ServerLeft(guild_id=1)),  # type: ignore[arg-type]
    "points .int_parsing.. Nothing was": lambda own: own.append("ada", made_wrong()),
    "a class below bot.Fold": lambda own: own.fold("ada", Fold),
    "not the name of an own stream": lambda own: own.fold("bot", Levels),
}


async def test_what_does_not_fit_changes_nothing(log: EventLog) -> None:
    """And the error says what does."""
    for told, call in UNFIT.items():
        with pytest.raises((OwnEventError, OwnFoldError), match=told):
            await call(OwnStreams(log))
    assert await log.reader.newest() == 0


async def test_two_classes_are_not_called_alike(log: EventLog) -> None:
    """But a module that was loaded anew brings the same class again."""
    own = OwnStreams(log, events=(Gained,))
    members = {
        "TYPE": "level.gained",
        "__module__": __name__,
        "__qualname__": "Gained",
        "__annotations__": {"points": int},
    }
    anew: Any = type("Gained", (Event,), members)
    await own.append("ada", anew(points=1))

    other: Any = type("Other", (Event,), {**members, "__qualname__": "Other"})
    with pytest.raises(OwnEventError, match=r"\.Gained and .*\.Other are both called level\.gained"):
        await own.append("ada", other(points=1))
    await own.fold("ada", Levels)
    with pytest.raises(OwnFoldError, match=r"\.Levels and .*\.Raised are both called levels"):
        await own.fold("ada", Raised)


async def test_snapshots_are_taken_as_events_come(opened: Opener) -> None:
    """The newest stay, each fold has its own, and a cold state begins from one."""
    async with opened() as log:
        own = OwnStreams(log)
        for _ in range(12):
            await grow(own, 5)
            await own.fold("ada", Levels)
        await grow(own, 7)
        assert await own.fold("ada", Twice) == Twice(points=134)
        await own.close()
        assert await kept(log) == [40, 50, 60, 67]
    async with opened() as log:
        assert [await begins_at(log, fold) for fold in (Levels, Twice)] == [60, 67]
        assert await OwnStreams(log).fold_at("ada", Levels) == (Levels(points=67), 67)
        assert (await log.reader.stats()).snapshots == 4
        assert await findings(log) == []


async def test_another_version_folds_anew(log: EventLog) -> None:
    """Its snapshots take the place of the older ones."""
    own = OwnStreams(log)
    await grow(own, 20)
    await own.fold("ada", Levels)
    await own.close()
    assert (await begins_at(log), await begins_at(log, Raised)) == (20, 0)

    own = OwnStreams(log)
    assert await own.fold("ada", Raised) == Raised(points=40)
    await own.close()
    assert (await begins_at(log), await begins_at(log, Raised), await kept(log)) == (0, 20, [20])


BROKEN = {
    "state": "UPDATE own_snapshots SET state = replace(state, '20', '21') WHERE version = 20",
    "digest": "UPDATE own_snapshots SET digest = x'00' WHERE version = 20",
    "version": "UPDATE own_snapshots SET version = 99 WHERE version = 20",
    "fold": "UPDATE own_snapshots SET fold = 'other' WHERE version = 20",
}


async def test_a_damaged_snapshot_is_passed_over(opened: Opener, location: Location) -> None:
    """For an older one; `verify` tells of it, and what forgets snapshots forgets these."""
    async with opened() as log:
        own = OwnStreams(log)
        for stream in BROKEN:
            for _ in range(2):
                await grow(own, 10, stream)
                await own.fold(stream, Levels)
        await own.close()
    with closing(sqlite3.connect(location.database)) as connection, connection:
        for stream, change in BROKEN.items():
            (number,) = connection.execute("SELECT id FROM streams WHERE name = ?", (f"own:{stream}",)).fetchone()
            assert connection.execute(f"{change} AND stream_id = ?", (number,)).rowcount == 1
    async with opened() as log:
        assert sorted(await findings(log)) == [
            "own:digest v20: its snapshot is damaged",
            "own:state v20: its snapshot is damaged",
            "own:version v99: there is a snapshot and no such event",
        ]
        own = OwnStreams(log)
        for stream in BROKEN:
            assert await begins_at(log, stream=stream) == 10
            assert await own.fold(stream, Levels) == Levels(points=20)
        await own.close()
        assert sum([await log.forget_snapshots(f"own:{stream}") for stream in BROKEN]) == 9
        assert (await findings(log), (await log.reader.stats()).snapshots) == ([], 0)


async def test_a_state_that_is_no_json_is_folded_anew(log: EventLog) -> None:
    """It costs time, and nothing else."""

    class Odd(Fold):
        NAME = "odd"
        EVENTS = (Gained,)
        EVERY = 1
        seen: tuple[int, ...] = ()

        def apply(self, event: Event) -> Self:
            assert isinstance(event, Gained)
            return self.model_copy(update={"seen": {*self.seen, event.points}})

    own = OwnStreams(log)
    await grow(own, 3)
    seen: Any = (await own.fold("ada", Odd)).seen
    assert seen == {1}
    await own.close()
    assert await kept(log) == []


async def test_memory_is_bounded(log: EventLog) -> None:
    """By the number of states, by their bytes, and by what waits beside one that nobody asks for."""
    own = OwnStreams(log, hot=HotFolds(most=3, most_bytes=1_000_000, most_waiting=5))
    for number in range(6):
        await own.append(str(number), Gained(points=number))
        assert await own.fold(str(number), Levels) == Levels(points=number)
    assert len(own.hot) == 3
    await grow(own, 6, "5")
    assert len(own.hot) == 2
    assert await own.fold("5", Levels) == Levels(points=11)

    small = OwnStreams(log, hot=HotFolds(most=100, most_bytes=30))
    for number in range(6):
        await small.fold(str(number), Levels)
    assert 0 < small.hot.bytes <= 30


async def test_a_state_in_memory_knows_what_others_append(log: EventLog) -> None:
    """A receipt of an erasure stands between events; an append whose caller is gone counts all the same."""
    own = OwnStreams(log)
    await own.append("ada", Gained(points=1), words="hello", subject=PERSON)
    assert await own.fold("ada", Levels) == Levels(points=1)
    await erase(log, Wanted(person_id=PERSON), e.ErasureReason.PERSON)
    await own.append("ada", Gained(points=2))
    assert await own.fold_at("ada", Levels) == (Levels(points=3), 3)

    gone = asyncio.ensure_future(own.append("ada", Gained(points=4)))
    await asyncio.sleep(0)
    gone.cancel()
    await log.probe()
    assert await own.fold_at("ada", Levels) == (Levels(points=7), 4)


async def test_a_stale_version_is_not_asked_for_again_and_again(log: EventLog) -> None:
    """Who loads the state after a conflict sees what caused it."""
    own = OwnStreams(log)
    await own.append("ada", Gained(points=1), words="hello", subject=PERSON)
    _, version = await own.fold_at("ada", Levels)
    await erase(log, Wanted(person_id=PERSON), e.ErasureReason.PERSON)
    with pytest.raises(VersionConflict):
        await own.append("ada", Gained(points=2), expected_version=version)
    _, version = await own.fold_at("ada", Levels)
    await own.append("ada", Gained(points=2), expected_version=version)


async def test_states_are_right_while_many_append(log: EventLog) -> None:
    """Each asked for by several at once, while it is loaded and after."""
    own = OwnStreams(log)

    async def one(number: int) -> int:
        placed = await own.append("ada", Gained(points=1))
        state, version = await own.fold_at("ada", Levels)
        assert state.points == version >= placed.version
        return number

    assert sum(await asyncio.gather(*map(one, range(200)))) == 199 * 100
    await own.close()


async def test_an_error_in_a_fold_leaves_the_log_as_it_was(log: EventLog) -> None:
    """It comes again until the fold is mended, and the mended one goes on."""

    class Picky(Levels):
        NAME = "picky"

        def apply(self, event: Event) -> Self:
            assert isinstance(event, Gained)
            if event.points == 13:
                raise ValueError
            return super().apply(event)

    own = OwnStreams(log)
    await own.append("ada", Gained(points=1))
    await own.fold("ada", Picky)
    await own.append("ada", Gained(points=13))
    for _ in range(2):
        with pytest.raises(OwnFoldError, match=r"picky raised ValueError for level\.gained at position 2 \(v2"):
            await own.fold("ada", Picky)
    assert await own.fold("ada", Levels) == Levels(points=14)


async def test_words_are_sealed_and_go(log: EventLog, location: Location) -> None:
    """They are no part of the event, of a state or of a snapshot; of people who opted out they are not taken."""
    own = OwnStreams(log, opted_out={8})
    placed = await own.append("ada", Gained(points=1), words=("a secret", "two"), subject=PERSON, key="t:1")
    await own.append("ada", Gained(points=1), words="not taken", subject=8)
    (position,) = placed.positions
    assert (await log.reader.bodies([position, position + 1])) == {position: e.Body(parts=("a secret", "two"))}
    assert [each.event.worded() for each in await log.reader.at([1, 2])] == [True, True]
    assert b"secret" not in location.database.read_bytes()

    erased = await erase(log, Wanted(person_id=PERSON), e.ErasureReason.PERSON)
    assert (erased.events, await log.reader.bodies([position])) == (1, {})
    assert not (await own.append("ada", Gained(points=1), words="a secret", subject=PERSON, key="t:1")).new
    assert await log.reader.bodies([position]) == {}
    assert await findings(log) == []


async def test_tools_read_own_events_without_their_class(log: EventLog) -> None:
    """An export says what they are, and is read back as it was; people see a line that they can read."""
    own = OwnStreams(log)
    await own.append("ada", Gained(points=5, who=PERSON), key="a", words="hello", subject=PERSON)
    await own.append("bob", Gained(points=PERSON))
    await own.append("bob", Gained(points=int(f"{PERSON}1")))
    events = [each async for each in log.reader.events(Query(types=(e.OwnRecorded.TYPE,)))]
    line, *_ = await lines(log.reader, events, words=True)
    shown = line.to_json()
    row = row_of(json.dumps(shown).encode())
    page = await log.reader.connection.run(partial(read_page, 0, (), 10, log.reader.vault))
    found = [each.position async for each in _flat(about(log.reader, PERSON))]

    assert found == [1, 2]
    assert page.words == {1: e.Body(parts=("hello",))}
    assert shown["data"]["data"] == {"points": 5, "who": PERSON}
    assert (row.event, row.body, row.stream) == (events[0].event, e.Body(parts=("hello",)), "own:ada")
    assert f'level.gained v1 points=5 who={PERSON}  "hello"' in line.to_text()
