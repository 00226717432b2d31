"""A log in an engine goes into a folder: whole, byte for byte, and a log of SQLite like any other from then on."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from bot.errors import KeyMismatch, LogError, LogForeign, LogLocked, LogUnwritable
from bot.eventlog import pulling
from bot.eventlog.key_file import make_key, read_key
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.eventlog.remote import following, owning
from bot.eventlog.remote.opening import Engine
from bot.eventlog.remote.port import Entry, Partition, Unsure
from tests.engines.conftest import LONG, SHORT, Made, Opener
from tests.engines.test_views import everything, stream
from tests.engines.views import Between, check, said, shown_by

Clock = Callable[[], int]


class Halting(Between):
    """An engine that is away after some records, at each reading."""

    def __init__(self, real: Partition, records: int) -> None:
        super().__init__(real)
        self.records = records
        self.read_by_now = 0

    async def _some(self, entries: AsyncGenerator[Entry, None]) -> AsyncGenerator[Entry, None]:
        async for entry in entries:
            if self.read_by_now == self.records:
                raise Unsure("ConnectionRefusedError")
            self.read_by_now += 1
            yield entry

    def read(self, seq: int, digest: bytes, place: str) -> AsyncGenerator[Entry, None]:
        """Read the first ones."""
        return self._some(super().read(seq, digest, place))


async def pulled(location: Location, partition: Partition, clock: Clock, master: bytes, takeover: float = LONG) -> int:
    """Pull the log."""
    return await pulling.pull(location, master, Engine(partition, time.monotonic, takeover), clock=clock)


@pytest.fixture
def folder(tmp_path: Path) -> Location:
    """Return a folder that is not there yet, with a key of its own."""
    return Location(tmp_path / "pulled")


async def test_what_was_pulled_is_the_log(
    opened: Opener, made: Made, folder: Location, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it took two tries, of which the second goes on; and it is a log of its own."""
    monkeypatch.setattr(following, "PAGE_BYTES", 1)
    async with opened("view") as log:
        await everything(log)
    master = read_key(tmp_path / "vault.key")
    with pytest.raises(LogUnwritable, match="ConnectionRefusedError"):
        await pulled(folder, Halting(made(), 4), clock, master)
    with pytest.raises(LogForeign, match="kept in an engine"):
        await open_log(folder, clock=clock)
    again = Halting(made(), 1000)
    count = await pulled(folder, again, clock, master)

    view, copy = (shown_by(path, "records", "erasing") for path in (tmp_path / "view/events.db", folder.database))
    assert view == copy
    assert count == len(copy["events"])
    # The first claim tells which log it is; after that only what the folder lacked is read.
    assert again.read_by_now == 1 + len(shown_by(tmp_path / "view/events.db")["records"]) + 1 - 3
    log = await open_log(folder, clock=clock, full=False)
    await check(log)
    assert (await log.append(stream(1), [said(11)])).known
    await log.append(stream(1), [said(5000)])
    await check(log)
    await log.close()
    with pytest.raises(LogError, match="holds a log already"):
        await pulled(folder, made(), clock, master)
    async with opened("view") as log:
        assert (await log.append(stream(1), [said(11)])).known


async def test_nothing_is_pulled_from_a_bot_that_runs(
    opened: Opener, made: Made, folder: Location, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where one is started meanwhile: the copy would be another log than the one in the engine."""
    async with opened("view", takeover=SHORT) as log:
        await log.append(stream(1), [said(1)])
        with pytest.raises(LogLocked, match=r"owns the log in .*, and lives"):
            await pulled(folder, made(), clock, read_key(tmp_path / "vault.key"))
    with monkeypatch.context() as patched:
        engine = made()
        beats = iter((b"", b"a new owner"))
        patched.setattr(engine, "beats", lambda: _answer(next(beats)))
        patched.setattr(owning.Taking, "until_free", lambda *_given: _answer(None))
        with pytest.raises(LogLocked, match=r"was started on the log in .* meanwhile"):
            await pulled(folder, engine, clock, read_key(tmp_path / "vault.key"))
    assert await pulled(folder, made(), clock, read_key(tmp_path / "vault.key")) == 1


async def _answer(value: bytes | None) -> bytes | None:
    return value


async def test_what_is_no_place_for_a_copy_is_refused(
    opened: Opener, made: Made, folder: Location, clock: Clock, tmp_path: Path
) -> None:
    """An empty engine, another key, a folder with a log or with a bot's view: all are left as they are."""
    make_key(tmp_path / "another.key")
    with pytest.raises(LogError, match="There is no log in"):
        await pulled(folder, made(), clock, read_key(tmp_path / "another.key"))
    async with opened("view"):
        pass
    with pytest.raises(KeyMismatch):
        await pulled(folder, made(), clock, read_key(tmp_path / "another.key"))
    assert not folder.database.exists()
    assert not folder.key_path.exists()
    plain = await open_log(Location(tmp_path / "plain"), clock=clock, full=False)
    await plain.close()
    for name in ("plain", "view"):
        with pytest.raises(LogError, match="holds a log already"):
            await pulled(Location(tmp_path / name), made(), clock, read_key(tmp_path / "vault.key"))
