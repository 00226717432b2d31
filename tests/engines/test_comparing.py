"""``echoless log verify`` on a view: folder and engine are one chain, or it says where they are not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.log import verify
from bot.errors import LogError
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.eventlog.remote.comparing import Comparison
from bot.eventlog.remote.port import Partition
from tests.engines.conftest import SHORT, Made, Opener, execute
from tests.engines.test_views import everything, stream
from tests.engines.views import Between, Seen, erased, refuses, said


async def compared(folder: Path, partition: Partition) -> tuple[Comparison, list[str]]:
    """Compare a view with its engine; return the findings too."""
    await partition.open()
    reader = await open_reader(Location(folder), words=False)
    try:
        comparison = Comparison(partition, reader.connection)
        return comparison, [finding.problem async for _, found in comparison.run() for finding in found]
    finally:
        await reader.close()
        await partition.close()


async def test_a_view_is_one_chain_with_its_engine(
    opened: Opener, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its bot runs, when it is behind, and where erased words have still to go."""
    engine = Seen(Between)
    async with opened("view", through=engine) as log:
        await everything(log)
        comparison, found = await compared(tmp_path / "view", made())
        assert found == []
        assert comparison.records == engine.one.appended
        monkeypatch.setattr(engine.one, "rewrite", refuses)
        await log.append(stream(3), [said(31), said(32), erased((4, 5))])
        comparison, found = await compared(tmp_path / "view", made())
        assert found == []
        assert comparison.unerased == 2
        assert comparison.newer == 0
    async with opened("other") as log:
        await log.append(stream(3), [erased((1, 1))])
        assert await log.empty_wal()
    comparison, found = await compared(tmp_path / "view", made())
    assert found == []
    assert comparison.newer == 2


def flipped(byte: int, seq: int) -> str:
    """Return a change of one byte of a record."""
    change = f"set_byte(facts, {byte}, 255 - get_byte(facts, {byte}))"
    return f"UPDATE echoless_log SET facts = {change} WHERE seq = {seq}"  # noqa: S608 - constants


CHANGES = {
    "UPDATE echoless_log SET words = NULL WHERE seq = 2": "PostgreSQL has lost the words of event 1",
    "UPDATE echoless_log SET words = (SELECT words FROM echoless_log WHERE seq = 2) WHERE seq = 3": (
        "the words of event 2 are others in PostgreSQL"
    ),
    "UPDATE echoless_log SET words = (SELECT words FROM before WHERE seq = 4) WHERE seq = 4": (
        "PostgreSQL still holds the words of event 3, which are erased here"
    ),
    "UPDATE echoless_log SET facts = facts || '\\x00' WHERE seq = 3": "Record 3 of the log in the engine can't be read",
    flipped(6, seq=3): "of a process that was not the owner",
    flipped(22, seq=3): "does not follow the one before it",
    flipped(6, seq=5): "is another one than the record 5",
    "DELETE FROM echoless_log WHERE seq > 3": "it goes up to record 5, and PostgreSQL only to 3",
    "DELETE FROM echoless_log": "it goes up to record 5, and PostgreSQL only to 0",
}


async def test_what_was_changed_in_the_engine_is_found(opened: Opener, made: Made, dsn: str, tmp_path: Path) -> None:
    """Whatever it is, as by a restored copy."""
    async with opened("view") as log:
        for number in (1, 2, 3):
            await log.append(stream(1), [said(number)])
        await execute(dsn, "CREATE TABLE before AS TABLE echoless_log")
        await log.append(stream(1), [erased((3, 3))])
        assert await log.empty_wal()
    await execute(dsn, "CREATE TABLE whole AS TABLE echoless_log")
    for change, told in CHANGES.items():
        await execute(dsn, change)
        _, found = await compared(tmp_path / "view", made())
        assert len(found) == 1, found
        assert told in found[0]
        await execute(dsn, "DELETE FROM echoless_log")
        await execute(dsn, "INSERT INTO echoless_log SELECT * FROM whole")
    assert (await compared(tmp_path / "view", made()))[1] == []


@pytest.mark.parametrize("kind", ["older", "another"])
async def test_a_view_that_does_not_fit_is_refused_at_start(
    opened: Opener, made: Made, elsewhere: Made, tmp_path: Path, kind: str
) -> None:
    """Told by the digest up to which it goes; nothing is changed in either. An older view catches up."""
    async with opened("view") as log:
        await log.append(stream(1), [said(1)])
    (tmp_path / "older").mkdir()
    (tmp_path / "older/events.db").write_bytes((tmp_path / "view/events.db").read_bytes())
    async with opened("view") as log:
        await log.append(stream(1), [said(2)])
    other = elsewhere()
    await other.open()
    if kind == "older":
        one = made()
        async for entry in one.read(0, bytes(32), ""):
            if entry.seq < 4:
                await other.append(entry.seq, entry.facts, entry.words)
        await one.close()
    else:
        async with opened("another", through=lambda _: other) as log:
            for number in range(4):
                await log.append(stream(1), [said(number)])
        other = elsewhere()
    before = [entry.seq async for entry in other.read(0, bytes(32), "")]

    with pytest.raises(LogError, match=r"goes up to record 4 of a log in .* and the engine does not hold that record"):
        async with opened("view", through=lambda _: other):
            pass

    _, found = await compared(tmp_path / "view", elsewhere())
    assert found
    after = elsewhere()
    assert before == [entry.seq async for entry in after.read(0, bytes(32), "")]
    await after.close()
    async with opened("older", takeover=SHORT) as log:
        assert await log.reader.head(stream(1)) == 2


async def _ran(*arguments: object) -> tuple[int, str]:
    result = await asyncio.to_thread(CliRunner().invoke, verify, [str(each) for each in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


async def test_the_command_tells_what_was_looked_at(
    opened: Opener, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And with --local that the engine was not."""
    monkeypatch.setenv("ECHOLESS_POSTGRESQL", dsn)
    config = tmp_path / "config.toml"
    config.write_text(f'[log]\npath = "{tmp_path}/view"\nengine = "postgresql"\nkey_file = "{tmp_path}/vault.key"\n')
    async with opened("view") as log:
        await log.append(stream(1), [said(1)])

    code, out = await _ran("--config", config)
    assert code == 0
    assert "all is well.\nFolder and PostgreSQL: one chain of 2 records.\n" in out
    code, out = await _ran("--config", config, "--json")
    assert json.loads(out)["engine"] == {
        "name": "PostgreSQL", "left_out": "", "records": 2, "newer": 0, "unerased": 0
    }  # fmt: skip
    await execute(dsn, "DELETE FROM echoless_log WHERE seq = 2")
    code, out = await _ran("--config", config)
    assert code == 1
    assert "it goes up to record 2, and PostgreSQL only to 1" in out
    monkeypatch.setenv("ECHOLESS_POSTGRESQL", "postgresql://a:hidden@127.0.0.1:1/b")
    with pytest.raises(LogError, match="can't be used") as told:
        await _ran("--config", config)
    assert "hidden" not in str(told.value)
    code, out = await _ran("--config", config, "--local")
    assert code == 0
    assert "The engine that keeps the log was not looked at: --local." in out
