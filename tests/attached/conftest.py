"""Clients that the bot did not make, with a log attached to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.ext import commands

from bot import Log, attach
from bot.sandbox.server import Sandbox
from tests.harness import SERVERS_WITHIN, Judge
from tests.pointing import pointed_at
from tests.waiting import eventually


@dataclass(slots=True)
class Running:
    """A client in this process with a log; ``seen`` are the texts that its own handler was called with."""

    client: discord.Client
    serving: asyncio.Task[None]
    logs: list[Log] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    @property
    def log(self) -> Log:
        """Return its log."""
        return self.logs[-1]

    @property
    def judge(self) -> Judge:
        """Return what reads the log."""
        return Judge(self.log.event_log.reader)

    async def ready(self) -> None:
        """Wait until it has read what was said before."""

        def caught_up() -> bool:
            catchup = self.log._client.listening.catchup if self.logs else None
            return self.client.is_ready() and catchup is not None and not catchup._underway

        await eventually(lambda: caught_up() or self.serving.done())

    async def stop(self) -> None:
        """Close the client, and with it the log."""
        await self.client.close()
        await self.serving


Connect = Callable[..., Awaitable[Running]]


def intents() -> discord.Intents:
    """Return the intents of a chat bot."""
    wanted = discord.Intents.default()
    wanted.message_content = True
    return wanted


def made(kind: type[discord.Client] = discord.Client, **options: object) -> discord.Client:
    """Return a client of a kind."""
    options = {"intents": intents(), "guild_ready_timeout": SERVERS_WITHIN, **options}
    if issubclass(kind, commands.Bot | commands.AutoShardedBot):
        options["command_prefix"] = "!"
    return kind(**options)  # type: ignore[arg-type]


@pytest.fixture
async def connect(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Connect]:
    """Start clients with a log, each closed at the end; ``begin`` is called with each message that its handler gets."""
    async with AsyncExitStack() as stack:
        stack.enter_context(pointed_at(sandbox))

        async def start(
            client: discord.Client | None = None,
            folder: str = "log",
            *,
            begin: Callable[[discord.Message, Log], Awaitable[object]] | None = None,
            **options: Any,  # noqa: ANN401 - of attach()
        ) -> Running:
            client = client or made()

            async def hook() -> None:
                running.logs.append(await attach(client, tmp_path / folder, **options))

            async def on_message(message: discord.Message) -> None:
                running.seen.append(message.content)
                if begin is not None:
                    await begin(message, running.log)

            client.setup_hook = hook  # type: ignore[method-assign]
            if not isinstance(client, commands.Bot | commands.AutoShardedBot):
                client.event(on_message)
            else:
                client.add_listener(on_message)
            serving = asyncio.create_task(client.start(sandbox.services.application.token))
            running = Running(client, serving)
            stack.push_async_callback(running.stop)
            await running.ready()
            return running

        yield start
