"""Writing results: JSON for machines, tables for people, and no characters that could control a terminal."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bot.moderation.text import ID_FIELDS, count_text, plain, printable, size_text

__all__ = [
    "ID_FIELDS",
    "TableConsole",
    "console",
    "count_text",
    "plain",
    "printable",
    "progress",
    "say_json",
    "size_text",
    "to_json",
]


def say_json(value: object) -> None:
    """Write one JSON value as a line."""
    click.echo(to_json(value))


def to_json(value: object) -> str:
    """Return the JSON of ``value`` on one line in ASCII, so that people's words can't control a terminal."""
    return json.dumps(value, separators=(",", ":"))


class TableConsole(Console):
    """A console whose tables also suit a pipe. A broken pipe is left to the command line."""

    def on_broken_pipe(self) -> None:
        """Raise the error of the write; rich would exit with code 1."""
        raise BrokenPipeError

    def table(self, table: Table) -> None:
        """Write a table: drawn on a terminal; elsewhere one line for each row, with tabs between uncut cells."""
        if self.is_terminal:
            self.print(table)
            return
        rows = zip(*(map(_flat, column.cells) for column in table.columns), strict=True)
        lines = ["\t".join(row) if any(row) else "" for row in rows]
        if table.show_header:
            lines.insert(0, "\t".join(_flat(column.header) for column in table.columns))
        if table.title is not None:
            lines.insert(0, _flat(table.title))
        click.echo("\n".join(lines), file=self.file)  # rich would turn the tabs into spaces


def _flat(cell: object) -> str:
    """Return a cell as one line without tabs."""
    return " ".join((cell.plain if isinstance(cell, Text) else str(cell)).split("\t")).replace("\n", " ")


def console(*, stderr: bool = False) -> TableConsole:
    """Return a console for results. On a pipe it does not break lines."""
    made = TableConsole(stderr=stderr, highlight=False, emoji=False, markup=False)
    made.soft_wrap = not made.is_terminal
    return made


def progress() -> Progress:
    """Return a progress bar on stderr, which shows only on a terminal."""
    screen = console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )
