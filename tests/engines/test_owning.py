"""One process owns a log in an engine, and a folder shows one log: whatever else is refused, and says what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.errors import KeyMismatch, LogDamaged, LogFenced, LogForeign, LogIncomplete, LogLocked
from bot.eventlog import forms
from bot.eventlog.backup import take
from bot.eventlog.key_file import make_key, read_key
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.eventlog.rekeying import renew, rotate
from bot.eventlog.remote.port import NOTHING, Partition
from bot.eventlog.restoring import restore
from tests.engines.conftest import SHORT, Made, Opener, execute
from tests.engines.views import Between, check, remote, said, shown_by

CHANNEL = "channel:1"


async def kept(made: Made) -> list[bytes]:
    """Return the facts of all records."""
    partition = made()
    await partition.open()
    found = [entry.facts async for entry in partition.read(0, NOTHING, "")]
    await partition.close()
    return found


async def test_who_is_replaced_appends_nothing_more(opened: Opener, made: Made) -> None:
    """And is told, at its next append or by the signs of life of its successor."""
    async with opened("one") as one, opened("other", force=True, takeover=SHORT) as other:
        before = len(await kept(made))
        with pytest.raises(LogFenced, match="Another process has taken over"):
            await one.append(CHANNEL, [said(1)])
        with pytest.raises(LogFenced):
            await one.append("bot", [said(2)])
        assert isinstance(await one.lost(), LogFenced)
        assert not one.is_owner()
        assert before == len(await kept(made))
        assert (await other.append(CHANNEL, [said(1)])).new[0].position == 1
        assert other.is_owner()
    async with opened("one") as one:
        assert (await one.append(CHANNEL, [said(1)])).known


async def test_who_is_replaced_while_it_says_nothing_is_told(opened: Opener) -> None:
    """It would go on answering otherwise."""
    async with opened("one", takeover=SHORT) as one, opened("other", force=True, takeover=SHORT):
        assert isinstance(await one.lost(), LogFenced)


async def test_an_owner_that_lives_is_not_replaced_by_mistake(opened: Opener) -> None:
    """Whoever wants that says so; whoever left is replaced at once."""
    async with opened("one", takeover=SHORT):
        with pytest.raises(LogLocked, match="--take-over"):
            async with opened("other"):
                pass
        with pytest.raises(LogLocked, match="belongs to process"):
            async with opened("one", force=True):
                pass
    async with opened("other"):
        pass


class Overtaken(Between):
    """An engine in which another process is the first to append."""

    def __init__(self, real: Partition, other: Callable[[], Awaitable[None]]) -> None:
        super().__init__(real)
        self._other: Callable[[], Awaitable[None]] | None = other

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Append, after the other process."""
        other, self._other = self._other, None
        if other:
            await other()
        return await super().append(seq, facts, words)


async def test_of_two_that_begin_a_log_at_once_the_second_shows_the_log_of_the_first(
    opened: Opener, tmp_path: Path
) -> None:
    """Both had made a folder for a new log before there was any claim."""

    async def begin() -> None:
        async with opened("other") as other:
            await other.append(CHANNEL, [said(1)])

    async with opened("one", through=lambda real: Overtaken(real, begin)) as one:
        assert (await one.append(CHANNEL, [said(2)])).new[0].position == 2
        await check(one)
    async with opened("one") as one:
        await check(one)
    async with opened("other"):
        pass
    assert shown_by(tmp_path / "one/events.db") == shown_by(tmp_path / "other/events.db")


async def test_a_dead_owner_is_replaced(opened: Opener, made: Made) -> None:
    """Its sign of life stands still."""
    async with opened("one") as one:
        await one.append(CHANNEL, [said(1)])
        beat = remote(one).owner + bytes(8)
    partition = made()
    await partition.open()
    await partition.beat(beat)
    await partition.close()
    async with opened("other", takeover=SHORT) as other:
        assert (await other.append(CHANNEL, [said(2)])).new[0].position == 2


@pytest.mark.parametrize("name", ["one", "other"])
async def test_a_folder_of_another_log_is_refused(opened: Opener, made: Made, dsn: str, name: str) -> None:
    """As where the wrong database was named, or an older copy of it."""
    async with opened("one") as one:
        await one.append(CHANNEL, [said(1)])
    await execute(dsn, "DELETE FROM echoless_log" if name == "other" else "DELETE FROM echoless_log WHERE seq = 2")
    before = len(await kept(made))
    with pytest.raises(LogIncomplete, match="goes up to record 2 of a log in PostgreSQL"):
        async with opened("one"):
            pass
    assert before == len(await kept(made))
    if name == "other":
        async with opened("other"):
            pass
        with pytest.raises(LogIncomplete):
            async with opened("one"):
                pass


async def test_changed_records_are_told(opened: Opener, dsn: str) -> None:
    """They do not follow each other any more."""
    async with opened("one") as one:
        for number in range(3):
            await one.append(CHANNEL, [said(number)])
    await execute(dsn, "UPDATE echoless_log SET facts = facts || '\\x00' WHERE seq = 2")
    with pytest.raises(LogDamaged, match="Record 2"):
        async with opened("other"):
            pass
    async with opened("one"):
        pass


async def test_a_record_that_was_kept_and_is_gone_ends_the_owner(opened: Opener, dsn: str) -> None:
    """As after a failover to a copy that lagged behind: appending would leave a gap."""
    async with opened("one") as one:
        await one.append(CHANNEL, [said(1)])
        await execute(dsn, "DELETE FROM echoless_log WHERE seq = 2")
        with pytest.raises(LogDamaged, match="does not hold record 2 any more"):
            await one.append(CHANNEL, [said(2)])
        with pytest.raises(LogDamaged, match="any more"):
            await one.append(CHANNEL, [said(3)])


async def test_no_key_is_made_for_a_log_that_exists(opened: Opener, tmp_path: Path) -> None:
    """Without its own the folder stays empty, and so it does with another one."""
    async with opened("one") as one:
        await one.append(CHANNEL, [said(1)])
    (tmp_path / "vault.key").rename(tmp_path / "kept")
    with pytest.raises(KeyMismatch, match="missing"):
        async with opened("other"):
            pass
    make_key(tmp_path / "vault.key")
    with pytest.raises(KeyMismatch, match="not the one"):
        async with opened("other"):
            pass
    assert not (tmp_path / "other/events.db").exists()
    (tmp_path / "kept").replace(tmp_path / "vault.key")
    async with opened("other") as other:
        body = (await other.reader.bodies([1]))[1]
        assert body is not None
        assert body.parts == ("hello",)


async def test_a_log_is_either_in_its_folder_or_in_an_engine(
    opened: Opener, clock: Callable[[], int], tmp_path: Path
) -> None:
    """What would make two of one is refused, and changes nothing."""
    async with opened("view"):
        pass
    view = Location(tmp_path / "view", key_file=tmp_path / "vault.key")
    for refused in (rotate, renew):
        with pytest.raises(LogForeign, match="kept in an engine"):
            refused(view, clock=clock)
    with pytest.raises(LogForeign, match="kept in an engine"):
        await open_log(view, clock=clock)
    plain = await open_log(Location(tmp_path / "plain", key_file=tmp_path / "vault.key"), clock=clock, full=False)
    await plain.close()
    with pytest.raises(LogForeign, match="holds a log of its own"):
        async with opened("plain"):
            pass


async def test_a_backup_of_a_view_is_restored_as_a_log_of_its_own(
    opened: Opener, clock: Callable[[], int], tmp_path: Path
) -> None:
    """So nobody is bound to an engine, nor lost with it."""
    async with opened("view") as log:
        await log.append(CHANNEL, [said(1)])
        view = Location(tmp_path / "view", key_file=tmp_path / "vault.key")
        take(view.database, tmp_path / "backup.db", vault=None, release="test", now=clock())
    restored = Location(tmp_path / "restored", key_file=tmp_path / "vault.key")
    await restore(tmp_path / "backup.db", restored, read_key(view.key_path), clock=clock)
    log = await open_log(restored, clock=clock, full=False)
    assert (await log.append(CHANNEL, [said(1)])).known
    await check(log)
    await log.close()


async def test_what_a_newer_release_may_have_written_is_refused(
    opened: Opener, monkeypatch: pytest.MonkeyPatch, made: Made
) -> None:
    """Before the log is claimed."""
    newer = {**forms.written(), "message.received": 99}
    with monkeypatch.context() as patched:
        patched.setattr(forms, "written", lambda: newer)
        patched.setattr(forms, "known", lambda: newer)
        async with opened("one"):
            pass
    before = len(await kept(made))
    with pytest.raises(LogForeign, match=r"message.received v99"):
        async with opened("other"):
            pass
    assert before == len(await kept(made))
