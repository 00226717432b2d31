"""How a run over several hosts ended: Discord's side against the log in the engine, and that against its views."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.hosts.bots import Supervised
from benchmarks.hosts.run import Takeovers
from benchmarks.hosts.script import Plan
from bot.app.clock import clock
from bot.cli.log_verify import check_log
from bot.core import events as e
from bot.core.sharding import Sharding
from bot.demo.judge import Fault, Problem, RunVerdict, judge
from bot.demo.trails import read_trails
from bot.engines.postgresql import PostgresqlPartition
from bot.eventlog.location import KEY_FILE, Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.query import Query
from bot.eventlog.remote.opening import Engine
from bot.sandbox.control.records import MessageRecord
from bot.sandbox.process import SandboxProcess
from tests.engines.views import shown_by

JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; ``trouble`` says what cut it short, "" for nothing.

    ``other`` are folders that do not show what the engine holds; ``found`` counts parts of replies of which only a
    look into the channel told that they are in Discord.
    """

    plan: Plan
    verdict: RunVerdict
    played: Takeovers
    events: int
    claims: int
    found: int
    other: Collection[str]
    seconds: float
    trouble: str

    @property
    def ok(self) -> bool:
        """Tell whether the run came to its end and nothing is wrong."""
        return self.verdict.ok and not self.trouble and not self.other

    @property
    def kills(self) -> int:
        """Return how often an owner was killed."""
        return self.played.killed

    @property
    def replaced(self) -> int:
        """Return how often a bot ended because the log was another's, or out of reach."""
        return sum(each.ends[4] for each in self.played.bots)

    @property
    def takeovers(self) -> tuple[float, float]:
        """Return the median and the longest of the seconds from a kill to the next claim."""
        times = self.played.takeovers or [0.0]
        return median(times), max(times)

    def rows(self) -> Mapping[str, str]:
        """Return it as a column of a table."""
        verdict, (usual, longest) = self.verdict, self.takeovers
        return {
            "hosts, shards, processes": f"{self.plan.hosts}, {self.plan.shards}, {len(self.played.bots)}",
            "posted": f"{verdict.posted:,}",
            "recorded": f"{verdict.recorded:,}",
            "addressed to the bot": f"{verdict.addressed:,}",
            "answered": f"{verdict.answered:,}",
            "messages of the answers": f"{verdict.replies:,}",
            "skipped": by_reason(verdict.skipped),
            "abandoned": by_reason(verdict.abandoned),
            "[bold]doubled": f"{verdict.doubled:,}",
            "[bold]lost": f"{verdict.lost:,}",
            "[bold]out of order (pairs)": f"{verdict.out_of_order:,}",
            "all problems": f"{len(verdict.problems):,}",
            "folders that differ": ", ".join(self.other) or "none",
            "owners killed": f"{self.kills:,}",
            "  inside a request": by_reason(self.played.inside),
            "  and while cut off": f"{len(self.played.cut_and_killed):,}",
            "links cut": f"{self.played.cut.total():,}",
            "  which": by_reason(self.played.cut),
            "ended because the log was lost or away": f"{self.replaced:,}",
            "claims": f"{self.claims:,}",
            "from a kill to the next claim": f"{usual:.1f} s, at most {longest:.1f} s",
            "takeover time": f"{self.plan.takeover:g} s",
            "sent parts found by a look": f"{self.found:,}",
            "log": f"{self.events:,} events",
            "minutes": f"{self.seconds / 60:.1f}",
            "seed": f"{self.plan.seed}",
        }

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` writes of it."""
        usual, longest = self.takeovers
        return {
            **self.verdict.to_json(),
            "ok": self.ok,
            "nonce_window": self.plan.nonce_window,
            "seed": self.plan.seed,
            "shards": self.plan.shards,
            "kills": self.kills,
            "killed_while_cut_off": len(self.played.cut_and_killed),
            "inside": dict(self.played.inside),
            "cuts": dict(self.played.cut),
            "claims": self.claims,
            "replaced": self.replaced,
            "takeover_seconds": {"set": self.plan.takeover, "median": round(usual, 2), "longest": round(longest, 2)},
            "found_by_a_look": self.found,
            "differing_folders": list(self.other),
            "events": self.events,
            "seconds": round(self.seconds, 1),
            "trouble": self.trouble,
        }


async def judged(
    played: Takeovers, folder: Path, address: str, sandbox: SandboxProcess, began: float, trouble: str
) -> Outcome:
    """Judge a run once all bots have stopped, in a folder that is made anew from the engine."""
    messages = await sandbox.control.messages()
    for name, found in (("messages", messages), ("requests", await sandbox.control.requests())):
        (folder / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    claims = await played.claims.count()
    whole, shards = Location(folder / JUDGE, key_file=folder / KEY_FILE), played.plan.shards
    anew = [whole.of(partition, shards) for partition in range(shards)]
    partitions = [
        await _judged(each, address, _within(each, messages), int(sandbox.application_id), played.talk.addressed)
        for each in anew
    ]
    return Outcome(
        plan=played.plan,
        verdict=reduce(add, (each.verdict for each in partitions)),
        played=played,
        events=sum(each.events for each in partitions),
        claims=claims,
        found=sum(each.found for each in partitions),
        other=[each.bot.folder.name for each in played.bots if not await _fits(each, anew[each.shard], address)],
        seconds=time.monotonic() - began,
        trouble=trouble,
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """How a partition ended, as :class:`Outcome` says it of them all."""

    verdict: RunVerdict
    events: int
    found: int


def _within(location: Location, messages: Sequence[MessageRecord]) -> list[MessageRecord]:
    """Return the messages that belong in a partition."""
    sharding = Sharding(location.partitions)
    return [each for each in messages if sharding.partition_of(int(each["guild_id"] or 0)) == location.partition]


async def _judged(
    location: Location, address: str, messages: Sequence[MessageRecord], own_id: int, addressed: AbstractSet[int]
) -> _Judged:
    """Judge a partition, in a folder that is made anew from the engine."""
    log = await _owning(location, address)
    try:
        verified = await check_log(log.reader, None)
        own = {int(each["id"]) for each in messages}
        verdict = await judge(log.reader, messages, own_id, addressed=addressed & own, verified=verified)
        astray = [
            Problem(Fault.RECORDED_TWICE, key, ", ".join(trail.recorded), "of another partition")
            for key, trail in (await read_trails(log.reader)).items()
            if trail.recorded and key not in own
        ]
        sent = [recorded.event async for recorded in log.reader.events(Query(types=(e.ReplySent.TYPE,)))]
    finally:
        await log.close()
    found = sum(1 for each in sent if isinstance(each, e.ReplySent) and each.proof is e.Proof.HISTORY)
    return _Judged(replace(verdict, problems=(*verdict.problems, *astray)), verified.events, found)


async def _owning(location: Location, address: str) -> EventLog:
    # Whoever was killed at the end, or was cut off, has not told that it left.
    partition = PostgresqlPartition(address, location.partition)
    engine = Engine(partition, time.monotonic, takeover=0.5, standby=True)
    return await open_log(location, clock=clock, full=False, engine=engine)


async def _fits(each: Supervised, anew: Location, address: str) -> bool:
    """Tell whether a host's folder, brought up to the engine, shows what one shows that was made anew."""
    own = replace(each.location, key_file=anew.key_path)
    log = await _owning(own, address)
    await log.close()
    # What is finished is told with the next record: the last that was is known only where it was.
    return shown_by(own.database, "unfinished") == shown_by(anew.database, "unfinished")


def by_reason(counts: Mapping[str, int]) -> str:
    """Return counts as lines."""
    return "\n".join(f"{reason} {count:,}" for reason, count in sorted(counts.items())) or "0"
