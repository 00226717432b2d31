"""What a run leaves behind: a JSON of every round's figures, and a table."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.compare.bench import Bench, filesystem
from benchmarks.compare.figures import Row
from bot import __version__

CONTENDERS = ("discord.py", "eventsource-py", "eventsourcing", "aiosqlite", "pydantic")
_HUNDRED, _TEN = 100, 10


def machine(bench: Bench) -> dict[str, Any]:
    """Return what the figures were measured on; memory as Linux tells it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "filesystem": filesystem(bench.folder),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "synchronous_default": _synchronous_default(bench.folder),
    }


def _synchronous_default(folder: Path) -> str:
    """Return what SQLite does where a library does not say: the contenders leave it at that."""
    path = folder / "default.db"
    connection = sqlite3.connect(path)
    try:
        (level,) = connection.execute("PRAGMA synchronous").fetchone()
    finally:
        connection.close()
        path.unlink(missing_ok=True)
    return ("off", "normal", "full", "extra")[level]


def to_json(bench: Bench, rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Return the whole run."""
    return {
        "machine": machine(bench),
        "versions": {"echoless": __version__} | {name: version(name) for name in CONTENDERS},
        "runs": bench.runs,
        "quick": bench.quick,
        "text": "recorded chat" if bench.chat.real else "invented, of the same lengths",
        "seconds": bench.seconds,
        "measurements": {name: [row.to_json() for row in some] for name, some in rows.items()},
    }


def write(path: Path, results: Mapping[str, Any]) -> None:
    """Write the JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def rows_of(results: Mapping[str, Any]) -> list[Row]:
    """Return every row of a JSON."""
    return [Row.from_json(row) for rows in results["measurements"].values() for row in rows]


def show(screen: Console, results: Mapping[str, Any]) -> None:
    """Print the table."""
    here = results["machine"]
    title = f"{results['runs']} rounds on {here['cores']} cores, {here['filesystem']}, Python {here['python']}"
    table = Table("what", "echoless", "contender", "ratio", "target", "met?", title=title)
    for column in ("echoless", "ratio", "target"):
        next(each for each in table.columns if each.header == column).justify = "right"
    for name, rows in results["measurements"].items():
        for stored in rows:
            table.add_row(*cells(Row.from_json(stored)))
        table.add_section()
        if not rows:
            table.add_row(f"{name}: failed")
    screen.print(table)
    for row in rows_of(results):
        if row.note:
            screen.print(f"{row.what}, {row.contender}: {row.note}", style="dim")


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
