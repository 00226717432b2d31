"""New keys for a log in an engine: every folder goes on with them, wherever and whenever it was done or interrupted."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.errors import KeyMismatch, LogForeign
from bot.eventlog import rekeying_engine
from bot.eventlog.key_file import read_key
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.rekeying import relink
from bot.eventlog.remote.opening import Engine
from bot.eventlog.remote.port import NOTHING, Partition
from bot.eventlog.remote.record import unpack_words
from tests.engines.conftest import LONG, SHORT, Made, Opener
from tests.engines.test_comparing import compared
from tests.engines.test_owning import kept
from tests.engines.test_pull import pulled
from tests.engines.test_views import stream
from tests.engines.views import Between, check, erased, said, shown_by

Clock = Callable[[], int]


class Killed(BaseException):
    """The process ends here."""


class Dying(Between):
    """An engine whose process is killed after so many of its changes were kept, counted from its last claim on."""

    def __init__(self, real: Partition, after: int) -> None:
        super().__init__(real)
        self.left = after + 1  # the claim by which the command begins

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Append, and die perhaps."""
        place = await super().append(seq, facts, words)
        self._step()
        return place

    async def rewrite(self, seq: int, place: str, before: bytes, after: bytes | None) -> bool:
        """Rewrite, and die perhaps."""
        done = await super().rewrite(seq, place, before, after)
        if done:
            self._step()
        return done

    def _step(self) -> None:
        self.left -= 1
        if not self.left:
            raise Killed


class Slow(Between):
    """An engine whose process is killed while the second of its records is on its way, which is kept later."""

    on_its_way: tuple[int, bytes, bytes | None] | None = None

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Append the first one."""
        if self.appended:
            self.on_its_way = (seq, facts, words)
            raise Killed
        return await super().append(seq, facts, words)


class Late(Between):
    """An engine that keeps what was on its way just before the first record of the next process."""

    def __init__(self, real: Partition, slow: Slow) -> None:
        super().__init__(real)
        self.slow = slow

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Append, after what was on its way."""
        if self.slow.on_its_way is not None:
            await self.real.append(*self.slow.on_its_way)
            self.slow.on_its_way = None
        return await super().append(seq, facts, words)


@pytest.fixture
def here(tmp_path: Path) -> Location:
    """Return the folder in which keys are changed, with a key file of its own."""
    return Location(tmp_path / "here", key_file=tmp_path / "here.key")


def engine_of(partition: Partition, takeover: float = LONG) -> Engine:
    """Return the engine, taken as the command line does."""
    return Engine(partition, time.monotonic, takeover)


async def filled(opened: Opener, here: Location, tmp_path: Path) -> None:
    """Make a log with two folders, of which each has a key file."""
    async with opened("there") as log:
        for number in (1, 2, 3):
            await log.append(stream(number), [said(number), said(10 + number)])
        await log.append(stream(1), [erased((2, 2))])
        assert await log.empty_wal()
    async with opened("behind"):
        pass
    shutil.copy(tmp_path / "vault.key", here.key_path)


async def readable(log: EventLog) -> int:
    """Hold a log to its chain and its words; return how many events have words."""
    await check(log)
    return (await log.reader.stats()).bodies


async def heads(partition: Partition) -> set[bytes]:
    """Return how the seals in the engine begin."""
    return {
        sealed[:3]
        async for entry in partition.read(0, NOTHING, "")
        for _, _, sealed in unpack_words(entry.seq, entry.words).values()
    }


async def test_a_log_gets_another_master_key(
    opened: Opener, made: Made, here: Location, clock: Clock, tmp_path: Path
) -> None:
    """Folders that are there and new ones go on with the new key, and with no other."""
    await filled(opened, here, tmp_path)
    await rekeying_engine.rotate(here, engine_of(made()), clock=clock)

    assert read_key(here.key_path) != read_key(here.old_key_path)
    before = await kept(made)
    for name in ("there", "new"):
        with pytest.raises(KeyMismatch):
            async with opened(name):
                pass
    assert before == await kept(made)
    shutil.copy(here.key_path, tmp_path / "vault.key")
    for name in ("there", "behind", "newer"):
        async with opened(name) as log:
            assert await readable(log) == 5
    log = await open_log(here, clock=clock, full=False, engine=engine_of(made()))
    assert await readable(log) == 5
    await log.close()
    _, found = await compared(here.folder, made())
    assert found == []
    await pulled(Location(tmp_path / "pulled"), made(), clock, read_key(here.key_path))


async def test_the_key_may_come_from_the_environment(
    opened: Opener, made: Made, here: Location, clock: Clock, tmp_path: Path
) -> None:
    """Then the new one waits in a file for whoever puts it there."""
    await filled(opened, here, tmp_path)
    given = Location(here.folder, key=read_key(here.key_path), key_file=here.key_file)
    await rekeying_engine.rotate(given, engine_of(made()), clock=clock)

    with pytest.raises(KeyMismatch):
        await open_log(given, clock=clock, engine=engine_of(made()))
    given = Location(here.folder, key=read_key(here.next_key_path), key_file=here.key_file)
    log = await open_log(given, clock=clock, full=False, engine=engine_of(made()))
    assert await readable(log) == 5
    await log.close()


async def test_words_are_sealed_anew_everywhere(
    opened: Opener, made: Made, here: Location, clock: Clock, tmp_path: Path
) -> None:
    """In the engine, in this folder, in others when they follow, and erased words stay so; twice, as with new words."""
    await filled(opened, here, tmp_path)
    async with opened("there") as log:
        await log.append(stream(4), [said(41), said(42), erased((4, 4))])
    for key in (2, 3):
        before = shown_by(tmp_path / "there/events.db")["events"]
        renewed = await rekeying_engine.renew(here, engine_of(made()), clock=clock)
        assert renewed == sum(row[-1] is not None for row in before)
        partition = made()
        assert await heads(partition) == {bytes((2, 0, key))}
        await partition.close()
        async with opened("there") as log:
            assert await readable(log) == renewed
            await log.append(stream(5), [said(50 + key)])
        async with opened(f"new-{key}"):
            pass
        log = await open_log(here, clock=clock, full=False, engine=engine_of(made()))
        await log.close()
    async with opened("there"), opened("behind", force=True, takeover=SHORT):
        pass
    async with opened("there"), opened("new-2", force=True, takeover=SHORT):
        pass
    first, *others = [shown_by(tmp_path / name / "events.db", "meta") for name in ("there", "behind", "new-2")]
    assert first["events"] == others[0]["events"] == others[1]["events"]
    assert {row[0] for row in first["keys"]} == {1, 3}
    _, found = await compared(tmp_path / "there", made())
    assert found == []


async def test_a_kill_while_words_are_sealed_anew_loses_nothing(
    opened: Opener, made: Made, here: Location, clock: Clock, tmp_path: Path
) -> None:
    """Whichever change it had got to; it goes on from there, or from another machine."""
    await filled(opened, here, tmp_path)
    there = Location(tmp_path / "there", key_file=tmp_path / "vault.key")
    partition = made()
    for begun in ({1}, {1, 2}, {1, 2}, {2}, {2}):
        with pytest.raises(Killed):
            await rekeying_engine.renew(here, engine_of(Dying(made(), 1), SHORT), clock=clock)
        assert await heads(partition) == {bytes((2, 0, key)) for key in begun}
        log = await open_log(there, clock=clock, full=False, engine=engine_of(made(), SHORT))
        assert await readable(log) == 5
        await log.close()
        here, there = there, here
    assert await rekeying_engine.renew(here, engine_of(made(), SHORT), clock=clock) == 5
    assert await heads(partition) == {bytes((2, 0, 3))}
    await partition.close()
    _, found = await compared(here.folder, made())
    assert found == []


async def test_a_kill_while_the_key_is_rotated_loses_nothing(
    opened: Opener, made: Made, here: Location, clock: Clock, tmp_path: Path
) -> None:
    """The engine has the new keys and the folder does not know: it must not forget the file with the new key."""
    await filled(opened, here, tmp_path)
    with pytest.raises(Killed):
        await rekeying_engine.rotate(here, engine_of(Dying(made(), 1)), clock=clock)
    new = read_key(here.next_key_path)

    log = await open_log(here, clock=clock, full=False, engine=engine_of(made(), SHORT))
    assert await readable(log) == 5
    await log.close()
    assert read_key(here.key_path) == new
    assert not here.next_key_path.exists()


async def test_new_keys_that_are_kept_late_lose_nothing(
    opened: Opener, made: Made, here: Location, clock: Clock, tmp_path: Path
) -> None:
    """The file with the new key stays until no record of before can come any more."""
    await filled(opened, here, tmp_path)
    slow = Slow(made())
    with pytest.raises(Killed):
        await rekeying_engine.rotate(here, engine_of(slow), clock=clock)
    new = read_key(here.next_key_path)

    log = await open_log(here, clock=clock, full=False, engine=engine_of(Late(made(), slow), SHORT))
    assert await readable(log) == 5
    await log.close()
    assert read_key(here.key_path) == new


async def test_events_can_not_be_bound_anew(opened: Opener, clock: Clock, tmp_path: Path) -> None:
    """It says how they can."""
    async with opened("here"):
        pass
    with pytest.raises(LogForeign, match="echoless log pull"):
        relink(Location(tmp_path / "here", key_file=tmp_path / "vault.key"), clock=clock)
