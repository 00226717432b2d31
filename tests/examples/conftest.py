"""The examples in this process, each against a sandbox, in a folder of its own."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import SERVERS_WITHIN

EXAMPLES = Path(__file__).parents[2] / "examples"

Run = Callable[[str], Awaitable[discord.Client]]


@pytest.fixture
async def run(
    sandbox: Sandbox, control: ControlClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Run]:
    """Run an example by its name, its files in an empty folder; it ends with the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Route, "BASE", sandbox.services.addresses.api)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(sandbox.services.addresses.gateway))
    running: list[tuple[discord.Client, asyncio.Task[None]]] = []

    async def start(name: str) -> discord.Client:
        client = loaded(name)
        client._connection.guild_ready_timeout = SERVERS_WITHIN
        running.append((client, asyncio.create_task(client.start(sandbox.services.application.token))))
        await control.wait_for_ready()
        return client

    yield start
    for client, task in running:
        await client.close()
        with suppress(asyncio.CancelledError):
            await task


def loaded(name: str) -> discord.Client:
    """Import an example anew, and return its client."""
    spec = importlib.util.spec_from_file_location(name.replace("/", "_"), EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    client: discord.Client = module.client
    return client
