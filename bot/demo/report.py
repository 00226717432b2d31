"""The demo's report: a table of what was sent and answered, and the events of one conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.log_verify import VerifyReport
from bot.cli.output import console, count_text, printable
from bot.cli.records import TerminalLine, lines, quote
from bot.core.events import (
    BotStarted,
    CatchupCompleted,
    MessageReceived,
    MessageSkipped,
    Proof,
    Recorded,
    ReplyAbandoned,
    ReplyComposed,
    ReplyDelayed,
    ReplyRequested,
    ReplySent,
)
from bot.core.streams import channel_of
from bot.demo.acts import Act
from bot.demo.judge import RunVerdict
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.times import utc_time

BEFORE, AFTER = 10, 18
"""The numbers of events in the timeline before and after the bot's return."""

PROBLEMS_SHOWN = 20

_CELLS = {"time": "00:00:00.000Z", "event": "catchup.completed", "message": "…0000000", "": "…0000000 by response"}
"""The widest values of the timeline's columns."""


@dataclass(frozen=True, slots=True)
class DemoReport:
    """The result of the demo; ``trouble`` says why it was cut short ("": it was not), ``engine`` what keeps the log."""

    seed: int
    rate: str
    acts: Sequence[Act]
    kills: int
    verdict: RunVerdict
    verified: VerifyReport
    timeline: Sequence[TerminalLine]
    trouble: str = ""
    engine: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the demo was completed without a fault."""
        return not self.trouble and self.verdict.ok

    @property
    def seconds(self) -> float:
        """Return the seconds that the acts took."""
        return sum(act.seconds for act in self.acts)

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` writes."""
        return {
            **self.verdict.to_json(),
            "ok": self.ok,
            "kills": self.kills,
            "engine": self.engine or "sqlite",
            "seed": self.seed,
            "rate_limit": self.rate,
            "seconds": round(self.seconds, 1),
            "trouble": self.trouble,
            "acts": [{"name": act.name, "seconds": round(act.seconds, 2)} for act in self.acts],
            "verify": self.verified.to_json(with_key=True),
            "timeline": [line.to_json() for line in self.timeline],
        }


async def timeline(reader: Reader) -> list[TerminalLine]:
    """Return the events around the bot's return, of the channel in which it found what it had sent before the kill.

    The starts of the bot are among them.
    """
    found = [recorded async for recorded in reader.events(Query(types=(ReplySent.TYPE, BotStarted.TYPE)))]
    starts = [recorded for recorded in found if isinstance(recorded.event, BotStarted)]
    recovered = [item for item in found if isinstance(item.event, ReplySent) and item.event.proof is Proof.HISTORY]
    sent = [item for item in found if isinstance(item.event, ReplySent)]
    chosen = next(iter(recovered or sent), None)
    if chosen is None:
        return []
    events = [recorded async for page in reader.tail(chosen.stream) for recorded in page]
    merged = sorted([*events, *starts], key=lambda recorded: recorded.position)
    return await lines(reader, _around(merged, starts[-1], chosen), words=True)


def _around(events: Sequence[Recorded], start: Recorded, chosen: Recorded) -> Sequence[Recorded]:
    """Return the events around ``start`` and, if ``chosen`` comes later, those that lead to it."""
    at, goal = events.index(start), events.index(chosen)
    begin, half = max(0, at - BEFORE), AFTER // 2
    if goal < at + AFTER:
        return events[begin : at + AFTER]
    return [*events[begin : at + half], *events[goal - half + 1 : goal + 1]]


def print_report(report: DemoReport) -> None:
    """Write the timeline, the table and all problems."""
    screen = console()
    if report.timeline:
        screen.table(_timeline(report.timeline, screen.width if screen.is_terminal else None))
    screen.table(_table(report))
    for problem in report.verdict.problems[:PROBLEMS_SHOWN]:
        screen.print(Text(printable(str(problem)), style="red"))
    if report.trouble:
        screen.print(Text(report.trouble, style="red"))
    _print_verdict(screen, report)


def _table(report: DemoReport) -> Table:
    verdict = report.verdict
    table = Table(show_header=False, title="what was sent and answered", title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    rows = [
        ("messages posted", verdict.posted),
        ("recorded", verdict.recorded),
        ("addressed to the bot", verdict.addressed),
        ("answered", verdict.answered),
        *((f"not answered: {reason}", number) for reason, number in sorted(verdict.skipped.items())),
        *((f"given up: {reason}", number) for reason, number in sorted(verdict.abandoned.items())),
        ("replies in Discord", verdict.replies),
        ("kill -9", report.kills),
    ]
    for name, number in rows:
        table.add_row(name, f"{number:,}")
    table.add_section()
    for name, number in (
        ("doubled", verdict.doubled),
        ("lost", verdict.lost),
        ("out of order", verdict.out_of_order),
    ):
        table.add_row(name, Text(f"{number:,}", style="bold red" if number else "bold green"))
    return table


def _timeline(shown: Sequence[TerminalLine], width: int | None) -> Table:
    """Return the timeline; words, but never times or ids, are cut to the ``width`` of a terminal."""
    place = next((line.recorded.stream for line in shown if channel_of(line.recorded.stream)), "")
    table = Table(box=None, padding=(0, 1, 0, 0), title=f"{place} around the kill -9", title_justify="left")
    for name, widest in _CELLS.items():
        table.add_column(name, no_wrap=True, width=len(widest))
    room = None if width is None else max(width - sum(len(widest) + 1 for widest in _CELLS.values()), 1)
    table.add_column("words", no_wrap=True)
    for line in shown:
        recorded = line.recorded
        started = isinstance(recorded.event, BotStarted)
        if started:
            table.add_row()
        table.add_row(
            utc_time(recorded.recorded_at)[11:],
            recorded.event.form.type,
            "" if recorded.correlation is None else _short(recorded.correlation),
            _about(recorded),
            _cut("" if line.body is None else quote(line.body), room),
            style="bold" if started else "green" if isinstance(recorded.event, ReplySent) else "",
        )
    return table


def _cut(words: str, width: int | None) -> Text:
    text = Text(words)
    if width is not None:
        text.truncate(width, overflow="ellipsis")
    return text


def _short(snowflake: int) -> str:
    """Return the end of an id, which distinguishes ids of the same minute."""
    return f"…{str(snowflake)[-7:]}"


def _about(recorded: Recorded) -> str:
    """Return the fields of an event without ids and words."""
    match recorded.event:
        case MessageReceived(via=via):
            return via
        case ReplyRequested(call=call):
            return f"by {call}"
        case ReplyComposed(parts=parts):
            return count_text(parts, "part")
        case ReplySent(sent_id=sent_id, proof=proof):
            return f"{_short(sent_id)} by {proof}"
        case MessageSkipped(reason=reason) | ReplyAbandoned(reason=reason) | ReplyDelayed(reason=reason):
            return reason
        case BotStarted(pid=pid):
            return f"process {pid}"
        case CatchupCompleted(count=count):
            return count_text(count, "new message")
        case _:
            return ""


def _print_verdict(screen: Console, report: DemoReport) -> None:
    log = report.verified
    whole = "verified" if not log.findings else f"damaged ({count_text(len(log.findings), 'finding')})"
    screen.print(
        f"{report.seconds:.0f} s, seed {report.seed}, rate limit {report.rate}; "
        f"the log of {count_text(log.events, 'event')}{f' in {report.engine}' if report.engine else ''} is {whole}."
    )
    if report.ok:
        screen.print(Text("Nothing was lost, nothing was doubled.", style="bold green"))
    else:
        screen.print(Text("The demo failed: see above.", style="bold red"))
