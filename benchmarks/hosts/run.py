"""One run over several hosts: chat goes on while owners are killed and links are cut."""

from __future__ import annotations

import asyncio
import math
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks.chaos_script import Life, Moment
from benchmarks.chaos_script import lives as lives_of
from benchmarks.chaos_script import posts as posts_of
from benchmarks.chaos_talk import TICK, Talk
from benchmarks.hosts.bots import KILLED, Claims, Supervised
from benchmarks.hosts.script import Cut, Plan
from benchmarks.hosts.script import cuts as cuts_of
from bot.demo.bot_process import DemoError
from bot.sandbox.process import SandboxProcess

QUIET_PATIENCE = 120.0
"""Seconds without any progress before the rest counts as lost."""
OWNER_PATIENCE = 120.0
"""Seconds within which somebody has to own the log and be connected."""
INSIDE_PATIENCE = 6.0
"""Seconds within which a request has to come to be killed inside; else the kill is a plain one."""
HOLD_PATIENCE = 20.0
"""Seconds within which answers have to come that are to wait."""
TYPICAL_LIFE = 3.0
ENDS = (0, 4, KILLED)
"""Exit codes that belong here: stopped, the log lost or out of reach, killed."""


@dataclass(slots=True)
class Takeovers:
    """Plays a plan; ``tell`` hears of the progress. ``takeovers`` are the seconds from each kill to the next claim."""

    plan: Plan
    sandbox: SandboxProcess
    bots: list[Supervised]
    claims: Claims
    talk: Talk
    tell: Callable[[str], None]
    inside: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    cut_and_killed: set[int] = field(default_factory=set)
    takeovers: list[float] = field(default_factory=list)
    killed: int = 0
    _born: float = field(default_factory=time.monotonic)
    _over: bool = False

    async def play(self) -> None:
        """Play it all, wait until it is quiet, and stop the bots; raise TimeoutError when it does not get quiet."""
        await self.talk.prepare(0.0, self.plan.seed)
        async with asyncio.TaskGroup() as running:
            supervising = [running.create_task(each.run()) for each in self.bots]
            try:
                await self.talk.begin(OWNER_PATIENCE)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._post_all())
                    tasks.create_task(self._cut_all())
                    tasks.create_task(self._kill_all())
                await self._quiet()
            finally:
                for task in supervising:
                    task.cancel()
        self.tell("stopping")
        await asyncio.gather(*(_stopped(each) for each in self.bots))
        for each in self.bots:
            if odd := {code: count for code, count in each.ends.items() if code not in ENDS}:
                raise DemoError(f"A bot on {each.host.name} ended by itself with the exit codes {odd}.")

    @property
    def _progress(self) -> float:
        """Return how much of the run is over, from 0 to 1: kills done, and how far this life is."""
        if self._over:
            return 1.0
        life = 1 - math.exp(-(time.monotonic() - self._born) / TYPICAL_LIFE)
        return min(1.0, (self.killed + life) / max(1, self.plan.kills))

    async def _owner(self, shard: int) -> Supervised:
        """Wait until somebody owns the log of a shard, and return who."""
        async with asyncio.timeout(OWNER_PATIENCE):
            while not (owner := await self.claims.owner(shard)):
                await asyncio.sleep(TICK / 2)
        return owner

    async def _hold(self, cut: Cut) -> None:
        """Have answers wait that are written already: Discord asks for patience, until another one owns the log."""
        control, where = self.sandbox.control, {"method": "POST", "path": "/channels/*/messages"}
        limit = (await control.add_fault("ratelimit", **where, retry_after=cut.late, count=len(cut.questions)))["id"]
        await self.talk.post(cut.questions)
        deadline = time.monotonic() + HOLD_PATIENCE
        hits = 0
        while hits < len(cut.questions) / 2 and time.monotonic() < deadline:
            await asyncio.sleep(TICK / 2)
            hits = next(fault["hits"] for fault in await control.faults() if fault["id"] == limit)
        # Whoever takes over is not to wait.
        await control.call("DELETE", f"/faults/{limit}")

    async def _standby(self, owner: Supervised) -> None:
        """Wait until somebody stands by who can take the log from an owner."""
        others = [each for each in self.bots if each is not owner and each.shard == owner.shard]
        with suppress(TimeoutError):
            async with asyncio.timeout(OWNER_PATIENCE):
                while not any(each.stands_by for each in others):
                    await asyncio.sleep(TICK)

    async def _post_all(self) -> None:
        posts = posts_of(self.plan.seed, self.plan.messages, self.talk.chat, model=False)
        await self.talk.post_along(posts, lambda: self._progress)

    async def _cut_all(self) -> None:
        """Cut the links of whoever owns the log at the moment of each cut."""
        chance = random.Random(f"cut whom {self.plan.seed}")  # noqa: S311 - a script, not a secret
        for cut in cuts_of(self.plan.seed, self.plan.cuts, self.plan.takeover):
            while self._progress < cut.progress:
                await asyncio.sleep(TICK)
            await self._cut(cut, await self._owner(chance.randrange(self.plan.shards)))

    async def _cut(self, cut: Cut, owner: Supervised) -> None:
        pid = owner.bot.pid
        if cut.late:
            await self._standby(owner)
            await self._hold(cut)
        else:
            await self.talk.post(cut.questions)
            await asyncio.sleep(cut.offset)
        for link in cut.links:
            await owner.host.set_link(link, cut.end, up=False)
        self.cut[cut.name] += 1
        await asyncio.sleep(cut.seconds / 3)
        if cut.kills and _lives(owner, pid):
            self.cut_and_killed.add(pid)
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(cut.seconds * 2 / 3)
        for link in cut.links:
            await owner.host.set_link(link, cut.end, up=True)

    async def _kill_all(self) -> None:
        chance = random.Random(f"kill whom {self.plan.seed}")  # noqa: S311 - a script, not a secret
        for life in lives_of(self.plan.seed, self.plan.kills):
            self._born, shard = time.monotonic(), chance.randrange(self.plan.shards)
            while not await self._kill(await self._owner(shard), life):
                pass  # it had ended by itself, as one does that was replaced
            began = time.monotonic()
            self.killed += 1
            self.tell(f"{self.killed} of {self.plan.kills} kills, {self.cut.total()} cuts, {self.talk.posted:,} posted")
            await self._owner(shard)
            self.takeovers.append(time.monotonic() - began)
        self._over = True

    async def _kill(self, owner: Supervised, life: Life) -> bool:
        """Kill an owner after a life, or inside a request where one comes in time; tell whether it was killed."""
        pid, kill, before = owner.bot.pid, "", owner.ends[KILLED]
        if life.place is not None:
            path = self.talk.in_shard(owner.shard, life.place.path)
            where = {"method": life.place.method, "path": path, "when": life.place.when}
            seconds = life.place.seconds
            fault = await self.sandbox.control.add_fault("kill", **where, seconds=seconds, nth=life.nth, pid=pid)
            kill = fault["id"]
        if kill or life.since is Moment.READY:
            with suppress(TimeoutError):
                await self.sandbox.control.wait_for_ready(within=OWNER_PATIENCE, shard=owner.shard)
        deadline = time.monotonic() + (INSIDE_PATIENCE if kill else life.seconds)
        while _lives(owner, pid) and time.monotonic() < deadline:
            await asyncio.sleep(TICK / 10)
        if life.place is not None and self._killed(owner, pid, before):
            self.inside[life.place.name] += 1
        if kill:
            await self.sandbox.control.call("DELETE", f"/faults/{kill}")
        if _lives(owner, pid):
            os.kill(pid, signal.SIGKILL)
        while _lives(owner, pid):
            await asyncio.sleep(TICK / 10)
        return self._killed(owner, pid, before)

    def _killed(self, owner: Supervised, pid: int, before: int) -> bool:
        return not _lives(owner, pid) and owner.ends[KILLED] > before and pid not in self.cut_and_killed

    async def _quiet(self) -> None:
        """Wait until every message is recorded and every question has its answer, or a reason why not."""
        before, since = -1, time.monotonic()
        while True:
            owners = [await self._owner(shard) for shard in range(self.plan.shards)]
            left = await self.talk.left(*(owner.location for owner in owners))
            if not left:
                return
            if left != before:
                before, since = left, time.monotonic()
            if time.monotonic() - since > QUIET_PATIENCE:
                raise TimeoutError(f"{left:,} messages were not recorded or answered, and nothing moved any more.")
            self.tell(f"{left:,} left to record or answer")
            await asyncio.sleep(1)


def _lives(owner: Supervised, pid: int) -> bool:
    return owner.alive and owner.bot.pid == pid


async def _stopped(each: Supervised) -> None:
    if each.alive:
        with suppress(DemoError):
            await each.bot.stop()
