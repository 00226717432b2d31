"""What a run leaves behind: a JSON of every round's figures, and a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.compare import machine
from benchmarks.compare.bench import Bench
from benchmarks.compare.figures import Row
from benchmarks.compare.revision import Revision
from bot import __version__

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "results"
"""Where whole runs are kept, a file for each machine."""

PACKAGES = (
    "discord.py",
    "eventsource-py",
    "eventsourcing",
    "py-event-sourcing",
    "umadb",
    "aiosqlite",
    "pydantic",
)
_HUNDRED, _TEN = 100, 10


def to_json(bench: Bench, revision: Revision, rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Return the whole run."""
    here = machine.machine(bench.folder)
    return {
        "name": machine.name(here),
        "commit": revision.commit,
        "clean": revision.clean,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": here,
        "versions": {"echoless": __version__} | dict(_versions(PACKAGES)),
        "runs": bench.runs,
        "quick": bench.quick,
        "text": "recorded chat" if bench.chat.real else "invented, of the same lengths",
        "seconds": bench.seconds,
        "measurements": {name: [row.to_json() for row in some] for name, some in rows.items()},
    }


def _versions(packages: Iterable[str]) -> Iterable[tuple[str, str]]:
    for package in packages:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            yield package, "not installed"


def write(path: Path, found: Mapping[str, Any]) -> None:
    """Write the JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """Read a JSON."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def rows_of(found: Mapping[str, Any]) -> list[Row]:
    """Return every row of a JSON."""
    return [Row.from_json(row) for rows in found["measurements"].values() for row in rows]


def revision_of(found: Mapping[str, Any]) -> Revision:
    """Return the revision that a JSON was measured at."""
    return Revision(found["commit"], found["clean"])


def show(screen: Console, found: Mapping[str, Any]) -> None:
    """Print the table."""
    here = found["machine"]
    title = f"{revision_of(found)}, {found['runs']} rounds: {machine.sentence(here)}"
    table = Table("what", "echoless", "contender", "ratio", "target", "met?", title=title, caption=_caption(found))
    for column in ("echoless", "ratio", "target"):
        next(each for each in table.columns if each.header == column).justify = "right"
    for name, rows in found["measurements"].items():
        for stored in rows:
            table.add_row(*cells(Row.from_json(stored)))
        table.add_section()
        if not rows:
            table.add_row(f"{name}: failed")
    screen.print(table)
    for row in rows_of(found):
        if row.note:
            screen.print(f"{row.what}, {row.contender}: {row.note}", style="dim")


def _caption(found: Mapping[str, Any]) -> str:
    quick = " A quick run is too short for checkpoints and for percentiles: it shows that everything works."
    return f"{found['machine']['interpreter']}.{quick if found['quick'] else ''}"


def cells(row: Row) -> tuple[str, str, str, str, str, str]:
    """Return a row's cells."""
    return (
        row.what,
        f"{number(median(row.ours))} {row.unit}",
        f"{row.contender}: {number(median(row.theirs))}" if row.theirs else "-",
        "-" if row.ratio is None else f"{row.ratio:.2f} x",
        "-" if row.target is None else row.target.text(row.unit),
        {None: "-", True: "yes", False: f"no, {row.reach or 0:.0%}"}[row.met],
    )


def number(value: float) -> str:
    """Write a figure with three digits at least."""
    if value >= _HUNDRED:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= _TEN else f"{value:.2f}"
