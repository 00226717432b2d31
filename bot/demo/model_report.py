"""The report of ``echoless demo --llm``: questions, answers, tokens and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from bot.cli.output import console, count_text, printable
from bot.cli.records import quote
from bot.core.events import (
    MessageReceived,
    MessageSkipped,
    Recorded,
    ReplyAbandoned,
    ReplyComposed,
    ReplyDelayed,
    ReplySent,
)
from bot.core.streams import stream_of
from bot.demo.judge import RunVerdict
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.times import SECOND


@dataclass(slots=True)
class Exchange:
    """A question and its answer; ``trouble`` says why there is none, or why it came late."""

    message_id: int
    asked: str = ""
    answered: str = ""
    by: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ModelReport:
    """The result of the demo; ``trouble`` says why it was cut short ("": it was not)."""

    model: str
    exchanges: Sequence[Exchange]
    verdict: RunVerdict
    seconds: float
    trouble: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether each question was answered once."""
        return not self.trouble and self.verdict.ok and all(each.answered for each in self.exchanges)

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` writes."""
        asked = [asdict(each) | {"message_id": str(each.message_id)} for each in self.exchanges]
        return {
            **self.verdict.to_json(),
            "ok": self.ok,
            "model": self.model,
            "seconds": round(self.seconds, 1),
            "trouble": self.trouble,
            "exchanges": asked,
        }


async def exchanges(reader: Reader, asked: Mapping[int, int]) -> list[Exchange]:
    """Return the exchanges of messages, which are given with their channels, from the log."""
    return [await _exchange(reader, message_id, channel_id) for message_id, channel_id in asked.items()]


async def _exchange(reader: Reader, message_id: int, channel_id: int) -> Exchange:
    query = Query(stream=stream_of(channel_id), message_id=message_id)
    found = [recorded async for recorded in reader.events(query)]
    bodies = await reader.bodies(recorded.position for recorded in found)
    exchange = Exchange(message_id)
    for recorded in found:
        body = bodies.get(recorded.position)
        _follow(exchange, recorded, "" if body is None else quote(body), found[0].recorded_at)
    return exchange


def _follow(exchange: Exchange, recorded: Recorded, words: str, began: int) -> None:
    match recorded.event:
        case MessageReceived():
            exchange.asked = words
        case ReplyComposed() as composed:
            exchange.answered = words
            exchange.by = composed.model or composed.responder
            exchange.tokens_in, exchange.tokens_out = composed.tokens_in, composed.tokens_out
        case ReplySent():
            exchange.seconds, exchange.trouble = (recorded.recorded_at - began) / SECOND, ""
        case MessageSkipped(reason=reason):
            exchange.trouble = reason
        case ReplyDelayed(reason=reason):
            exchange.trouble = reason
        case ReplyAbandoned(reason=reason, detail=detail, together_with=other):
            exchange.answered = ""
            exchange.trouble = f"{reason} ({detail or other or exchange.trouble})"
        case _:
            return


def print_model_report(report: ModelReport) -> None:
    """Write the table and all problems."""
    screen, verdict = console(), report.verdict
    table = Table(title=f"asked of {printable(report.model)}", title_justify="left")
    table.add_column("asked", overflow="fold", ratio=2)
    table.add_column("answered", overflow="fold", ratio=3)
    table.add_column("by", overflow="fold")
    for name in ("in", "out", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in report.exchanges:
        answered = Text(each.answered) if each.answered else Text(f"[{each.trouble or 'no answer'}]", style="red")
        table.add_row(
            Text(each.asked), answered, each.by, f"{each.tokens_in:,}", f"{each.tokens_out:,}", f"{each.seconds:.1f}"
        )
    read, written = (sum(getattr(each, name) for each in report.exchanges) for name in ("tokens_in", "tokens_out"))
    table.add_section()
    table.add_row("tokens in and out", "", "", f"{read:,}", f"{written:,}", "")
    screen.table(table)
    for problem in verdict.problems:
        screen.print(Text(printable(str(problem)), style="red"))
    if report.trouble:
        screen.print(Text(report.trouble, style="red"))
    screen.print(
        f"{report.seconds:.0f} s; {count_text(verdict.posted, 'message')} posted, {verdict.recorded} recorded, "
        f"{verdict.addressed} addressed to the bot, {verdict.answered} answered, {verdict.doubled} doubled, "
        f"{verdict.lost} lost."
    )
    if report.ok:
        screen.print(Text("Nothing was lost, nothing was doubled.", style="bold green"))
    else:
        screen.print(Text("The demo failed: see above.", style="bold red"))
