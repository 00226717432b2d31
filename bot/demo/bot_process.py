"""The demo's bot: the real bot in a process of its own, which is killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

from bot.config.environment import PREFIX
from bot.config.model import TOKEN_VARIABLE
from bot.demo.script import RULES
from bot.errors import EcholessError
from bot.eventlog.location import Location
from bot.private_file import appending, private_file
from bot.sandbox.child_process import tethered

STOP_SECONDS = 60.0
LOOK_SECONDS = 0.1
TAIL = 5

_IMPORT_ROOT = Path(__file__).parents[2]

TAKEOVER_SECONDS = 4
"""After which a standby takes a log in an engine: nobody is to wait for long."""
_KEPT = f"""engine = "{{engine}}"
takeover = "{TAKEOVER_SECONDS}s"

[replies]
send_timeout = "2s"
"""

T = TypeVar("T")


class DemoError(EcholessError):
    """The demo can't go on."""


class BotProcess:
    """``python -m bot run`` in ``folder``, which holds its settings, its log and its output.

    ``flags`` are those of ``run``; ``through`` begins the command line, as for a host of its own; ``environ`` is set
    beside the token.
    """

    def __init__(
        self,
        folder: Path,
        token: str,
        flags: Sequence[str] = (),
        through: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.starts = 0
        self.kills = 0
        self._command = (*through, sys.executable, "-m", "bot", "run", "--config", "config.toml", *flags)
        self._environ = {TOKEN_VARIABLE: token, **(environ or {})}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def location(self) -> Location:
        """Return the location of its log."""
        return Location(self.folder / "data")

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._running.pid

    def configure(
        self, api_url: str, gateway_url: str, facts: str, llm: tuple[str, str] | None = None, engine: str = ""
    ) -> None:
        """Write its settings and facts.

        ``llm`` is a model to ask after the rules, and its server's base address; ``engine`` keeps the log.
        """
        settings = f"""
[discord]
api_url = "{api_url}"
gateway_url = "{gateway_url}"

[log]
path = "data"
{_KEPT.format(engine=engine) if engine else ""}
[limits]
per_channel = "off"
per_person = "off"

[telemetry]
port = 0
log_format = "json"
{_answering(*llm) if llm else ""}{RULES}"""
        for name, content in (("config.toml", settings), ("demo_facts.json", facts)):
            with private_file(self.folder / name, replace=True) as file:
                file.write(content)

    async def start(self) -> None:
        """Start it."""
        with appending(self.folder / "bot.log") as output:
            self._process = await asyncio.create_subprocess_exec(
                *tethered(*self._command),
                cwd=self.folder,
                env=_environment() | self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,  # a terminal's Ctrl-C is for the demo, which then ends the bot
            )
        self.starts += 1

    async def said(self, event: str, within: float, times: int = 1) -> None:
        """Wait until it has said so often what happened, by the name of its log lines."""
        async with asyncio.timeout(within):
            while self._output().count(f'"event": "{event}"') < times:  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(LOOK_SECONDS)

    async def ended(self) -> int:
        """Wait until it has ended; return its exit code."""
        return await self._running.wait()

    async def killed(self) -> None:
        """Wait until it was killed with SIGKILL."""
        code = await self.ended()
        if code != -signal.SIGKILL:
            raise self._gone(code)
        self.kills += 1

    async def stop(self) -> None:
        """Stop it with SIGTERM."""
        self._running.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                code = await self._running.wait()
        except TimeoutError:
            raise DemoError(
                f"The bot did not stop within {STOP_SECONDS:.0f} s of SIGTERM. {self._last_words()}"
            ) from None
        if code:
            raise self._gone(code)

    async def alive(self, work: Coroutine[None, None, T]) -> T:
        """Return what ``work`` returns; raise DemoError when the bot ends first."""
        task = asyncio.ensure_future(work)
        end = asyncio.ensure_future(self._running.wait())
        try:
            await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise self._gone(end.result())
            return task.result()
        finally:
            for waiting in (task, end):
                waiting.cancel()

    async def close(self) -> None:
        """End the process in any case."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise DemoError("The bot was not started.")
        return self._process

    def _gone(self, code: int) -> DemoError:
        return DemoError(f"The bot ended by itself with exit code {code}. {self._last_words()}")

    def _output(self) -> str:
        return (self.folder / "bot.log").read_text(encoding="utf-8", errors="replace")

    def _last_words(self) -> str:
        lines = self._output().splitlines()[-TAIL:]
        return "\n".join(["The last it said:", *lines])


@asynccontextmanager
async def bot_process(
    folder: Path,
    token: str,
    flags: Sequence[str] = (),
    through: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[BotProcess]:
    """Yield a bot that ends with the context; see :class:`BotProcess`."""
    process = BotProcess(folder, token, flags, through, environ)
    try:
        yield process
    finally:
        await process.close()


def _answering(model: str, base_url: str) -> str:
    """Return the settings for a language model, with time for a server that has to load it first."""
    return f"""
[replies]
responder = ["rules", "llm"]

[llm]
model = {json.dumps(f"openai:{model}")}
base_url = {json.dumps(base_url)}
max_tokens = 400
first_token = "100s"
between = "60s"
total = "110s"
"""


def _environment() -> dict[str, str]:
    """Return our environment without settings, which would override the demo's, and with this package importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    paths = [str(_IMPORT_ROOT), os.environ.get("PYTHONPATH", "")]
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
