"""``echoless sandbox``: a Discord on loopback to try the bot against."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import click

from bot.cli.options import program
from bot.cli.starter import starter_files
from bot.config.environment import PREFIX
from bot.config.load import DEFAULT_FILE
from bot.config.model import TOKEN_VARIABLE
from bot.sandbox.child_process import tethered
from bot.sandbox.command import command
from bot.sandbox.errors import SandboxError

STOP_SECONDS = 20.0
TAIL = 5

_IMPORT_ROOT = Path(__file__).parents[2]


class _Translated(click.Command):
    """A command that turns the sandbox's error into one that the command line knows."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's
        """Run the command."""
        try:
            return super().invoke(ctx)
        except SandboxError as exc:
            raise click.ClickException(str(exc)) from exc


def hint(description: dict[str, Any]) -> str:
    """Write the command that runs the bot against this sandbox."""
    lines = [f"  {name}={shlex.quote(value)} \\" for name, value in _environment(description).items()]
    rules = [
        f"There is no {DEFAULT_FILE} here, so the bot would have no rules to answer by.",
        f"  {program()} init: writes one with a few rules.",
        f"  {program()} sandbox --with-bot: brings a bot along that has some.",
        "",
    ]
    return "\n".join(
        [
            "A Discord on loopback is ready. Run the bot against it in another terminal:",
            "",
            *lines,
            f"  {program()} run",
            "",
            *(() if DEFAULT_FILE.exists() else rules),
            f"Control it (curl): {description['control_url']}",
        ]
    )


def _environment(description: dict[str, Any]) -> dict[str, str]:
    return {
        TOKEN_VARIABLE: description["token"],
        f"{PREFIX}DISCORD__API_URL": description["api_url"],
        f"{PREFIX}DISCORD__GATEWAY_URL": description["gateway_url"],
    }


class BotBeside:
    """``echoless run`` as a child process that does not outlive us; ``folder`` takes its log and its output."""

    def __init__(self, folder: Path, settings: Path, description: dict[str, Any]) -> None:
        self._folder = folder
        self._settings = settings
        self._description = description
        self._process: asyncio.subprocess.Process | None = None

    @property
    def note(self) -> str:
        """Return the lines to print about it at the start."""
        starter = self._settings.parent == self._folder
        return "\n".join(
            [
                "A Discord on loopback is ready, and a bot comes along, "
                + ("with a few rules to begin with." if starter else f"with the settings in {self._settings}."),
                f"Its log lines: {self._output}",
                f"Its events: {program()} log show --log {self._folder / 'data'}",
                "Both files end with the sandbox.",
                f"Control it (curl): {self._description['control_url']}",
            ]
        )

    async def start(self) -> None:
        """Start it with a log of its own, so that nothing gets into the log of a real bot."""
        arguments = ("run", "--config", str(self._settings), "--log", str(self._folder / "data"))
        with self._output.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *tethered(sys.executable, "-m", "bot", *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,  # a terminal's Ctrl-C is for the sandbox, which then ends the bot in good order
                env={
                    **os.environ,
                    **_environment(self._description),
                    f"{PREFIX}TELEMETRY__PORT": "0",
                    "PYTHONPATH": os.pathsep.join(filter(None, [str(_IMPORT_ROOT), os.environ.get("PYTHONPATH", "")])),
                },
            )

    async def ended(self) -> str:
        """Wait until it ends by itself, and return how it ended."""
        code = None if self._process is None else await self._process.wait()
        lines = self._output.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]
        return "\n".join([f"The bot ended by itself with exit code {code}. The last it said:", *lines])

    async def stop(self) -> None:
        """Stop it with SIGTERM, or kill it if that takes too long."""
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    @property
    def _output(self) -> Path:
        return self._folder / "bot.log"


@asynccontextmanager
async def bot_beside(description: dict[str, Any]) -> AsyncIterator[BotBeside]:
    """Run a bot with the settings of the current folder, or with those of a new bot if there are none."""
    with tempfile.TemporaryDirectory(prefix="echoless-sandbox-") as name:
        folder = Path(name)
        if not DEFAULT_FILE.exists():
            for file, content in starter_files().items():
                (folder / file).write_text(content, encoding="utf-8")
        settings = DEFAULT_FILE.absolute() if DEFAULT_FILE.exists() else folder / DEFAULT_FILE
        bot = BotBeside(folder, settings, description)
        await bot.start()
        try:
            yield bot
        finally:
            await bot.stop()


sandbox = command(hint, _Translated, bot_beside)
