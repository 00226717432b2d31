"""How results are written: JSON for machines, tables for eyes, nothing that could drive a terminal."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.moderation.text import ID_FIELDS, count_text, iso_time, plain, printable, size_text

__all__ = [
    "ID_FIELDS",
    "console",
    "count_text",
    "iso_time",
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
    """Return the JSON of ``value`` on one line, in plain ASCII: words of people must not drive a terminal."""
    return json.dumps(value, separators=(",", ":"))


class _Console(Console):
    """A console that leaves it to the command line what happens when nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """Raise what the write raised; rich would leave with exit code 1."""
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Return a console for tables; off a terminal it is wide, so that nothing is cut for a pipe."""
    made = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, emoji=False, markup=False, width=200)


def progress() -> Progress:
    """Return a progress bar on stderr, shown on a terminal alone."""
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
