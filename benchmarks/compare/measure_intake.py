"""Through unmodified discord.py: how fast messages are taken that Discord holds ready."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bots import location
from benchmarks.compare import stage
from benchmarks.compare.bench import Bench
from benchmarks.compare.children.plain_client import ASK
from benchmarks.compare.contenders.with_eventsourcing import FILE_NAME
from benchmarks.compare.figures import Row, Samplings, Target
from benchmarks.compare.stage import Stage, bot_stage, plain_stage, together
from bot.sandbox.control_client import ControlClient

CHANNELS = 10
POSTED_AT_ONCE = 1000
MANY_RULES = 20
PATIENCE = 300.0
TICK = 0.05

REPLIES = "/channels/*/messages"


@dataclass(frozen=True, slots=True)
class Side:
    """One client under measurement; ``taken`` tells how many messages its log holds, None if it keeps none."""

    name: str
    stage: Stage
    taken: Callable[[Path], int] | None = None


async def intake(bench: Bench) -> list[Row]:
    """Measure how fast a burst is taken that Discord holds ready: it is posted while the gateway is silent.

    So posting does not slow it. The last message of a burst asks for an answer. The time runs from the gateway's first
    word to that answer's arrival at Discord, for each client, and then nothing of the burst may be missing.
    """
    stages = together(
        bot_stage(bench.place("intake")),
        bot_stage(bench.place("intake"), rules=MANY_RULES),
        plain_stage(bench.place("counting"), stage.COUNTING),
        plain_stage(bench.place("logging"), stage.LOGGING),
    )
    seen = Samplings()
    async with stages as (one, many, counting, logging):
        sides = [
            Side("one", one, _recorded),
            Side("many", many, _recorded),
            Side("counting", counting),
            Side("logging", logging, _stored),
        ]
        for side in sides:
            for number in range(CHANNELS):
                await side.stage.sandbox.control.create_channel(f"channel-{number}")
        for number in bench.rounds("intake"):
            for side in sides:
                await _round(bench, side, number, seen)
    return _rows(seen)


async def _round(bench: Bench, side: Side, number: int, seen: Samplings) -> None:
    """Have one client take a burst."""
    burst, folder, taken = bench.burst, side.stage.folder, side.taken
    before = taken(folder) if taken else 0
    await _post(bench, side.stage.sandbox.control, burst - 1, number)
    took, answer, (sandbox, client) = await _let_go(side.stage)
    if taken:
        await _until(lambda: taken(folder) >= before + burst)
        after = taken(folder)
    else:
        after, before = int(answer), burst * number
    if after != before + burst:
        raise RuntimeError(f"{side.name} took {after - before:,} messages of {burst:,}.")
    seen.add(side.name, burst / took)
    seen.add(f"{side.name} client", client / burst * 1e6)
    seen.add(f"{side.name} sandbox", sandbox / took)


async def _post(bench: Bench, control: ControlClient, count: int, seed: int) -> None:
    """Silence the gateway and have it keep so many messages, and a question after them."""
    text = bench.chat.lines
    await control.gateway("mute")
    chance = random.Random(seed)  # noqa: S311 - a seed repeats the run
    for start in range(0, count, POSTED_AT_ONCE):
        lines = [text[at % len(text)] for at in range(start, min(start + POSTED_AT_ONCE, count))]
        await control.post_many(
            {"channel": f"channel-{chance.randrange(CHANNELS)}", "author": f"a-{line.author}", "content": line.content}
            for line in lines
        )
    await control.post(ASK, channel="channel-0")


async def _let_go(stage: Stage) -> tuple[float, str, tuple[float, float]]:
    """Return the seconds until the question is answered, the answer, and the processor time of sandbox and client."""
    control = stage.sandbox.control
    earlier = await control.requests(method="POST", path=REPLIES)
    after = earlier[-1]["number"] if earlier else 0
    used = stage.cpu_seconds()
    began = time.time()
    await control.gateway("unmute")
    await control.wait_for_requests(1, method="POST", path=REPLIES, after=after, within=PATIENCE)
    sandbox, client = (late - early for early, late in zip(used, stage.cpu_seconds(), strict=True))
    (request,) = await control.requests(method="POST", path=REPLIES, after=after)
    (*_, reply) = await control.messages(bot=True, channel="channel-0")
    return request["at"] - began, reply["content"], (sandbox, client)


async def _until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not reached():
            await asyncio.sleep(TICK)


def _recorded(folder: Path) -> int:
    return _count(location(folder).database, "SELECT count(*) FROM events WHERE type = 'message.received'")


def _stored(folder: Path) -> int:
    # Each aggregate begins with an event that is no message.
    return _count(folder / FILE_NAME, "SELECT count(*) FROM stored_events WHERE originator_version > 1")


def _count(database: Path, sql: str) -> int:
    if not database.exists():
        return 0
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        (count,) = connection.execute(sql).fetchone()
    return int(count)


def _rows(seen: Samplings) -> list[Row]:
    what, rate, counting = "intake through discord.py, full log on", "messages/s", "a client that only counts"
    logging = "a client that logs through eventsourcing"
    one, many, counted = seen["one"], seen["many"], seen["counting"]
    note = "discord.py without caches, as here"
    return [
        Row(f"{what}, one rule", rate, one, counting, counted, Target(0.8, at_least=True), note),
        Row(f"{what}, {MANY_RULES} rules", rate, many, counting, counted, Target(0.75, at_least=True), note),
        Row(f"{what}, one rule", rate, one, logging, seen["logging"]),
        Row("intake, processor time a message", "µs", seen["one client"], counting, seen["counting client"]),
        Row("intake, how busy the sandbox is", "cores", seen["one sandbox"]),
    ]
