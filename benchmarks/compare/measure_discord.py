"""Through unmodified discord.py: how fast messages are taken, and how soon one is answered."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable

from benchmarks.compare.bench import Bench
from benchmarks.compare.children.plain_client import ANSWER, ASK
from benchmarks.compare.figures import Row, Samplings, Target, percentile
from benchmarks.compare.stage import Stage, bot_stage, both, plain_stage
from benchmarks.compare.stores import query

CHANNELS = 10
POSTED_AT_ONCE = 1000
PATIENCE = 300.0
TICK = 0.005
BLOCK = 25
_LAST = "SELECT max(position) FROM events"
_RECEIVED = "SELECT count(*) FROM events WHERE type = 'message.received'"


async def intake(bench: Bench) -> list[Row]:
    """Measure how fast a burst is taken that Discord holds ready: it is posted while the gateway is silent.

    So posting does not slow it. The time runs from the gateway's first word until the client has counted every
    message, or the log holds it.
    """
    burst = bench.pick(18_000, 2_000)
    seen = Samplings()
    async with both(bot_stage(bench.place("intake")), plain_stage(bench.place("counting"), burst=burst)) as (bot, bare):
        for stage in (bot, bare):
            for number in range(CHANNELS):
                await stage.sandbox.control.create_channel(f"channel-{number}")
        for number in bench.rounds("intake"):
            for name, stage, end in (("ours", bot, _recorded), ("bare", bare, _counted)):
                await _post(bench, stage, burst, number)
                rate, busy = await _let_go(stage, end(stage, burst), burst)
                seen.add(name, rate)
                for who, share in zip(("sandbox", "client"), busy, strict=True):
                    seen.add(f"{name} {who}", share)
    what = "intake through discord.py, full log on"
    return [
        Row(what, "messages/s", seen["ours"], "a client that only counts", seen["bare"], Target(0.8, at_least=True)),
        Row("intake, processor: the client", "cores", seen["ours client"], "counting", seen["bare client"]),
        Row("intake, processor: the sandbox", "cores", seen["ours sandbox"], "counting", seen["bare sandbox"]),
    ]


async def _post(bench: Bench, stage: Stage, burst: int, seed: int) -> None:
    """Silence the gateway and have it keep a burst."""
    control, text = stage.sandbox.control, bench.chat.lines
    await control.gateway("mute")
    chance = random.Random(seed)  # noqa: S311 - a seed repeats the run
    for start in range(0, burst, POSTED_AT_ONCE):
        lines = [text[at % len(text)] for at in range(start, min(start + POSTED_AT_ONCE, burst))]
        await control.post_many(
            {"channel": f"channel-{chance.randrange(CHANNELS)}", "author": f"a-{line.author}", "content": line.content}
            for line in lines
        )


async def _let_go(stage: Stage, end: Awaitable[float], burst: int) -> tuple[float, tuple[float, float]]:
    """Return the messages per second of what was kept, and how many cores sandbox and client used meanwhile."""
    used = stage.cpu_seconds()
    began = time.monotonic()
    await stage.sandbox.control.gateway("unmute")
    async with asyncio.timeout(PATIENCE):
        took = await end - began
    sandbox, client = (after - before for before, after in zip(used, stage.cpu_seconds(), strict=True))
    return burst / took, (sandbox / took, client / took)


def _recorded(stage: Stage, burst: int) -> Awaitable[float]:
    """Return when the log, which is quiet now, will hold a burst more."""
    folder = stage.folder / "data"
    last, held = query(folder, _LAST), query(folder, _RECEIVED)

    async def end() -> float:
        while query(folder, _LAST) < last + burst:
            await asyncio.sleep(TICK)
        ended = time.monotonic()
        if query(folder, _RECEIVED) != held + burst:
            raise RuntimeError("The log took something else than the burst.")
        return ended

    return end()


async def _counted(stage: Stage, _burst: int) -> float:
    """Return when the client says that the burst was complete."""
    if stage.client.stdout is None:
        raise RuntimeError("The client has no output to read.")
    return float(await stage.client.stdout.readline())


async def latency(bench: Bench) -> list[Row]:
    """Measure one question at a time: from the call that posts it until the reply reaches Discord."""
    asked = bench.pick(300, 50)
    chance = random.Random(2)  # noqa: S311 - a seed repeats the run
    seen = Samplings()
    async with both(bot_stage(bench.place("latency")), plain_stage(bench.place("answering"))) as (bot, plain):
        for stage in (bot, plain):
            await _asked(stage, BLOCK, chance)
        for _ in bench.rounds("reply latency"):
            ours: list[float] = []
            theirs: list[float] = []
            for _ in range(asked // BLOCK):
                ours += await _asked(bot, BLOCK, chance)
                theirs += await _asked(plain, BLOCK, chance)
            for name, values in (("ours", ours), ("plain", theirs)):
                seen.add(name, percentile(values, 0.5))
                seen.add(f"{name} p99", percentile(values, 0.99))
    what, plain_bot = "reply latency", "a plain discord.py bot"
    return [
        Row(f"{what}, p50", "ms", seen["ours"], plain_bot, seen["plain"], Target(1, plus=2)),
        Row(f"{what}, p99", "ms", seen["ours p99"], "its own p50", seen["ours"], Target(3)),
        Row(f"{what}, p99", "ms", seen["ours p99"], plain_bot, seen["plain p99"]),
    ]


async def _asked(stage: Stage, count: int, chance: random.Random) -> list[float]:
    """Ask so often and return the milliseconds until each reply's request arrived, as the sandbox noted it."""
    control = stage.sandbox.control
    began = []
    before = len(await control.requests(method="POST"))
    for _ in range(count):
        began.append(time.time())
        posted = await control.post(ASK)
        (reply,) = await control.wait_for_messages(bot=True, reference=posted["id"])
        if reply["content"] != ANSWER:
            raise RuntimeError(f"The answer is {reply['content']!r}.")
        await asyncio.sleep(chance.uniform(0, 0.01))
    requests = (await control.requests(method="POST"))[before:]
    if len(requests) != count:
        raise RuntimeError(f"{len(requests)} requests for {count} replies.")
    return [(request["at"] - start) * 1000 for request, start in zip(requests, began, strict=True)]
