"""Looking after the log: what is unfinished, whether all is well, copies, and how it all is."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.gateway.commands.answers import Answer
from bot.gateway.commands.counter import Counter
from bot.gateway.commands.naming import CHANNEL, MESSAGE, Made, command, use_of
from bot.gateway.commands.suggest import Suggestions
from bot.gateway.commands.target import message_of, target_at, target_of, visible
from bot.gateway.commands.use import Expired, Use
from bot.moderation import ModerationError
from bot.moderation.rehearse import MOST_REHEARSED

PROGRESS_SECONDS = 2.0
SNOWFLAKE = re.compile(r"(?<![0-9A-Za-z])[0-9]{15,20}(?![0-9A-Za-z])")

_log = structlog.get_logger()


class Progress:
    """Tells how far something is by editing the answer, every so often, until it is done."""

    def __init__(self, use: Use, every: float) -> None:
        self._use = use
        self._every = every
        self._done = asyncio.Event()
        self._counted: tuple[int, int] | None = None
        self._telling = asyncio.get_running_loop().create_task(self._tell(), name="progress")

    def __call__(self, checked: int, total: int) -> None:
        """Take how far it is."""
        self._counted = (checked, total)

    async def close(self) -> None:
        """Stop telling; an edit under way ends first, so that it can't come after the answer."""
        self._done.set()
        await self._telling

    async def _tell(self) -> None:
        told = None
        while not await self._waited():
            if self._counted is None or self._counted == told:
                continue
            told = checked, total = self._counted
            share = f" ({100 * checked // total} %)" if total else ""
            try:
                await self._use.show(f"Checked {checked:,} of {total:,} events{share}…")
            except (Expired, discord.DiscordException, aiohttp.ClientError, OSError, RuntimeError) as error:
                _log.debug("progress.untold", error=type(error).__name__)

    async def _waited(self) -> bool:
        """Wait a while and tell whether it is over."""
        try:
            async with asyncio.timeout(self._every):
                await self._done.wait()
        except TimeoutError:
            return False
        return True


class Keep:
    """The commands about replies that did not go out, and about the log as such."""

    def __init__(self, counter: Counter, suggest: Suggestions) -> None:
        self._counter = counter
        self._moderation = counter.moderation
        self._suggest = suggest

    def commands(self) -> list[Made]:
        """Return the subcommands."""
        channels = self._suggest.channels
        return [
            command(
                "rehearse",
                "Show what my present settings would answer, beside what was said; nothing is sent.",
                self.rehearse,
                channel=channels,
            ),
            command(
                "pending", "List replies that did not go out, with reasons and ages.", self.pending, channel=channels
            ),
            command(
                "rebuild", "Forget a channel's snapshots, fold its events again, compare.", self.rebuild,
                channel=channels,
            ),
            command(
                "verify", "Check a channel's events: nothing changed, nothing missing, snapshots true.", self.verify,
                channel=channels,
            ),
            command("snapshot", "Keep a snapshot of a channel's state as it is now.", self.snapshot, channel=channels),
            command(
                "export", "Get a channel's events as a file of JSON Lines.", self.export,
                channel=channels, since=self._suggest.points,
            ),
            command("status", "Show how I am: the log, the connection, what waits.", self.status),
        ]  # fmt: skip

    @app_commands.describe(
        message=MESSAGE,
        last=f"How many of the newest messages (1 to {MOST_REHEARSED}) instead of one message.",
        channel=CHANNEL,
    )
    async def rehearse(
        self,
        interaction: discord.Interaction,
        message: str | None = None,
        last: app_commands.Range[int, 1, MOST_REHEARSED] | None = None,
        channel: str | None = None,
    ) -> None:
        """Answer ``/replay rehearse``."""

        async def work(_: Use) -> Answer:
            if (message is None) == (last is None):
                raise ModerationError("Say which messages: give a message, or how many of the last.")
            if message is not None:
                target = await message_of(interaction, self._moderation, message, channel)
                channel_id, message_id = target.channel_id, target.message_id
                report = await self._moderation.rehearse(channel_id, message_id=message_id)
            else:
                channel_id = await target_of(interaction, channel)
                report = await self._moderation.rehearse(channel_id, last=last)
            return Answer(report, channel_id=channel_id)

        await self._counter.serve(use_of(interaction), work)

    @app_commands.describe(channel=CHANNEL)
    async def pending(self, interaction: discord.Interaction, channel: str | None = None) -> None:
        """Answer ``/replay pending``."""

        async def work(use: Use) -> Answer:
            channel_id = await self._scope(use, channel)
            return Answer(await self._moderation.pending(channel_id), channel_id=channel_id)

        await self._counter.serve(use_of(interaction), work)

    @app_commands.describe(channel=CHANNEL)
    async def rebuild(self, interaction: discord.Interaction, channel: str | None = None) -> None:
        """Answer ``/replay rebuild``."""

        async def work(_: Use) -> Answer:
            channel_id = await target_of(interaction, channel)
            return Answer(await self._moderation.rebuild(channel_id), channel_id=channel_id)

        await self._counter.serve(use_of(interaction), work)

    @app_commands.describe(channel=CHANNEL)
    async def verify(self, interaction: discord.Interaction, channel: str | None = None) -> None:
        """Answer ``/replay verify``."""

        async def work(use: Use) -> Answer:
            channel_id = await self._scope(use, channel)
            progress = Progress(use, PROGRESS_SECONDS)
            try:
                report = await self._moderation.verify(channel_id, progress)
            finally:
                await progress.close()
            return Answer(report, channel_id=channel_id)

        await self._counter.serve(use_of(interaction), work)

    @app_commands.describe(channel=CHANNEL)
    async def snapshot(self, interaction: discord.Interaction, channel: str | None = None) -> None:
        """Answer ``/replay snapshot``."""

        async def work(_: Use) -> Answer:
            channel_id = await target_of(interaction, channel)
            return Answer(await self._moderation.snapshot(channel_id), channel_id=channel_id)

        await self._counter.serve(use_of(interaction), work)

    @app_commands.describe(
        since="Only events from then on: a version, a message's link, 2h, or 2026-11-20 14:00 (UTC)."
    )
    @app_commands.describe(channel=CHANNEL)
    async def export(
        self, interaction: discord.Interaction, since: str | None = None, channel: str | None = None
    ) -> None:
        """Answer ``/replay export``."""

        async def work(_: Use) -> Answer:
            channel_id = await target_at(interaction, self._moderation, channel, since)
            report = await self._moderation.export(channel_id, since=since, limit_bytes=interaction.filesize_limit)
            return Answer(report, channel_id=channel_id)

        await self._counter.serve(use_of(interaction), work)

    async def status(self, interaction: discord.Interaction) -> None:
        """Answer ``/replay status``."""

        async def work(use: Use) -> Answer:
            report = await self._moderation.status()
            if self._counter.owned_by(use.asker):
                return Answer(report)
            # A bot in several servers tells each of its own channels alone.
            return Answer(replace(report, lines=tuple(line for line in report.lines if _shown(interaction, line))))

        await self._counter.serve(use_of(interaction), work)

    async def _scope(self, use: Use, channel: str | None) -> int | None:
        """Return which channel is meant: for the owner of the bot, who names none, the whole log."""
        if channel is None and self._counter.owned_by(use.asker):
            return None
        return await target_of(use.interaction, channel)


def _shown(interaction: discord.Interaction, line: str) -> bool:
    """Tell whether every id in a line is that of a channel the asker can see."""
    guild = interaction.guild
    ids = map(int, SNOWFLAKE.findall(line))
    return guild is not None and all(visible(interaction, guild.get_channel_or_thread(found)) for found in ids)
