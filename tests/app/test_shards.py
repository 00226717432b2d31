"""Several partitions and shards, in one process and in several, over one Discord."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bot.app.bot import clock
from bot.errors import LogError, LogForeign
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.app.shards import PARTITIONS, Servers, impatient, recorded, running

STAGES: list[tuple[int, list[list[int]]]] = [(1, [[]]), (2, [[]]), (4, [[0, 2], [1, 3]]), (1, [[]])]
"""Numbers of shards, and which of them each process runs."""


@pytest.fixture
def options() -> SandboxOptions:
    """Shards may begin as fast as tests want them to."""
    return SandboxOptions(message_rate=None, global_rate=None, identify_period=0.01)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)


async def test_resharding_moves_no_history(sandbox: Sandbox, control: ControlClient, tmp_path: Path) -> None:
    """One shard, then two in one process, four in two, and one again: each question is answered once, in order.

    Each partition holds what was said on its servers, and the first one direct messages.
    """
    folder = tmp_path / "log"
    folder.mkdir()
    servers, asked = await Servers.make(control), list[str]()
    direct = await control.open_dm()
    for number, (total, processes) in enumerate(STAGES):
        await servers.ask(f"missed {number}")
        async with AsyncExitStack() as stack:
            for ids in processes:
                shards = {"partitions": PARTITIONS, "total": total, "ids": ids}
                await stack.enter_async_context(running(sandbox, folder, {"shards": shards}))
            await servers.answered(*asked, f"missed {number}")
            await servers.ask(f"heard {number}")
            await control.post(f"ask {number}", channel=direct["id"])
            asked += [f"missed {number}", f"heard {number}"]
            await servers.answered(*asked)
            assert len((await control.sessions())["sessions"]) == total
    replies = [each["content"] for each in await control.messages(author="sandbox-bot", channel=direct["id"])]

    assert replies == [f"re: {number}" for number in range(4)]
    own = {str(partition): [f"channel:{channel}"] for partition, channel in servers.channels.items()}
    own["0"] = sorted([*own["0"], f"channel:{direct['id']}"])
    assert await recorded(folder) == own


async def test_another_number_of_partitions_is_refused(tmp_path: Path) -> None:
    """With a sentence, whichever was the first; and a partition begins only beside the first one."""
    for first, other in ((1, 4), (4, 1), (4, 8)):
        folder = tmp_path / f"{first} {other}"
        async with opened(folder, partitions=first):
            before = sorted(path.name for path in folder.rglob("*"))
        with pytest.raises(LogForeign, match=rf"The log has {first} partitions?, and shards.partitions is {other}"):
            async with opened(folder, partitions=other):
                pass
        assert {path.name for path in folder.rglob("*")} <= {*before}
    with pytest.raises(LogError, match="start the process that runs shard 0 first"):
        async with opened(tmp_path / "second", partitions=4, partition=1):
            pass


@asynccontextmanager
async def opened(folder: Path, partitions: int, partition: int = 0) -> AsyncIterator[EventLog]:
    """Open the log of a partition, whose key is beside the folder."""
    location = Location(folder, key_file=folder.with_suffix(".key")).of(partition, partitions)
    log = await open_log(location, clock=clock, full=False)
    try:
        yield log
    finally:
        await log.close()
