"""How a chaos run ended: Discord's side against the log, and what the run met."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.chaos_script import Plan
from bot.cli.log_verify import check_log
from bot.core import events as e
from bot.demo.bot_process import BotProcess
from bot.demo.judge import RunVerdict, judge
from bot.eventlog.log import open_reader
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.responders.protocol import Trouble
from bot.sandbox.process import SandboxProcess


@dataclass(frozen=True, slots=True)
class Seen:
    """What the run itself counted; ``trouble`` says what cut it short, "" for nothing.

    ``connected_kills`` met a bot that was connected, ``inside`` counts those inside a request by its place.
    """

    plan: Plan
    addressed: frozenset[int]
    kills: int
    connected_kills: int
    inside: Mapping[str, int]
    troubles: Mapping[str, int]
    seconds: float
    trouble: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    ``found`` counts parts of replies of which only a look into the channel told that they are in Discord,
    ``broken_catchups`` the catch-ups of which no end is recorded, ``waits`` how often a question waited for a model.
    """

    seen: Seen
    verdict: RunVerdict
    sessions: int
    resumes: int
    failed_sends: dict[str, int]
    events: int
    found: int
    broken_catchups: int
    waits: int

    @property
    def ok(self) -> bool:
        """Tell whether the run came to its end and nothing is wrong."""
        return self.verdict.ok and not self.seen.trouble


async def judged(seen: Seen, sandbox: SandboxProcess, bot: BotProcess) -> Outcome:
    """Judge a run once the bot has stopped, and leave what the sandbox saw beside the log."""
    messages = await sandbox.control.messages()
    requests = await sandbox.control.requests()
    (bot.folder / "messages.json").write_text(json.dumps(messages), encoding="utf-8")
    (bot.folder / "requests.json").write_text(json.dumps(requests), encoding="utf-8")
    sessions = await sandbox.control.sessions()
    faults = await sandbox.control.faults()
    reader = await open_reader(bot.location)
    try:
        verified = await check_log(reader, None)
        found, broken, waits = await _evidence(reader)
        own_id = int(sandbox.application_id)
        verdict = await judge(reader, messages, own_id, addressed=seen.addressed, verified=verified)
    finally:
        await reader.close()
    return Outcome(
        seen=seen,
        verdict=verdict,
        sessions=sessions["identifies"],
        resumes=sessions["resumes"],
        failed_sends={
            f"{fault['kind']} {fault['status'] if fault['kind'] in ('status', 'page') else ''}".strip(): fault["hits"]
            for fault in faults
            if fault["when"] == "after" and fault["kind"] != "delay"
        },
        events=verified.events,
        found=found,
        broken_catchups=broken,
        waits=waits,
    )


async def _evidence(reader: Reader) -> tuple[int, int, int]:
    """Return how many parts a look found, how many catch-ups have no end, and how often a question waited."""
    found = broken = waits = 0
    types = (e.ReplySent.TYPE, e.ReplyDelayed.TYPE, e.CatchupStarted.TYPE, e.CatchupCompleted.TYPE)
    async for recorded in reader.events(Query(types=types)):
        match recorded.event:
            case e.ReplySent(proof=e.Proof.HISTORY):
                found += 1
            case e.ReplyDelayed(reason=reason):
                waits += Trouble.AWAY in reason
            case e.CatchupStarted():
                broken += 1
            case e.CatchupCompleted():
                broken -= 1
    return found, broken, waits
