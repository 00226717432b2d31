"""Playing at the command line: waiting for a bot, a progress bar, a table at the end."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bot.sandbox.play import Player, Summary


async def play_recording(player: Player, total: int, quiet: float, console: Console) -> Summary:
    """Wait for a bot, play, wait until it is quiet for so many seconds, and print what happened."""
    console.print("Waiting for a bot to connect ...")
    await player.wait_for_bot()
    console.print(f"A bot is ready: playing {total:,} messages.")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("posted", total=total)
        await player.play(lambda: progress.advance(task))
    console.print(f"Posted. Waiting until the bot has said nothing for {quiet:g} seconds ...")
    await player.wait_for_quiet(quiet)
    summary = player.summary()
    _print_table(summary_table(summary), console)
    rate = summary.posted.total() / summary.seconds if summary.seconds else 0.0
    console.print(f"{summary.posted.total():,} messages in {summary.seconds:.1f} s ({rate:,.0f} a second).")
    return summary


def _print_table(table: Table, console: Console) -> None:
    """Draw a table on a terminal; elsewhere write a line a row, with tabs between its cells."""
    if console.is_terminal:
        console.print(table)
        return
    columns = [(str(column.header), *map(str, column.cells), str(column.footer)) for column in table.columns]
    console.file.write("".join("\t".join(row) + "\n" for row in zip(*columns, strict=True)))


def summary_table(summary: Summary) -> Table:
    """Build the table: a row a channel, and the sums."""
    table = Table(show_footer=True)
    names = ("posted", "replies", "answered", "more than one reply")
    counters = (summary.posted, summary.replies, summary.answered, summary.doubled)
    table.add_column("channel", footer="all")
    for name, counter in zip(names, counters, strict=True):
        table.add_column(name, justify="right", footer=f"{counter.total():,}")
    for channel in sorted(summary.posted):
        table.add_row(channel, *(f"{counter[channel]:,}" for counter in counters))
    return table
