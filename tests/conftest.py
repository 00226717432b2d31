"""What every test starts from, and a Discord on loopback for those that need one."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pydantic_ai.models
import pytest
from hypothesis import settings

from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox

with warnings.catch_warnings():
    # discord.py imports audioop, which Python 3.13 leaves out and 3.11 warns about.
    warnings.simplefilter("ignore", DeprecationWarning)
    from bot.responders import Responder
    from tests.harness import BotProcess, Launch, RunningBot, Spawn, start_bot, start_process

# A slow machine is no mistake of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# No test asks a real model by mistake: whoever has a server of its own allows it (tests/responders/llm/conftest.py).
pydantic_ai.models.ALLOW_MODEL_REQUESTS = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: at the end, one worker would be left alone with it."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings and the token of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("ECHOLESS_") or name == "DISCORD_TOKEN":
            monkeypatch.delenv(name)


@pytest.fixture
def options() -> SandboxOptions:
    """Return the sandbox's settings, without rate limits; a test module may override them."""
    return SandboxOptions(message_rate=None, global_rate=None)


@pytest.fixture
async def sandbox(options: SandboxOptions) -> AsyncIterator[Sandbox]:
    """Return a Discord on free ports of this machine."""
    async with Sandbox(options) as running:
        yield running


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[ControlClient]:
    """Return a client for its control API."""
    async with ControlClient(sandbox.services.addresses.control) as client:
        yield client


@pytest.fixture
async def launch(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Launch]:
    """Start bots in this process, each stopped at the end; sections of settings come by name."""
    started: list[RunningBot] = []
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))

    async def start(
        folder: str = "log", *, responder: Responder | None = None, ready: bool = True, **sections: object
    ) -> RunningBot:
        running = await start_bot(sandbox, tmp_path / folder, sections, responder)
        started.append(running)
        if ready:
            await running.ready()
        return running

    yield start
    for running in started:
        await running.stop()
    assert not failures


@pytest.fixture
async def spawn(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Spawn]:
    """Start bots as processes of their own, each ended at the end."""
    started: list[BotProcess] = []

    async def start(folder: str = "log", *, ready: bool = True, **sections: object) -> BotProcess:
        process = await start_process(sandbox, tmp_path / folder, sections)
        started.append(process)
        if ready:
            await process.ready()
        return process

    yield start
    for process in started:
        await process.kill()
