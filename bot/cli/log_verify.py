"""The verification of the log, for ``echoless log verify`` and for the judges of demo and benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import click
from rich.progress import Progress

from bot.cli.output import count_text, printable
from bot.cli.records import say
from bot.errors import LogError, LogUnwritable
from bot.eventlog.anchor import Anchor
from bot.eventlog.reader import Reader
from bot.eventlog.remote.comparing import Comparison
from bot.eventlog.remote.following import away
from bot.eventlog.remote.port import Partition, Unsure
from bot.eventlog.remote.view import is_view
from bot.eventlog.verify import verify
from bot.eventlog.verify_events import Finding


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What of the engine that keeps the log was looked at; ``left_out`` is why nothing was ("": it was).

    ``records`` counts those that it has in common with the folder, ``newer`` those that the folder does not show yet,
    ``unerased`` the events whose words are erased in the folder and have still to go from the engine.
    """

    name: str = ""
    left_out: str = ""
    records: int = 0
    newer: int = 0
    unerased: int = 0


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of a verification; ``seconds`` is its duration, ``erased`` counts events whose words are gone.

    ``engine`` is None for a log that no engine keeps.
    """

    events: int
    streams: int
    seconds: float
    findings: tuple[Finding, ...] = ()
    erased: int = 0
    engine: EngineReport | None = None

    @property
    def rate(self) -> float:
        """Return the events checked per second."""
        return self.events / max(self.seconds, 1e-6)

    def to_json(self, *, with_key: bool) -> dict[str, Any]:
        """Return the closing object of ``--json``; hashes and words are only checked with the key."""
        return {
            "ok": not self.findings,
            "events": self.events,
            "streams": self.streams,
            "findings": len(self.findings),
            "erased": self.erased,
            "hashes_checked": with_key,
            "words_checked": with_key,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.rate),
            **({} if self.engine is None else {"engine": asdict(self.engine)}),
        }


async def check_log(
    reader: Reader,
    stream: str | None,
    bar: Progress | None = None,
    report: Callable[[Finding], object] = lambda _: None,
    *,
    anchor: Anchor | None = None,
) -> VerifyReport:
    """Verify one stream, or the whole log, against an anchor if there is one; call ``report`` with each finding."""
    began = time.monotonic()
    streams = [info for info in await reader.streams() if stream in (None, info.name)]
    task = bar.add_task("verify", total=sum(info.version for info in streams)) if bar else None
    events = erased = 0
    findings: list[Finding] = []

    async for page in verify(reader, stream, anchor=anchor):
        events += page.events
        erased += page.erased
        findings.extend(page.findings)
        for finding in page.findings:
            report(finding)
        if bar is not None and task is not None:
            bar.advance(task, page.events)
    return VerifyReport(events, len(streams), time.monotonic() - began, tuple(findings), erased)


async def shows_engine(reader: Reader) -> bool:
    """Tell whether an engine keeps the log; a damaged one that can't tell was found already."""
    try:
        return await reader.connection.run(is_view)
    except LogError:
        return False


async def check_engine_too(
    reader: Reader,
    partition: Partition,
    checked: VerifyReport,
    bar: Progress,
    report: Callable[[Finding], object],
) -> VerifyReport:
    """Compare a view that was ``checked`` with the engine that keeps its log; call ``report`` with each finding.

    Raises LogUnwritable where the engine can't be asked.
    """
    task = bar.add_task("compare", total=checked.events)
    comparison = Comparison(partition, reader.connection)
    findings: list[Finding] = []
    try:
        await partition.open()
        async for events, found in comparison.run():
            bar.advance(task, events)
            findings += found
            for finding in found:
                report(finding)
    except Unsure as error:
        raise LogUnwritable(f"{away(partition, error)} With --local only the folder is checked.") from error
    finally:
        await partition.close()
    engine = EngineReport(partition.name, "", comparison.records, comparison.newer, comparison.unerased)
    return replace(checked, findings=(*checked.findings, *findings), engine=engine)


def print_finding(finding: Finding) -> None:
    """Write one finding as a line."""
    say(click.style("WRONG  ", fg="red", bold=True) + printable(str(finding)))


def print_report(report: VerifyReport, *, with_key: bool) -> None:
    """Write the closing sentences."""
    if not with_key:
        click.echo("Hashes and words were not checked: there is no key to them here.", err=True)
    verdict = (
        click.style("all is well", fg="green")
        if not report.findings
        else click.style(count_text(len(report.findings), "finding"), fg="red", bold=True)
    )
    say(
        f"Checked {count_text(report.events, 'event')} in {count_text(report.streams, 'stream')} "
        f"in {report.seconds:.2f} s ({report.rate:,.0f} a second): {verdict}."
    )
    if report.erased:
        say(f"The words of {count_text(report.erased, 'event')} are erased.")
    if report.engine is not None:
        say(_engine_line(report.engine, whole=not report.findings))
    newer = sum(finding.newer for finding in report.findings)
    if newer:
        say(f"{count_text(newer, 'event')} may be of a newer release: use that one to read them.")
    if len(report.findings) > newer:
        say("Keep the folder as it is, and restore a backup beside it: what is wrong was changed outside the bot.")


def _engine_line(engine: EngineReport, *, whole: bool) -> str:
    if engine.left_out:
        return f"The engine that keeps the log was not looked at: {engine.left_out}."
    records = count_text(engine.records, "record")
    said = [f"one chain of {records}" if whole else f"{records} compared"]
    if engine.newer:
        said.append(f"the engine has {count_text(engine.newer, 'record')} more, which the folder does not show yet")
    if engine.unerased:
        said.append(f"erased words of {count_text(engine.unerased, 'event')} have still to go from the engine")
    return f"Folder and {engine.name}: {'; '.join(said)}."
