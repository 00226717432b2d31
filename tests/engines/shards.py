"""Bots of two shards, each with a standby, over one log in PostgreSQL, whose owners are killed: python -m, see -h."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bot.core.sharding import Sharding
from bot.demo.judge import Problem, judge
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.app.shards import PARTITIONS, Servers
from tests.engines.server import running
from tests.harness import BotProcess, start_process
from tests.waiting import PATIENCE, eventually

SHARDS = 2


@dataclass(slots=True)
class Hosts:
    """Two processes for each shard, by names such as ``1b``; ``takeover`` is how long an owner may be silent."""

    sandbox: Sandbox
    control: ControlClient
    servers: Servers
    folder: Path
    takeover: str
    processes: dict[str, BotProcess] = field(default_factory=dict)
    addressed: list[int] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    async def start(self, name: str) -> None:
        """Start a process as a standby: whoever of two is the first is the owner."""
        sections = {
            "log": {
                "engine": "postgresql",
                "takeover": self.takeover,
                "key_file": str(self.folder / "vault.key"),
            },
            "replies": {"send_timeout": "500ms"},
            "shards": {"partitions": PARTITIONS, "total": SHARDS, "ids": [int(name[0])]},
        }
        self.processes[name] = await start_process(self.sandbox, self.folder / name, sections, None, "--standby")

    async def owner(self, shard: int) -> str:
        """Wait until one of a shard's processes is connected; return its name."""
        found: list[str] = []

        def connected() -> bool:
            found[:] = [
                name
                for name, each in self.processes.items()
                if int(name[0]) == shard and each.process.returncode is None and each.lines("gateway.ready")
            ]
            return bool(found)

        await eventually(connected)
        return found[0]

    async def ask(self) -> None:
        """Ask something in each channel."""
        for channel in self.servers.channels.values():
            posted = await self.control.post(f"ask {next(self._numbers)}", channel=channel)
            self.addressed.append(int(posted["id"]))

    async def answered(self) -> None:
        """Wait until all that was asked has an answer."""

        async def all_answered() -> bool:
            return (await self.control.report())["answered"] >= len(self.addressed)

        await eventually(all_answered)

    async def stop(self) -> None:
        """End all processes: standbys first, so that nothing is taken over meanwhile."""
        self.owners = [await self.owner(shard) for shard in range(SHARDS)]
        for process in self.processes.values():
            if process.process.returncode is None and not process.lines("gateway.ready"):
                await process.terminate()
        for process in self.processes.values():
            if process.process.returncode is None:
                await process.terminate()

    async def problems(self) -> list[Problem]:
        """Compare what Discord holds with the log of each partition, in the folder of its last owner."""
        messages, found = await self.control.messages(), list[Problem]()
        for partition in range(PARTITIONS):
            shard = Sharding(PARTITIONS, SHARDS).shard_of(partition)
            path = self.folder / self.owners[shard] / str(partition)
            reader = await open_reader(Location(path, key_file=self.folder / "vault.key"))
            there = [each for each in messages if each["channel_id"] == self.servers.channels[partition]]
            own_id = self.sandbox.services.application.user.id
            addressed = {int(each["id"]) for each in there} & {*self.addressed}
            verdict = await judge(reader, there, own_id, addressed=addressed)
            found += verdict.problems
            await reader.close()
        return found


async def run(sandbox: Sandbox, control: ControlClient, folder: Path, kills: int, takeover: str, seed: int) -> Hosts:
    """Kill owners while people ask; return what is left, stopped."""
    chance = random.Random(seed)
    servers = await Servers.make(control)
    hosts = Hosts(sandbox, control, servers, folder, takeover)
    for name in ("0a", "1a", "0b", "1b"):
        await hosts.start(name)
    try:
        for shard in range(SHARDS):
            await hosts.owner(shard)
        for _ in range(kills):
            name = await hosts.owner(chance.randrange(SHARDS))
            for _ in range(3):
                await hosts.ask()
            await asyncio.sleep(chance.random() / 10)
            await hosts.processes.pop(name).kill()
            await hosts.ask()
            await hosts.owner(int(name[0]))
            await hosts.start(name)
        await hosts.ask()
        await hosts.answered()
        await hosts.stop()
    finally:
        for process in hosts.processes.values():
            await process.kill()
    return hosts


async def prove(address: str, folder: Path, kills: int, takeover: str, seed: int) -> None:
    """Kill many owners, and say what came of it."""
    os.environ["ECHOLESS_POSTGRESQL"] = address
    async with (
        Sandbox(SandboxOptions(message_rate=None, global_rate=None)) as sandbox,
        ControlClient(sandbox.services.addresses.control, patience=PATIENCE) as control,
    ):
        hosts = await run(sandbox, control, folder, kills, takeover, seed)
        faults = Counter(each.fault.value for each in await hosts.problems())
    sys.stdout.write(f"{kills} owners killed, {len(hosts.addressed)} questions, faults: {dict(faults) or 'none'}\n")
    sys.exit(bool(faults))


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--takeover", default="2s")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="echoless-shards-") as folder, running() as address:
        asyncio.run(prove(address, Path(folder), given.kills, given.takeover, given.seed))


if __name__ == "__main__":
    main()
