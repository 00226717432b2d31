"""One chaos run: chat goes on while the bot is killed and started again, things go wrong, and sends fail."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.chaos_outcome import Outcome, Seen, judged
from benchmarks.chaos_script import Life, Line, Moment, Plan
from benchmarks.chaos_script import incidents as incidents_of
from benchmarks.chaos_script import lives as lives_of
from benchmarks.chaos_script import posts as posts_of
from benchmarks.chaos_settings import configure
from benchmarks.chaos_talk import TICK, Talk
from benchmarks.chaos_troubles import Outage, Place, Trouble
from benchmarks.models import ModelProcess, model_process
from bot.demo.bot_process import BotProcess, DemoError, bot_process
from bot.sandbox.process import SandboxProcess, sandbox_process

QUIET_PATIENCE = 180.0
"""Seconds without any progress, longer than the longest pause between two tries, before the rest counts as lost."""

LONGEST_START = 180.0
INSIDE_PATIENCE = 6.0
"""Seconds after a session is ready in which a request has to come to be killed inside; else the kill is a plain one."""
TYPICAL_LIFE = 3.0
LOOK_EVERY = 2.0

MODEL_RATE, MODEL_LENGTH = 200.0, 320
"""Tokens a second, and of an answer: a second and a half for two messages."""


@dataclass(slots=True)
class Chaos:
    """Plays a plan against a sandbox, a bot and a model's server; ``tell`` hears of the progress."""

    plan: Plan
    sandbox: SandboxProcess
    bot: BotProcess
    talk: Talk
    model: ModelProcess
    tell: Callable[[str], None]
    troubles: Counter[str] = field(default_factory=Counter)
    connected_kills: int = 0
    inside: Counter[str] = field(default_factory=Counter)
    _born: float = field(default_factory=time.monotonic)
    _killed: int = 0
    _over: bool = False

    async def play(self) -> None:
        """Play it all, wait until it is quiet, and stop the bot; raise TimeoutError when it does not get quiet."""
        await self.talk.prepare(self.plan.failures, self.plan.seed)
        configure(self.bot.folder, self.sandbox, self.model.url if self.plan.model else "")
        await self._start()
        await self.bot.alive(self.talk.begin(LONGEST_START))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._post_all())
            tasks.create_task(self._make_trouble())
            tasks.create_task(self._kill_all())
        await self._quiet()
        await self.bot.stop()

    async def _start(self) -> None:
        await self.bot.start()
        self._born = time.monotonic()

    @property
    def _progress(self) -> float:
        """Return how much of the run is over, from 0 to 1: kills done, and how far this life is."""
        if self._over:
            return 1.0
        # However long it lives, something is posted meanwhile.
        life = 1 - math.exp(-(time.monotonic() - self._born) / TYPICAL_LIFE)
        return min(1.0, (self._killed + life) / max(1, self.plan.kills))

    async def _post_all(self) -> None:
        posts = posts_of(self.plan.seed, self.plan.messages, self.talk.chat, model=self.plan.model)
        await self.talk.post_along(posts, lambda: self._progress)

    async def _make_trouble(self) -> None:
        """Let each trouble come at its moment, or as soon after it as somebody is connected."""
        for incident in incidents_of(self.plan.seed, self.plan.troubles, model=self.plan.model):
            while self._progress < incident.progress:
                await asyncio.sleep(TICK)
            await asyncio.sleep(incident.offset)
            while not await self._connected():
                pause = asyncio.sleep(TICK)
                # Nobody kills the last process, so only there an end is one of its own.
                await (self.bot.alive(pause) if self._over else pause)
            match incident.trouble:
                case Trouble(path=path, body=body):
                    await self.sandbox.control.call("POST", path, dict(body))
                case Outage() as outage:
                    await self._be_away(outage)
            self.troubles[incident.trouble.name] += 1

    async def _be_away(self, outage: Outage) -> None:
        await self.model.kill()
        if outage.fault:
            await self.model.start(rate=MODEL_RATE, length=MODEL_LENGTH, fault=outage.fault)
        await asyncio.sleep(outage.seconds)
        await self.model.kill()
        await self.model.start(rate=MODEL_RATE, length=MODEL_LENGTH)

    async def _connected(self) -> bool:
        sessions = (await self.sandbox.control.sessions())["sessions"]
        return any(session["connected"] and session["ready"] for session in sessions)

    async def _kill_all(self) -> None:
        for life in lives_of(self.plan.seed, self.plan.kills):
            if life.place is None or not await self._killed_inside(life.place, life.nth):
                await self._live(life)
                self.connected_kills += await self._connected()
                with suppress(ProcessLookupError):
                    os.kill(self.bot.pid, signal.SIGKILL)
                await self.bot.killed()
            self._killed += 1
            await self._start()
            self.tell(f"{self._killed} of {self.plan.kills} kills, {self.talk.posted:,} posted")
        self._over = True

    async def _killed_inside(self, place: Place, nth: int) -> bool:
        """Have the sandbox kill the bot inside a request, and tell whether one came in time."""
        where = {"method": place.method, "path": place.path, "when": place.when, "seconds": place.seconds}
        kill = await self.sandbox.control.add_fault("kill", **where, nth=nth, pid=self.bot.pid)
        try:
            if not await self._killed_in_time():
                return False
        finally:
            [struck] = [fault for fault in await self.sandbox.control.faults() if fault["id"] == kill["id"]]
            await self.sandbox.control.call("DELETE", f"/faults/{kill['id']}")
        self.inside[place.name] += 1
        self.connected_kills += bool(struck["connected"])
        return True

    async def _killed_in_time(self) -> bool:
        """Wait until somebody has killed the bot, for some seconds after it is ready."""
        killed, patience = (asyncio.ensure_future(work) for work in (self.bot.killed(), self._patience()))
        try:
            await asyncio.wait((killed, patience), return_when=asyncio.FIRST_COMPLETED)
            return killed.done() and killed.result() is None
        finally:
            killed.cancel()
            patience.cancel()

    async def _patience(self) -> None:
        with suppress(TimeoutError):
            await self.sandbox.control.wait_for_ready(within=LONGEST_START)
        await asyncio.sleep(INSIDE_PATIENCE)

    async def _live(self, life: Life) -> None:
        if life.since is Moment.READY:
            ready = self.sandbox.control.wait_for_ready(within=LONGEST_START)
            # A process whose connection broke just then is killed all the same.
            with suppress(TimeoutError):
                await self.bot.alive(ready)
        await asyncio.sleep(life.seconds)

    async def _quiet(self) -> None:
        """Wait until every message is recorded and every question has its answer, or a reason why not."""
        self.tell("waiting until all is answered")
        # A process that is still starting would die of the SIGTERM that follows.
        await self.bot.alive(self.sandbox.control.wait_for_ready(within=LONGEST_START))
        before, since = -1, time.monotonic()
        while left := await self.talk.left(self.bot.location):
            if left != before:
                before, since = left, time.monotonic()
            if time.monotonic() - since > QUIET_PATIENCE:
                raise TimeoutError(f"{left:,} messages were not recorded or answered, and nothing moved any more.")
            self.tell(f"{left:,} left to record or answer")
            await self.bot.alive(asyncio.sleep(LOOK_EVERY))


async def run(plan: Plan, folder: Path, chat: Sequence[Line], tell: Callable[[str], None]) -> Outcome:
    """Play a plan in a folder of its own and judge it; what the sandbox saw is left beside the log."""
    arguments = ("--rate-limit", "off", "--global-rate-limit", "off", "--nonce-window", f"{plan.nonce_window:g}")
    async with (
        sandbox_process(arguments) as sandbox,
        model_process(rate=MODEL_RATE, length=MODEL_LENGTH) as model,
        bot_process(folder, sandbox.token) as bot,
    ):
        chaos = Chaos(plan, sandbox, bot, Talk(sandbox, chat), model, tell)
        began = time.monotonic()
        trouble = await _played(chaos)
        seen = Seen(
            plan=plan,
            addressed=frozenset(chaos.talk.addressed),
            kills=bot.kills,
            connected_kills=chaos.connected_kills,
            inside=chaos.inside,
            troubles=chaos.troubles,
            seconds=time.monotonic() - began,
            trouble=trouble,
        )
        return await judged(seen, sandbox, bot)


async def _played(chaos: Chaos) -> str:
    try:
        await chaos.play()
    except TimeoutError as error:
        await chaos.bot.stop()
        return str(error)
    except ExceptionGroup as group:
        matched, rest = group.split(DemoError)
        if matched is None or rest is not None:
            raise
        return str(matched.exceptions[0])
    except DemoError as error:
        return str(error)
    return ""
