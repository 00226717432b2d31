"""Carries out a moderator's command: in the bot that runs on the log, or here if none runs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from bot.app.bot import reading_context
from bot.app.clock import clock
from bot.app.engines import engine_of
from bot.app.responders import responders_of, rules_of
from bot.app.tools import tools_of, tools_over
from bot.cli.options import log_location, settings
from bot.cli.output import say_json
from bot.cli.records import say
from bot.config import Config
from bot.conversations import Conversations
from bot.errors import LogError
from bot.eventlog.location import Location
from bot.eventlog.log import open_log, open_reader
from bot.eventlog.reader import Reader
from bot.moderation.checks import OnProgress
from bot.moderation.command import TERMINAL, Command, Report
from bot.moderation.context import CommandContext, WritableLog
from bot.moderation.control_socket import call
from bot.moderation.opted_out import OptedOut
from bot.moderation.points import channel_with
from bot.replies.toolkit import Tools
from bot.responders import Chain


@dataclass(frozen=True, slots=True)
class ReplayTarget:
    """The settings, the log that they name, and the form of the answer."""

    config: Config
    location: Location
    as_json: bool

    @classmethod
    def of(cls, config_path: Path | None, folder: Path | None, *, as_json: bool) -> ReplayTarget:
        """Return the target for the options."""
        config = settings(config_path, folder)
        return cls(config, log_location(config), as_json)

    async def ask(self, command: Command, arguments: Mapping[str, Any], progress: OnProgress | None = None) -> Report:
        """Carry out a command, in the running bot if there is one."""
        more: dict[str, Any] = {"by": TERMINAL} if command.takes("by") else {}
        if not command.long:
            report = await call(self.location.folder, command.name, {**arguments, **more}, progress)
            if report is not None:
                return report
        if command.takes("progress"):
            more["progress"] = progress
        async with self._context(command) as context:
            return await command.run(context, **arguments, **more)

    async def channels_with(self, message_ids: Iterable[int]) -> list[int]:
        """Return the channel of each message; raise ModerationError for one that the log does not know."""
        reader = await open_reader(self.location, words=False)
        try:
            return [await channel_with(reader, message_id) for message_id in message_ids]
        finally:
            await reader.close()

    def show(self, report: Report) -> None:
        """Write a report: JSON for machines, its title and lines for people."""
        if self.as_json:
            say_json(report.data)
            return
        say(click.style(report.title, bold=True))
        for line in report.lines:
            say(line)

    @asynccontextmanager
    async def _context(self, command: Command) -> AsyncIterator[CommandContext]:
        if not self.location.has_log():
            raise LogError(
                f"There is no log in {self.location.folder}: start the bot once, or name its folder (log.path)."
            )
        answering = responders_of(self.config) if command.composes else Chain((rules_of(self.config),))
        if not command.writes:
            words = self.location.key is not None or self.location.key_path.exists()
            reader = await open_reader(self.location, words=words)
            try:
                context = reading_context(self.config, reader, answering)
                async with self._tools(command, reader) as tools:
                    yield replace(context, tools=tools)
            finally:
                await reader.close()
            return
        engine = engine_of(self.config, os.environ)
        log = await open_log(self.location, clock=clock, full=self.config.log.durability == "full", engine=engine)
        try:
            conversations = Conversations(log, snapshot_every=self.config.log.snapshot_every)
            context = reading_context(self.config, log.aside, answering)
            yield replace(context, owner=WritableLog(log, conversations))
            await conversations.close()
        finally:
            await log.close()

    @asynccontextmanager
    async def _tools(self, command: Command, reader: Reader) -> AsyncIterator[Tools | None]:
        """Give the tools of the settings to a command that asks a responder."""
        if not command.composes:
            yield None
            return
        offered, opted_out = tools_of(self.config), OptedOut()
        await opted_out.load(reader)
        try:
            yield tools_over(self.config, offered, reader, None, opted_out)
        finally:
            await offered.close()
