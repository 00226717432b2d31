"""Bots on hosts, each a standby that is started again whenever it ends; and which of them owns the log."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from benchmarks.chaos_settings import configure
from benchmarks.hosts.network import Host
from benchmarks.hosts.script import Plan
from bot.app.engines import TURNS
from bot.config.engines import PostgresqlSettings
from bot.demo.bot_process import BotProcess, bot_process
from bot.eventlog.location import KEY_FILE, Location
from bot.eventlog.remote.port import Entry
from bot.eventlog.remote.record import read_record
from bot.sandbox.process import SandboxProcess

RESTART_SECONDS = 0.5
"""For which a supervisor waits before it starts a bot again."""
KILLED = -9

_IS_CLAIM = "substring(facts FROM 5 FOR 1) = 'C'"
_CLAIM = f"SELECT facts FROM echoless_log WHERE part = $1 AND {_IS_CLAIM} ORDER BY seq DESC LIMIT 1"  # noqa: S608 - a constant
_COUNT = f"SELECT count(*) FROM echoless_log WHERE part < {TURNS} AND {_IS_CLAIM}"  # noqa: S608 - a constant


@dataclass(slots=True)
class Supervised:
    """A bot on a host, which runs one shard of so many; ``ends`` counts its exit codes."""

    host: Host
    bot: BotProcess
    shard: int
    shards: int
    ends: Counter[int] = field(default_factory=Counter)
    alive: bool = False
    _said: int = 0

    @property
    def location(self) -> Location:
        """Return the location of its shard's partition."""
        return self.bot.location.of(self.shard, self.shards)

    @property
    def stands_by(self) -> bool:
        """Tell whether it has begun to follow the log since its start."""
        output = self.bot.folder / "bot.log"
        return self.alive and b'"event": "log.standby"' in output.read_bytes()[self._said :]

    async def run(self) -> None:
        """Start it, and again whenever it ends, until cancelled."""
        while True:
            output = self.bot.folder / "bot.log"
            self._said = output.stat().st_size if output.exists() else 0
            await self.bot.start()
            self.alive = True
            code = await self.bot.ended()
            self.alive = False
            self.ends[code] += 1
            await asyncio.sleep(RESTART_SECONDS)


@dataclass(slots=True)
class Claims:
    """Tells from the engine who owns the log: whoever the newest claim of each partition names."""

    engine: asyncpg.Pool
    bots: list[Supervised]

    async def owner(self, shard: int) -> Supervised | None:
        """Return the bot that owns the partition of a shard, None where none does that lives."""
        try:
            facts = await self.engine.fetchval(_CLAIM, shard)
        except asyncpg.UndefinedTableError:
            return None
        claim = read_record(Entry(0, "", facts, None)).claim if facts else None
        return next((each for each in self.bots if each.alive and claim and each.bot.pid == claim["pid"]), None)

    async def count(self) -> int:
        """Return how many claims there are."""
        return int(await self.engine.fetchval(_COUNT))


@asynccontextmanager
async def standbys(
    plan: Plan, folder: Path, address: str, sandbox: SandboxProcess, hosts: list[Host]
) -> AsyncIterator[list[Supervised]]:
    """Yield the bots of a run, which are not started yet; they end with the context."""
    timeout = plan.takeover / 2
    log = f'engine = "postgresql"\nkey_file = "{folder / KEY_FILE}"\ntakeover = "{round(1000 * plan.takeover)}ms"'
    environ = {PostgresqlSettings().dsn_env: address}
    async with AsyncExitStack() as stack:
        bots = []
        for host in hosts:
            for shard in range(plan.shards):
                own = folder / f"{host.name}-{shard}"
                own.mkdir()
                more = f"[shards]\npartitions = {plan.shards}\ntotal = {plan.shards}\nids = [{shard}]"
                configure(own, sandbox, log=log, more=more, timeout=timeout)
                bot = bot_process(own, sandbox.token, ("--standby",), host.through, environ)
                bots.append(Supervised(host, await stack.enter_async_context(bot), shard, plan.shards))
        yield bots
