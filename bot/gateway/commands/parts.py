"""Commands on a log of several partitions: which of those in this process a command is about, and one answer for all.

A command on a server is about the partition of that server. What a person decides about their words everywhere, and
what an owner asks in a direct message of no one channel, is about all partitions that this process runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from bot.core.sharding import Sharding
from bot.moderation.command import Command, Report
from bot.moderation.context import CommandContext


@dataclass(frozen=True, slots=True)
class Parts:
    """The contexts of the partitions that this process runs now, by their numbers."""

    sharding: Sharding
    here: Callable[[], Mapping[int, CommandContext]]

    def meant(
        self, own: CommandContext, command: Command, arguments: Mapping[str, object], *, direct: bool
    ) -> Mapping[int, CommandContext]:
        """Return the contexts that a command is about; ``own`` is that of the place where it was used."""
        here = self.here()
        of_place = {number: each for number, each in here.items() if each is own}
        if command.takes("limit_bytes"):
            return of_place  # what one file holds is of one partition
        if command.for_all:
            return here if arguments.get("guild_id") is None else of_place
        channel_id = arguments.get("channel_id")
        if not direct:
            return of_place
        if not isinstance(channel_id, int):
            return here
        servers = {each.around(channel_id).guild_id for each in here.values()} - {None}
        meant = {self.sharding.partition_of(server) for server in servers}
        return {number: each for number, each in here.items() if number in meant} or of_place

    def together(self, reports: Mapping[int, Report]) -> Report:
        """Return one report for those of several partitions."""
        first, *others = reports.values()
        absent = [number for number in range(self.sharding.partitions) if number not in reports]
        away = ", ".join(map(str, absent))
        more = (f"Partitions of this bot that run elsewhere were not asked: {away}.",) if absent else ()
        if all((each.title, each.lines) == (first.title, first.lines) for each in others):
            return replace(first, lines=(*first.lines, *more))
        told = ((f"Partition {number}: {each.title}", *each.lines) for number, each in reports.items())
        changed = [each.data["changed"] for each in reports.values() if _tells_change(each)]
        data = {**first.data, "changed": any(changed)} if changed else first.data
        title = f"Of {len(reports)} partitions"
        return Report(title, (*chain.from_iterable(told), *more), data)


def _tells_change(report: Report) -> bool:
    return isinstance(report.data, dict) and isinstance(report.data.get("changed"), bool)
