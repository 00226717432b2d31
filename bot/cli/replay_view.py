"""A replayed state as tables."""

from __future__ import annotations

from rich.table import Table

from bot.cli.output import console, count_text, printable
from bot.core.outbox import Pending
from bot.core.window import Turn
from bot.moderation.replayed import Replayed
from bot.moderation.text import without_words
from bot.times import utc_time


def print_state(replayed: Replayed) -> None:
    """Write the state as tables."""
    screen, state = console(), replayed.state
    when = "before its first event" if replayed.recorded_at is None else utc_time(replayed.recorded_at)
    origin = (
        f"snapshot of version {replayed.snapshot_version} and what follows"
        if replayed.snapshot_version
        else "its first event on"
    )
    overview = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    rows = [
        ("channel", str(replayed.channel_id)),
        ("version", f"{state.version}, {when}"),
        ("folded from", origin),
        ("watermark", str(state.watermark_id)),
        ("flags", ", ".join(name for name, value in replayed.flags.items() if value) or "none"),
        ("counters", ", ".join(f"{name} {value:,}" for name, value in replayed.counters.items())),
    ]
    rows += [(name, printable(str(value))) for name, value in replayed.others.items() if value]
    for row in rows:
        overview.add_row(*row)
    screen.table(overview)
    if state.outbox:
        screen.table(_outbox(state.outbox))
    else:
        screen.print("The outbox is empty.")
    if state.window:
        screen.table(_window(replayed))
    else:
        screen.print("The window is empty.")


def _outbox(outbox: tuple[Pending, ...]) -> Table:
    table = Table(
        "message", "asked by", "requested", "text", "parts sent", "attempts", title="outbox", title_justify="left"
    )
    table.columns[0].no_wrap = True
    for entry in outbox:
        sent = f"{sum(1 for part in entry.sent_ids if part)} of {len(entry.sent_ids)}" if entry.composed else "-"
        table.add_row(
            str(entry.message_id),
            str(entry.author_id),
            utc_time(entry.requested_at),
            f"event {entry.composed_position}" if entry.composed else "not yet",
            sent,
            str(entry.attempts),
        )
    return table


def _window(replayed: Replayed) -> Table:
    turns = replayed.state.window
    table = Table(
        "message", "role", "author", "event", title=f"window: {count_text(len(turns), 'turn')}", title_justify="left"
    )
    table.columns[0].no_wrap = True
    if replayed.bodies is not None:
        table.add_column("words", overflow="fold")
    for turn in turns:
        row = [str(turn.message_id), turn.role.name.lower(), str(turn.author_id or "-"), str(turn.position)]
        if replayed.bodies is not None:
            row.append(_said(replayed, turn))
        table.add_row(*row)
    return table


def _said(replayed: Replayed, turn: Turn) -> str:
    words, name = replayed.words(turn), replayed.name(turn)
    if words is None:
        return without_words(replayed.bodies, turn.position)
    return f"{printable(name)}: {printable(words)}" if name else printable(words)
