"""What every test starts from, and a Discord on loopback for those that need one.

What only they need is imported only for them: with it, the smallest test would take seconds.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from bot.responders import Responder
    from bot.sandbox.control_client import ControlClient
    from bot.sandbox.options import SandboxOptions
    from bot.sandbox.server import Sandbox
    from tests.harness import BotProcess, Launch, RunningBot, Spawn

pytest_plugins = tuple(
    f"tests.suite.{name}" for name in ("children", "clock", "collection", "engine", "log_lines", "loopback", "watchdog")
)

PERSONAL_PREFIXES = (
    *("ECHOLESS_", "MAKE", "MFLAGS"),
    *("CLICOLOR", "COLORTERM", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TERM", "TTY_"),
    *("PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "PYTHONUNBUFFERED", "PYTHONWARNINGS"),
)
PERSONAL_SUFFIXES = ("_TOKEN", "_API_KEY", "_BASE_URL")

# A slow machine is no mistake of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Hear Ctrl-C, as do the processes that tests start, also where a shell runs all this in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: at the end, one worker would be left alone with it."""
    items.sort(key=lambda item: not (item.get_closest_marker("slow") or item.get_closest_marker("long")))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what differs from one who runs the tests to the next: settings, keys, the terminal, a make around."""
    for name in list(os.environ):
        if name.startswith(PERSONAL_PREFIXES) or name.endswith(PERSONAL_SUFFIXES):
            monkeypatch.delenv(name)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")


@pytest.fixture
def options() -> SandboxOptions:
    """Return the sandbox's settings, without rate limits; a test module may override them."""
    from bot.sandbox.options import SandboxOptions

    return SandboxOptions(message_rate=None, global_rate=None)


@pytest.fixture
async def sandbox(options: SandboxOptions) -> AsyncIterator[Sandbox]:
    """Return a Discord on free ports of this machine."""
    from bot.sandbox.server import Sandbox

    async with Sandbox(options) as running:
        yield running


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[ControlClient]:
    """Return a client for its control API."""
    from bot.sandbox.control_client import ControlClient

    async with ControlClient(sandbox.services.addresses.control, patience=PATIENCE) as client:
        yield client


@pytest.fixture
async def launch(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Launch]:
    """Start bots in this process, each stopped at the end; sections of settings come by name."""
    from tests.harness import start_bot

    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failures.append(context))
    async with AsyncExitStack() as stack:

        async def start(
            folder: str = "log", *, responder: Responder | None = None, ready: bool = True, **sections: object
        ) -> RunningBot:
            running = await start_bot(sandbox, tmp_path / folder, sections, responder)
            stack.push_async_callback(running.stop)
            if ready:
                await running.ready()
            return running

        yield start
    assert not failures


@pytest.fixture
async def spawn(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Spawn]:
    """Start bots as processes of their own, each ended at the end."""
    from tests.harness import start_process

    async with AsyncExitStack() as stack:

        async def start(folder: str = "log", *, ready: bool = True, **sections: object) -> BotProcess:
            process = await start_process(sandbox, tmp_path / folder, sections)
            stack.push_async_callback(process.kill)
            if ready:
                await process.ready()
            return process

        yield start
