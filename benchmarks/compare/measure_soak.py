"""A bot at the pace of a busy server: its write-ahead log, and what a message costs the processor."""

from __future__ import annotations

import asyncio

from benchmarks.compare.bench import Bench
from benchmarks.compare.figures import Row, fixed
from benchmarks.soak_figures import WAL_LIMIT, Line
from benchmarks.soak_run import Plan, soak

RATE = 50
EACH, QUICK_EACH = 20, 3
"""Seconds of a round; in the longer one the write-ahead log is copied twice or more."""


async def soaked(bench: Bench) -> list[Row]:
    """Soak the bot once, in as many parts as there are rounds; benchmarks.soak does it for half an hour."""
    each = bench.pick(EACH, QUICK_EACH)
    done = 0

    def tell(_: Line) -> None:
        nonlocal done
        done += 1
        bench.tell(f"soak, part {done} of {bench.runs}", done, bench.runs)

    plan = Plan(each * bench.runs, RATE, each)
    outcome = await soak(plan, bench.chat, bench.place("soak"), stopping=asyncio.Event(), tell=tell)
    if not outcome.verdict.ok:
        raise RuntimeError("; ".join(map(str, outcome.verdict.problems[:5])))
    # After the last part comes a line on the wait for the last answers.
    lines = outcome.lines[: bench.runs]
    what = f"at {RATE} messages/s"
    return [
        fixed(f"largest WAL {what}", "MB", tuple(line.wal for line in lines), WAL_LIMIT),
        Row(f"processor time a message {what}", "µs", tuple(line.cost for line in lines)),
        Row(f"resident memory {what}", "MiB", tuple(line.rss for line in lines)),
    ]
