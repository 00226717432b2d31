"""Bots with shards, in this process, over servers of all partitions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.app import from_settings
from bot.app.running import run_bot
from bot.core.events import MessageReceived
from bot.core.sharding import Sharding
from bot.eventlog.location import Location
from bot.eventlog.log import open_reader
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import SERVERS_WITHIN, Judge, Sections, settings
from tests.waiting import eventually

PARTITIONS = 4


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have bots that begin wait for servers no longer than those of other tests."""
    endpoint = from_settings.endpoint
    monkeypatch.setattr(
        from_settings, "endpoint", lambda config: replace(endpoint(config), guild_ready_timeout=SERVERS_WITHIN)
    )


@asynccontextmanager
async def running(
    sandbox: Sandbox, folder: Path, sections: Sections, *, standby: bool = False
) -> AsyncIterator[asyncio.Task[None]]:
    """Run a bot within the context as ``echoless run`` does."""
    config = settings(sandbox, folder, sections)
    stopping, location = asyncio.Event(), Location(folder, key_file=config.log.key_file)
    token = sandbox.services.application.token
    task = asyncio.create_task(run_bot(config, token, location, stopping, standby=standby))
    try:
        yield task
    finally:
        stopping.set()
        await task


@dataclass(frozen=True, slots=True)
class Servers:
    """A channel of a server in each partition, by its number."""

    control: ControlClient
    channels: Mapping[int, str]

    @classmethod
    async def make(cls, control: ControlClient) -> Servers:
        """Make servers until each partition has one."""
        channels: dict[int, str] = {}
        while len(channels) < PARTITIONS:
            guild = await control.create_guild(f"server {len(channels)}")
            partition = Sharding(PARTITIONS).partition_of(int(guild["id"]))
            if partition not in channels:
                channels[partition] = (await control.create_channel("talk", guild=guild["id"]))["id"]
        return cls(control, channels)

    async def ask(self, what: str) -> None:
        """Ask in each channel."""
        for channel in self.channels.values():
            await self.control.post(f"ask {what}", channel=channel)

    async def answered(self, *asked: str) -> None:
        """Wait until all was answered in each channel, once and in order."""
        for channel in self.channels.values():
            await self.answered_in(channel, *asked)

    async def answered_in(self, channel: str, *asked: str) -> None:
        """Wait until all was answered in a channel, a direct one too, once and in order."""

        async def enough() -> bool:
            return len(await self.said(channel)) >= len(asked)

        await eventually(enough)
        assert await self.said(channel) == [f"re: {what}" for what in asked]

    async def said(self, channel: str) -> list[str]:
        """Return what the bot said in a channel."""
        return [each["content"] for each in await self.control.messages(author="sandbox-bot", channel=channel)]


async def recorded(folder: Path) -> dict[str, list[str]]:
    """Return the channels in which each partition of a log holds messages of people."""
    found: dict[str, list[str]] = {}
    for path in sorted(each for each in folder.iterdir() if each.is_dir()):
        reader = await open_reader(Location(path), words=False)
        everything = await Judge(reader).all()
        found[path.name] = sorted({each.stream for each in everything if isinstance(each.event, MessageReceived)})
        await reader.close()
    return found
