"""The log in numbers, for ``echoless log stats``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from bot.cli.output import console, count_text, size_text
from bot.core.streams import channel_of, stream_of
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader, StreamInfo
from bot.eventlog.stats import Stats
from bot.moderation.display_names import beside, partners_of
from bot.times import SECOND, iso_time, utc_time

LATELY = 60
"""Seconds over which the current rate is measured."""


@dataclass(frozen=True, slots=True)
class StatsReport:
    """The log in numbers; ``lately`` counts the events of the last minute, ``streams`` begins with the longest.

    ``names`` holds the names of streams that the log knows.
    """

    stats: Stats
    streams: tuple[StreamInfo, ...]
    disk: int
    lately: int
    names: Mapping[str, str]

    @property
    def rate_lately(self) -> float:
        """Return the events per second of the last minute."""
        return self.lately / LATELY

    @property
    def rate_overall(self) -> float:
        """Return the events per second from the first event to the last."""
        if self.stats.first_at is None or self.stats.last_at is None:
            return 0.0
        return self.stats.events * SECOND / max(self.stats.last_at - self.stats.first_at, SECOND)

    def to_json(self, limit: int) -> dict[str, Any]:
        """Return what ``--json`` writes, with the longest ``limit`` streams (0: all)."""
        stats = self.stats
        return {
            "events": stats.events,
            "streams": stats.streams,
            "bodies": stats.bodies,
            "snapshots": stats.snapshots,
            "unreadable": stats.unreadable,
            "unreadable_words": stats.unreadable_words,
            "bytes": self.disk,
            "first_at": None if stats.first_at is None else iso_time(stats.first_at),
            "last_at": None if stats.last_at is None else iso_time(stats.last_at),
            "per_second": {"last_minute": round(self.rate_lately, 3), "overall": round(self.rate_overall, 3)},
            "types": stats.types,
            "by_stream": {stream.name: stream.version for stream in self.streams[: limit or None]},
            "names": {
                stream.name: self.names[stream.name]
                for stream in self.streams[: limit or None]
                if stream.name in self.names
            },
        }


async def collect(reader: Reader, path: Path, now: int) -> StatsReport:
    """Return the numbers of the log whose database is at ``path``; ``now`` in microseconds since the epoch."""
    streams = sorted(await reader.streams(), key=lambda stream: (-stream.version, stream.name))
    channels = [channel_id for stream in streams if (channel_id := channel_of(stream.name)) is not None]
    partners = await partners_of(reader, channels)
    return StatsReport(
        await reader.stats(),
        tuple(streams),
        _disk(path),
        await _count_since(reader, now - LATELY * SECOND),
        {stream_of(channel_id): name for channel_id, name in partners.items()},
    )


def print_stats(report: StatsReport, limit: int) -> None:
    """Write the numbers as tables, with the longest ``limit`` streams (0: all)."""
    screen, stats = console(), report.stats
    overview = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    rows = [
        ("events", f"{stats.events:,}"),
        ("streams", f"{stats.streams:,}"),
        ("bodies", f"{stats.bodies:,}"),
        ("snapshots", f"{stats.snapshots:,}"),
        *((("unreadable", unreadable),) if (unreadable := _unreadable(stats)) else ()),
        ("size on disk", size_text(report.disk)),
        ("first event", "-" if stats.first_at is None else utc_time(stats.first_at)),
        ("last event", "-" if stats.last_at is None else utc_time(stats.last_at)),
        ("events per second", f"{report.rate_lately:,.2f} in the last minute, {report.rate_overall:,.2f} overall"),
    ]
    for row in rows:
        overview.add_row(*row)
    screen.table(overview)
    by_type = _counting("type")
    for name, number in stats.types.items():
        by_type.add_row(name, f"{number:,}")
    by_stream = _counting("stream")
    listed = report.streams[: limit or None]
    named = any(stream.name in report.names for stream in listed)
    if named:
        by_stream.add_column("name")
    for stream in listed:
        called = (beside(report.names.get(stream.name)),) if named else ()
        by_stream.add_row(stream.name, f"{stream.version:,}", *called)
    screen.table(by_type)
    screen.table(by_stream)
    if len(listed) < len(report.streams):
        more = count_text(len(report.streams) - len(listed), "shorter stream")
        screen.print(f"and {more}: --limit 0 lists all.")


def _unreadable(stats: Stats) -> str:
    """Return what can't be read, "" where everything can."""
    words = stats.unreadable_words
    found = (
        count_text(stats.unreadable, "event") if stats.unreadable else "",
        f"the words of {count_text(words, 'event')}" if words else "",
    )
    return " and ".join(filter(None, found))


def _counting(name: str) -> Table:
    table = Table(title_justify="left")
    table.add_column(name)
    table.add_column("events", justify="right")
    return table


def _disk(path: Path) -> int:
    """Return the bytes of the database and of SQLite's files beside it, which can vanish at any moment."""
    total = 0
    for suffix in ("", "-wal", "-shm"):
        try:
            total += path.with_name(path.name + suffix).stat().st_size
        except FileNotFoundError:
            continue
    return total


async def _count_since(reader: Reader, moment: int) -> int:
    """Count the events since ``moment``, from the newest on; a condition on the time would read the older ones, too."""
    number = 0
    async for recorded in reader.events(Query(newest_first=True)):
        if recorded.recorded_at < moment:
            break
        number += 1
    return number
