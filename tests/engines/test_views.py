"""A log in an engine, and its view: byte for byte the same wherever it is made, and nothing in it that is not kept."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from bot.errors import LogUnwritable
from bot.eventlog.batch import COLUMNS, Appended
from bot.eventlog.log import EventLog
from bot.eventlog.remote import appending, erasing, following
from bot.eventlog.remote.port import NOTHING, Entry, Partition, Unsure
from bot.eventlog.remote.record import Kind, Rows, facts_of_rows, unpack_words
from tests.engines.conftest import SHORT, Made, Opener
from tests.engines.views import (
    Away,
    Between,
    Seen,
    Swallowing,
    asked,
    check,
    erased,
    given_up,
    refuses,
    remote,
    said,
    shown_by,
)
from tests.waiting import eventually


def stream(number: int) -> str:
    """Name a channel's stream."""
    return f"channel:{number}"


async def everything(log: EventLog) -> None:
    """Do whatever a log does: many at once, known keys, work that is done, words that are erased, snapshots."""
    await asyncio.gather(*(log.append(stream(each), [said(each * 10), asked(each * 10)]) for each in range(1, 40)))
    await asyncio.gather(*(log.append(stream(each), [given_up(each * 10)]) for each in range(1, 20)))
    await asyncio.gather(*(log.finish(stream(each), 3) for each in range(1, 20)))
    recorded = await log.append(stream(1), [said(11), said(12, "x" * 5000)])
    assert (await log.append(stream(1), [said(11)])).known[0].position == recorded.new[0].position
    await log.save_snapshot(stream(1), (await log.reader.load(stream(1))).state)
    await log.append(stream(1), [said(13), erased((1, 4))])
    await log.append(stream(2), [erased((1, 1))])
    assert await log.empty_wal()
    await log.note("beside", b"the events")
    await check(log)


async def test_a_folder_is_made_anew_from_the_engine(opened: Opener, tmp_path: Path) -> None:
    """Byte for byte as it was, whether at once or after the other one."""
    async with opened("one") as log:
        await everything(log)
    async with opened("other") as log:
        await check(log)
        await log.append(stream(3), [said(31), asked(31)])
    async with opened("one") as log:
        assert await log.reader.head(stream(3)) == 5
    async with opened("other"), opened("third", force=True, takeover=SHORT):
        pass
    async with opened("other"):
        pass
    async with opened("one"):
        first, second, third = (shown_by(tmp_path / name / "events.db") for name in ("one", "other", "third"))
        assert first == second
        assert first == {**third, "meta": first["meta"]}
        assert len(first["events"]) == 39 * 2 + 19 + 2 + 2 + 1 + 2
        assert len(first["unfinished"]) == 21
        assert first["erasing"] == []


class Breaking(Between):
    """An engine that is away after a few records of what is read."""

    async def read(self, seq: int, digest: bytes, place: str) -> AsyncGenerator[Entry, None]:
        """Read as far as it goes."""
        left = 6
        async with aclosing(self.real.read(seq, digest, place)) as entries:
            async for entry in entries:
                if seq or entry.seq > 1:  # the first look is for the claim with which the log begins
                    left -= 1
                if not left:
                    raise Unsure("ConnectionResetError")
                yield entry


async def test_a_folder_that_is_half_made_goes_on(
    opened: Opener, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was read before the engine went away is written, page by page, and nothing is read twice."""
    async with opened("one") as log:
        for number in range(1, 10):
            await log.append(stream(number % 2), [said(number), asked(number)])
            await log.append(stream(number % 2), [given_up(number)])
            await log.finish(stream(number % 2), await log.reader.head(stream(number % 2)))
        await log.append(stream(3), [said(99)])
    monkeypatch.setattr(following, "PAGE_BYTES", 1)
    for _ in range(3):
        with pytest.raises(LogUnwritable, match="ConnectionResetError"):
            async with opened("other", through=Breaking):
                pass
    assert len(shown_by(tmp_path / "other/events.db")["records"]) == 15
    async with opened("other") as log:
        await check(log)
    whole = shown_by(tmp_path / "other/events.db")
    assert whole == {**shown_by(tmp_path / "one/events.db"), "meta": whole["meta"]}
    monkeypatch.undo()
    async with opened("third"):
        pass
    assert whole == {**shown_by(tmp_path / "third/events.db"), "meta": whole["meta"]}


async def test_a_commit_too_large_for_a_record_goes_in_parts(opened: Opener, tmp_path: Path) -> None:
    """And comes back whole."""

    def small(real: Partition) -> Between:
        between = Between(real)
        between.limit = 6000
        return between

    async with opened("one", through=small) as log:
        await everything(log)
    async with opened("other"):
        pass
    assert shown_by(tmp_path / "one/events.db") == shown_by(tmp_path / "other/events.db")
    assert len(shown_by(tmp_path / "one/events.db")["records"]) > 15


async def test_parts_without_their_end_come_to_nothing(opened: Opener, made: Made) -> None:
    """Their owner died before the last one, and the next claim voids them."""
    async with opened("one") as log:
        await log.append(stream(1), [said(1)])
        mark = remote(log).follower.mark
        sql = f"SELECT {', '.join(COLUMNS[:-2])}, NULL, 0 FROM events"  # noqa: S608 - constants
        (values,) = await log._writer.write(lambda raw: raw.execute(sql).fetchall())
    partition = made()
    part = facts_of_rows(Kind.PART, mark.owner, mark.digest, Rows([2, values[1], 2, *values[3:]]))
    await partition.append(mark.seq + 1, part, None)
    await partition.close()

    for name in ("one", "other"):
        async with opened(name) as log:
            assert (await log.reader.stats()).events == 1
    async with opened("one") as log:
        assert (await log.append(stream(1), [said(2)])).new[0].position == 2
        await check(log)
    async with opened("other") as log:
        await check(log)


async def test_a_repeated_key_is_refused_before_anything_is_kept(opened: Opener) -> None:
    """The engine sees nothing of it."""
    counted = Seen(Between)
    async with opened(through=counted) as log:
        await log.append(stream(1), [said(1)])
        before = counted.one.appended
        assert (await log.append(stream(1), [said(1)])).known
        await log.finish(stream(1), 1)
        assert counted.one.appended == before


async def test_what_comes_while_a_record_is_under_way_goes_together(opened: Opener) -> None:
    """One record at a time is on its way, so that a long way makes records larger, and not more of them."""
    counted = Seen(Between)
    async with opened(through=counted) as log:
        await asyncio.gather(*(log.append(stream(each), [said(each)]) for each in range(1, 80)))
        before = counted.one.appended
        first = log.append_units(stream(1), [[said(101)]])
        for _turn in range(2):
            await asyncio.sleep(0)
        others = [log.append_units(stream(each), [[said(100 + each)]]) for each in range(2, 80)]
        assert len(log._writer._flying) == 1
        positions = [each.new[0].position for (each,) in await asyncio.gather(first, *others)]
        assert positions == list(range(80, 159))
        assert counted.one.appended == before + 2


async def test_lost_answers_lose_and_double_nothing(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes again, until it is certain."""
    monkeypatch.setattr(appending, "LONGEST_PAUSE", 0.001)
    lying = Seen(Swallowing)
    async with opened(through=lying) as log:
        for number in range(12):
            appended = await asyncio.gather(*(log.append(stream(each), [said(number)]) for each in range(1, 20)))
            assert all(len(each.new) == 1 for each in appended)
        await check(log)
        assert lying.one.swallowed > 5
        assert (await log.reader.stats()).events == 12 * 19
    async with opened("other") as log:
        assert (await log.reader.stats()).events == 12 * 19


async def test_while_the_engine_is_away_callers_wait(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said why, and nobody reads what is not kept."""
    monkeypatch.setattr(appending, "LONGEST_PAUSE", 0.01)
    engine = Seen(Away)
    async with opened(through=engine, takeover=SHORT) as log:
        await log.append(stream(1), [said(1)])
        engine.one.away = True
        waiting = asyncio.create_task(log.append(stream(1), [said(2)]))
        await eventually(lambda: engine.one.refused > 3)
        assert "PostgreSQL, which keeps the log, can't be used (ConnectionRefusedError)" in log.trouble
        assert not waiting.done()
        assert await log.reader.head(stream(1)) == 1
        await eventually(lambda: not log.is_owner())

        engine.one.away = False
        assert (await waiting).new[0].version == 2
        await eventually(log.is_owner)
        assert log.trouble == ""


async def test_a_bot_that_stops_does_not_wait_for_ever(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """What becomes of the last events is unknown, and the next start finds out."""
    monkeypatch.setattr(appending, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(appending, "PATIENCE", 0.05)
    engine = Seen(Away)
    async with opened(through=engine) as log:
        await log.append(stream(1), [said(1)])
        engine.one.away = True
        waiting = asyncio.create_task(log.append(stream(1), [said(2)]))
        await eventually(lambda: engine.one.refused)
        log.hurry()
        with pytest.raises(LogUnwritable, match="nobody knows whether"):
            await waiting
        assert "nobody knows whether" in str(await log.lost())
        with pytest.raises(LogUnwritable, match="nobody knows whether"):
            await log.append(stream(2), [said(3)])
        engine.one.away = False
    async with opened() as log:
        assert (await log.append(stream(1), [said(2)])).new[0].version == 2


async def test_what_is_kept_and_not_shown_is_caught_up(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local commit failed after the engine had the record: callers are refused, and find it there."""
    commit = appending._commit

    def failing(*_given: object) -> None:
        monkeypatch.setattr(appending, "_commit", commit)
        raise sqlite3.OperationalError("database or disk is full")

    async with opened("one") as log:
        await log.append(stream(1), [said(1)])
        monkeypatch.setattr(appending, "_commit", failing)
        refused, behind = await asyncio.gather(
            log.append(stream(1), [said(2)]), log.append(stream(2), [said(3)]), return_exceptions=True
        )
        assert isinstance(refused, LogUnwritable)
        assert isinstance(behind, Appended)
        assert behind.new[0].position == 3
        again, other = await asyncio.gather(log.append(stream(1), [said(2)]), log.append(stream(4), [said(4)]))
        assert again.known[0].version == 2
        assert other.new[0].position == 4
        await check(log)
    async with opened("other") as log:
        assert (await log.reader.stats()).events == 4


async def test_work_that_is_done_is_told_once(opened: Opener, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Told again after the local commit had failed, it would hide work that came meanwhile."""
    commit = appending._commit

    def failing(*_given: object) -> None:
        monkeypatch.setattr(appending, "_commit", commit)
        raise sqlite3.OperationalError("database or disk is full")

    async with opened("one") as log:
        await log.append(stream(1), [said(1), asked(1)])
        await log.append(stream(1), [given_up(1)])
        await log.finish(stream(1), 3)
        monkeypatch.setattr(appending, "_commit", failing)
        with pytest.raises(LogUnwritable):
            await log.append(stream(1), [said(2), asked(2)])
        await log.append(stream(2), [said(3)])
        await check(log)
    async with opened("other") as log:
        assert await log.reader.unfinished() == [stream(1)]
    assert shown_by(tmp_path / "one/events.db") == {**shown_by(tmp_path / "other/events.db")}


async def test_erased_words_go_from_the_engine(opened: Opener, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where the process died after the event, and before the words were gone; nothing else goes."""
    monkeypatch.setattr(appending, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(erasing, "PATIENCE", 0.05)
    engine = Seen(Away)
    async with opened(through=engine) as log:
        await asyncio.gather(*(log.append(stream(each), [said(each), said(100 + each)]) for each in (1, 2)))
        held = await words_of(engine.one, 2)
        assert held is not None
        assert len(unpack_words(2, held)) == 4
        monkeypatch.setattr(Away, "rewrite", refuses)
        await log.append(stream(1), [said(4), erased((1, 1), (3, 3))])
        assert not await log.empty_wal()
    assert shown_by(tmp_path / "view/events.db")["erasing"] == [(2,), (3,)]
    monkeypatch.undo()
    async with opened(through=engine) as log:
        assert await log.empty_wal()
        left = await words_of(engine.one, 2)
        assert left is not None
        assert {1, 2, 3} == set(unpack_words(2, left))
        assert {index: words for index, words in unpack_words(2, held).items() if index} == unpack_words(2, left)
        assert await words_of(engine.one, 3) is None
        await check(log)


async def words_of(partition: Partition, seq: int) -> bytes | None:
    """Return the words of a record."""
    (place,) = [entry.place async for entry in partition.read(0, NOTHING, "") if entry.seq == seq]
    return await partition.words(seq, place)


class Interrupted(Between):
    """An engine that is asked for words while somebody erases more of them."""

    def __init__(self, real: Partition) -> None:
        super().__init__(real)
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def words(self, seq: int, place: str) -> bytes | None:
        """Return words, once it may."""
        found = await super().words(seq, place)
        self.asked.set()
        await self.go_on.wait()
        return found


async def test_words_that_are_erased_meanwhile_go_too(opened: Opener) -> None:
    """Two erasures may be of one record, and the second may come while the first goes from the engine."""
    engine = Seen(Interrupted)
    async with opened(through=engine) as log:
        await log.append(stream(1), [said(1), said(2), said(3)])
        await log.append(stream(1), [erased((1, 1))])
        await engine.one.asked.wait()
        await log.append(stream(1), [erased((2, 2))])
        engine.one.go_on.set()
        assert await log.empty_wal()
        left = await words_of(engine.one.real, 2)
        assert left is not None
        assert {2} == set(unpack_words(2, left))


async def test_time_does_not_go_back_with_another_host(opened: Opener) -> None:
    """The clock of the owner before was ahead."""
    async with opened("one", clock=lambda: 9) as log:
        before = (await log.append(stream(1), [said(1)])).new[0].recorded_at
    async with opened("other", clock=lambda: 5) as log:
        assert (await log.append(stream(1), [said(2)])).new[0].recorded_at == before
