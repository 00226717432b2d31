"""Through unmodified discord.py: how soon a question is answered, and what that costs the processor."""

from __future__ import annotations

import asyncio
import random
import time

from benchmarks.compare import stage
from benchmarks.compare.bench import Bench
from benchmarks.compare.children.plain_client import ANSWER, ASK
from benchmarks.compare.figures import Row, Samplings, Target, percentile
from benchmarks.compare.stage import Stage, bot_stage, plain_stage, together

BLOCK = 25
PLAIN = "a plain discord.py bot"


async def reply(bench: Bench) -> list[Row]:
    """Measure one question at a time: from the call that posts it until the reply reaches Discord."""
    asked = bench.pick(300, 50)
    chance = random.Random(2)  # noqa: S311 - a seed repeats the run
    seen = Samplings()
    stages = together(bot_stage(bench.place("reply")), plain_stage(bench.place("answering"), stage.ANSWERING))
    async with stages as (bot, plain):
        sides = {"ours": bot, "plain": plain}
        for side in sides.values():
            await _asked(side, BLOCK, chance)
        for _ in bench.rounds("reply"):
            took: dict[str, list[float]] = {name: [] for name in sides}
            busy = dict.fromkeys(sides, 0.0)
            for _ in range(asked // BLOCK):
                for name, side in sides.items():
                    _, before = side.cpu_seconds()
                    took[name] += await _asked(side, BLOCK, chance)
                    _, after = side.cpu_seconds()
                    busy[name] += after - before
            for name, values in took.items():
                seen.add(name, percentile(values, 0.5))
                seen.add(f"{name} p99", percentile(values, 0.99))
                seen.add(f"{name} processor", busy[name] / len(values) * 1000)
    return _rows(seen)


def _rows(seen: Samplings) -> list[Row]:
    what, ours, p99 = "reply latency", seen["ours"], seen["ours p99"]
    return [
        Row(f"{what}, p50", "ms", ours, PLAIN, seen["plain"], Target(1, plus=1)),
        Row(f"{what}, p99", "ms", p99, "its own p50", ours, Target(3)),
        Row(f"{what}, p99", "ms", p99, PLAIN, seen["plain p99"]),
        Row("reply, processor time", "ms", seen["ours processor"], PLAIN, seen["plain processor"], Target(1.8)),
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
