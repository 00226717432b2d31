"""The place of every demo: a Discord on loopback with a bot, the end of a demo, and its judge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from bot.cli.log_verify import VerifyReport, check_log
from bot.demo.bot_process import BotProcess, DemoError, bot_process
from bot.demo.judge import RunVerdict, judge
from bot.eventlog.log import open_reader
from bot.eventlog.reader import Reader
from bot.sandbox.errors import SandboxError
from bot.sandbox.process import SandboxProcess, sandbox_process

FORGETFUL = ("--nonce-window", "0")
"""A sandbox that forgets nonces: then only the bot itself keeps a reply from doubling."""


def demo_facts() -> str:
    """Return the facts of the demo bot's rules, a JSON object."""
    return files("bot.demo").joinpath("demo_facts.json").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Playground:
    """A running sandbox, and the bot to be started in it."""

    sandbox: SandboxProcess
    bot: BotProcess

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
                await self.bot.stop()
                return f"Given up waiting: {error}."
        except DemoError as error:
            return str(error)
        return ""

    @asynccontextmanager
    async def judged(self, addressed: Collection[int]) -> AsyncIterator[tuple[Reader, RunVerdict, VerifyReport]]:
        """Judge the present state; yield the verdict together with the log's reader."""
        messages = await self.sandbox.control.messages()
        reader = await open_reader(self.bot.location)
        try:
            verified = await check_log(reader, None)
            own_id = int(self.sandbox.application_id)
            yield reader, await judge(reader, messages, own_id, addressed=addressed, verified=verified), verified
        finally:
            await reader.close()


@asynccontextmanager
async def open_playground(
    folder: Path, facts: str, arguments: Sequence[str] = (), llm: tuple[str, str] | None = None
) -> AsyncIterator[Playground]:
    """Yield a sandbox, started with ``arguments``, and a bot that is set up for it in ``folder``.

    Both end with the context. Raises DemoError when the sandbox fails.
    """
    try:
        async with sandbox_process([*arguments, *FORGETFUL]) as sandbox, bot_process(folder, sandbox.token) as bot:
            bot.configure(sandbox.api_url, sandbox.gateway_url, facts, llm)
            yield Playground(sandbox, bot)
    except SandboxError as error:
        raise DemoError(str(error)) from error
