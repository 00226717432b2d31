"""Where a moderator's command is carried out: in the bot that runs on the log, or here on a log at rest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from bot.app.bot import clock, reading_desk
from bot.app.responders import responder_of, rules_of
from bot.cli.options import log_location, settings
from bot.cli.output import say_json
from bot.cli.records import say
from bot.config import Config
from bot.conversations import Conversations
from bot.errors import LogError
from bot.eventlog.log import Location, open_log, open_reader
from bot.moderation import Moderation, Report
from bot.moderation.control import call
from bot.moderation.desk import Ownership
from bot.moderation.points import channel_with

BY = "command line"
"""Who asked, as the log shows it."""

WRITING = frozenset({"rewind", "undo", "reset", "retry", "again", "drop", "pause", "resume", "rebuild", "snapshot"})
BESIDE = frozenset({"verify", "export"})
"""What reads long: done beside a running bot, not in it."""
COMPOSING = frozenset({"rehearse"})
"""What asks a responder: only this needs a model's key, and pays for the import of its library."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Target:
    """The settings, the log they name, and whether machines read the answer."""

    config: Config
    location: Location
    as_json: bool

    @classmethod
    def of(cls, config_path: Path | None, folder: Path | None, *, as_json: bool) -> Target:
        """Return the target that the options name."""
        config = settings(config_path, folder)
        return cls(config, log_location(config), as_json)

    async def ask(self, command: str, arguments: Mapping[str, Any], progress: Progress | None = None) -> Report:
        """Have a command carried out, by the bot where one runs."""
        if command not in BESIDE:
            report = await call(self.location.folder, command, arguments, progress)
            if report is not None:
                return report
        more: dict[str, Any] = {"progress": progress} if command == "verify" else {}
        async with self._moderation(command) as moderation:
            answer: Report = await getattr(moderation, command)(**arguments, **more)
            return answer

    async def channels_with(self, message_ids: Iterable[int]) -> list[int]:
        """Return the channel of each message; raise ModerationError for one that the log does not know."""
        reader = await open_reader(self.location, words=False)
        try:
            return [await channel_with(reader, message_id) for message_id in message_ids]
        finally:
            await reader.close()

    def show(self, report: Report) -> None:
        """Write a report: JSON for machines, its title and lines for eyes."""
        if self.as_json:
            say_json(report.data)
            return
        say(click.style(report.title, bold=True))
        for line in report.lines:
            say(line)

    @asynccontextmanager
    async def _moderation(self, command: str) -> AsyncIterator[Moderation]:
        if not self.location.has_log():
            raise LogError(
                f"There is no log in {self.location.folder}: start the bot once, or name its folder (log.path)."
            )
        answering = responder_of(self.config) if command in COMPOSING else rules_of(self.config)
        if command not in WRITING:
            words = self.location.key is not None or self.location.key_path.exists()
            reader = await open_reader(self.location, words=words)
            try:
                yield Moderation(reading_desk(self.config, reader, answering))
            finally:
                await reader.close()
            return
        log = await open_log(self.location, clock=clock, full=self.config.log.durability == "full")
        try:
            conversations = Conversations(log, snapshot_every=self.config.log.snapshot_every)
            desk = reading_desk(self.config, log.aside, answering)
            yield Moderation(replace(desk, owner=Ownership(log, conversations)))
            await conversations.close()
        finally:
            await log.close()
