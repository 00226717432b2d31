"""How a run over several hosts ended: Discord's side against the log in the engine, and that against its views."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.hosts.bots import Supervised
from benchmarks.hosts.run import Takeovers
from benchmarks.hosts.script import Plan
from bot.app.bot import clock
from bot.cli.log_verify import check_log
from bot.core import events as e
from bot.demo.judge import RunVerdict, judge
from bot.eventlog.location import KEY_FILE, Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.query import Query
from bot.eventlog.remote.opening import Engine
from bot.sandbox.process import SandboxProcess
from tests.engines.emulators import partition_of
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
            "hosts, processes": f"{self.plan.hosts}, {len(self.played.bots)}",
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
    log = await _owning(folder / JUDGE, folder / KEY_FILE, address)
    try:
        verified = await check_log(log.reader, None)
        own_id, addressed = int(sandbox.application_id), played.talk.addressed
        verdict = await judge(log.reader, messages, own_id, addressed=addressed, verified=verified)
        sent = [recorded.event async for recorded in log.reader.events(Query(types=(e.ReplySent.TYPE,)))]
    finally:
        await log.close()
    return Outcome(
        plan=played.plan,
        verdict=verdict,
        played=played,
        events=verified.events,
        claims=claims,
        found=sum(1 for each in sent if isinstance(each, e.ReplySent) and each.proof is e.Proof.HISTORY),
        other=[each.bot.folder.name for each in played.bots if not await _fits(each, folder / JUDGE, address)],
        seconds=time.monotonic() - began,
        trouble=trouble,
    )


async def _owning(folder: Path, key_file: Path, address: str) -> EventLog:
    # Whoever was killed at the end, or was cut off, has not told that it left.
    engine = Engine(partition_of(address), time.monotonic, takeover=0.5, standby=True)
    return await open_log(Location(folder, key_file=key_file), clock=clock, full=False, engine=engine)


async def _fits(each: Supervised, judge_folder: Path, address: str) -> bool:
    """Tell whether a host's folder, brought up to the engine, shows what one shows that was made anew."""
    log = await _owning(each.bot.location.folder, judge_folder.parent / KEY_FILE, address)
    await log.close()
    # What is finished is told with the next record: the last that was is known only where it was.
    own, anew = (shown_by(path, "unfinished") for path in (each.bot.location.database, Location(judge_folder).database))
    return own == anew


def by_reason(counts: Mapping[str, int]) -> str:
    """Return counts as lines."""
    return "\n".join(f"{reason} {count:,}" for reason, count in sorted(counts.items())) or "0"
