"""Plays recorded chat to the bot: at the recorded pace, faster, or as fast as the gateway takes it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bot.sandbox import posting
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Channel, Message
from bot.sandbox.recordings import RecordedMessage
from bot.sandbox.services import Services

_BREATH = 100


@dataclass(slots=True)
class Summary:
    """What was played, and the replies, by channel; ``doubled`` counts messages with more than one reply."""

    seconds: float = 0.0
    posted: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    doubled: Counter[str] = field(default_factory=Counter)

    def payload(self) -> Json:
        """Build the JSON."""
        counters = {"posted": self.posted, "replies": self.replies, "answered": self.answered, "doubled": self.doubled}
        return {"seconds": round(self.seconds, 3), **{name: dict(+counter) for name, counter in counters.items()}}


class Player:
    """Posts recorded messages, each into the channel of its name."""

    def __init__(self, services: Services, lines: list[RecordedMessage], *, speed: float | None) -> None:
        """Take the messages in order; ``speed`` divides the pauses, None leaves them out."""
        self._services = services
        self._world = services.world
        self._lines = lines
        self._speed = speed
        self._posted: dict[int, str] = {}
        self._seconds = 0.0

    async def wait_for_bot(self) -> None:
        """Wait until a bot is connected and ready."""
        await self._world.changes.wait_for(lambda: self._services.hub.ready_sessions() or None)

    def prepare(self) -> dict[str, Channel]:
        """Find the text channel of each name, or create it."""
        present = {channel.name: channel for channel in self._services.guild.channels.values()}
        for name in sorted({line.channel for line in self._lines}):
            if name not in present:
                present[name] = self._world.create_channel(self._services.guild, name)
        return present

    async def play(self, advance: Callable[[], None]) -> None:
        """Post every line; ``advance`` is called after each."""
        channels = self.prepare()
        started = time.monotonic()
        for number, line in enumerate(self._lines):
            await self._keep_pace(number, line, started)
            author = self._world.named_user(line.author, bot=line.bot)
            self._world.add_member(self._services.guild, author)
            message = posting.post(self._world, Message(channels[line.channel], author, line.content))
            self._posted[message.id] = line.channel
            advance()
        await self._services.hub.drained()
        self._seconds = time.monotonic() - started

    async def _keep_pace(self, number: int, line: RecordedMessage, started: float) -> None:
        if self._speed is not None:
            pause = started + line.offset / self._speed - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
                return
        if number % _BREATH == 0:
            await self._services.hub.breathe()

    async def wait_for_quiet(self, seconds: float) -> None:
        """Wait until no bot has said anything for some seconds."""
        newer = True
        while newer:
            look = partial(self._newer, self._last_bot_message())
            newer = await self._world.changes.wait_for(look, seconds) is not None

    def _last_bot_message(self) -> int:
        return next((item.id for item in self._newest_first() if self._by_application(item)), 0)

    def _newest_first(self) -> list[Message]:
        first = min(self._posted, default=0)
        return self._world.messages_after(first)[::-1]

    def _newer(self, last: int) -> bool | None:
        return True if any(self._by_application(item) for item in self._world.messages_after(last)) else None

    def _by_application(self, message: Message) -> bool:
        return message.author.id in self._world.applications

    def summary(self) -> Summary:
        """Count the posted messages, and the replies to them."""
        summary = Summary(self._seconds, Counter(self._posted.values()))
        times: Counter[int] = Counter()
        for message in self._newest_first():
            target = message.referenced_id
            if target in self._posted and self._by_application(message):
                times[target] += 1
        for target, count in times.items():
            channel = self._posted[target]
            summary.replies[channel] += count
            summary.answered[channel] += 1
            summary.doubled[channel] += count > 1
        return summary


async def play_recording(player: Player, total: int, quiet: float, console: Console) -> Summary:
    """Wait for a bot, play, wait until it is quiet for ``quiet`` seconds, and print a summary."""
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
    _print_table(_summary_table(summary), console)
    rate = summary.posted.total() / summary.seconds if summary.seconds else 0.0
    console.print(f"{summary.posted.total():,} messages in {summary.seconds:.1f} s ({rate:,.0f} a second).")
    return summary


def _print_table(table: Table, console: Console) -> None:
    """Draw a table on a terminal; elsewhere write a line for each row, with tabs between its cells."""
    if console.is_terminal:
        console.print(table)
        return
    columns = [(str(column.header), *map(str, column.cells), str(column.footer)) for column in table.columns]
    console.file.write("".join("\t".join(row) + "\n" for row in zip(*columns, strict=True)))


def _summary_table(summary: Summary) -> Table:
    """Build a table with a row for each channel, and the sums."""
    table = Table(show_footer=True)
    names = ("posted", "replies", "answered", "more than one reply")
    counters = (summary.posted, summary.replies, summary.answered, summary.doubled)
    table.add_column("channel", footer="all")
    for name, counter in zip(names, counters, strict=True):
        table.add_column(name, justify="right", footer=f"{counter.total():,}")
    for channel in sorted(summary.posted):
        table.add_row(channel, *(f"{counter[channel]:,}" for counter in counters))
    return table
