"""Several partitions and shards, in one process and in several, over one Discord."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from bot.app.clock import clock
from bot.errors import LogError, LogForeign
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.app.shards import PARTITIONS, Servers, impatient, recorded, running
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import start_process
from tests.waiting import eventually

STAGES: list[tuple[int, list[list[int]]]] = [(2, [[]]), (4, [[0, 2], [1, 3]]), (1, [[]])]
"""Numbers of shards, and which of them each process runs."""


@pytest.fixture
def options() -> SandboxOptions:
    """Shards may begin as fast as tests want them to."""
    return SandboxOptions(message_rate=None, global_rate=None, identify_period=0.01)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)


@pytest.mark.sqlite_only("each folder has a log of its own in the engine, also that of a partition")
async def test_resharding_moves_no_history(sandbox: Sandbox, control: ControlClient, tmp_path: Path) -> None:
    """One shard, then two in one process, four in two, and one again: each question is answered once, in order.

    The first one is killed. Each partition holds what was said on its servers, and the first one direct messages.
    """
    folder = tmp_path / "log"
    servers, asked = await Servers.make(control), ["killed"]
    direct = await control.open_dm()
    first = await start_process(sandbox, folder, {"shards": {"partitions": PARTITIONS}})
    await first.ready()
    await servers.ask("killed")
    await first.kill()
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
            await servers.answered_in(direct["id"], *map(str, range(number + 1)))
            assert sum(each["connected"] for each in (await control.sessions())["sessions"]) == total

    assert await servers.said(direct["id"]) == [f"re: {number}" for number in range(len(STAGES))]
    own = {str(partition): [f"channel:{channel}"] for partition, channel in servers.channels.items()}
    own["0"] = sorted([*own["0"], f"channel:{direct['id']}"])
    assert await recorded(folder) == own


@pytest.mark.sqlite_only("each folder has a log of its own in the engine, also that of a partition")
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


async def test_what_is_said_of_all_servers_holds_in_all_partitions(
    sandbox: Sandbox, control: ControlClient, tmp_path: Path
) -> None:
    """Who opts out on one server does so on all; an owner who asks in a direct message is told of all partitions."""
    folder, servers, owner = tmp_path / "log", await Servers.make(control), sandbox.world.named_user("alice")
    direct = (await control.open_dm())["id"]
    sections = {"shards": {"partitions": PARTITIONS, "total": 2}, "moderation": {"owner": [owner.id]}}
    async with running(sandbox, folder, sections):
        await servers.ask("before")
        await servers.answered("before")
        alice = Moderator(control, "alice", servers.channels[3])
        out = text_of(await alice.use("privacy opt-out"))
        await servers.ask("ignored")
        status = text_of(await Moderator(control, "alice", direct).use("replay status"))
        await control.post("ask bob", channel=servers.channels[1], author="bob")
        await eventually(lambda: _says(servers, 1, "re: bob"))

    assert out.count("From now on I record none of your words") == 1
    assert f"Of {PARTITIONS} partitions" in status
    # A page of the answer does not hold all of them.
    told = re.findall(r"^Partition (\d): ", status, re.MULTILINE)
    assert told == [str(number) for number in range(PARTITIONS)][: max(len(told), 3)]
    said = [text for channel in servers.channels.values() for text in await servers.said(channel)]
    assert "re: ignored" not in said


async def _says(servers: Servers, partition: int, text: str) -> bool:
    return text in await servers.said(servers.channels[partition])
