"""Serves from the command line until it is stopped: with a chat, with recorded chat to play, or alone."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import click
from rich.console import Console

from bot.sandbox.chat.terminal import Chat
from bot.sandbox.control_client import ControlClient
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json
from bot.sandbox.options import SandboxOptions
from bot.sandbox.player import Player, play_recording
from bot.sandbox.recordings import RecordedMessage
from bot.sandbox.server import Sandbox

Hint: TypeAlias = Callable[[Json], str]

ABSENT = "No bot is connected yet: start one as shown above."
STARTING = "The bot is starting ..."


class Companion(Protocol):
    """A bot that runs beside the sandbox."""

    @property
    def note(self) -> str:
        """The text to print at the start."""

    async def ended(self) -> str:
        """Wait until it ends by itself; return the sentence to print then."""


StartCompanion: TypeAlias = Callable[[Json], AbstractAsyncContextManager[Companion]]
"""Starts a bot against the described sandbox, and stops it."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to do while serving: play ``lines``, or chat if there is a terminal; ``companion`` starts a bot."""

    lines: list[RecordedMessage] | None
    speed: float | None
    exit_after_play: bool
    as_json: bool
    companion: StartCompanion | None = None


async def serve(sandbox_options: SandboxOptions, job: Job, hint: Hint) -> None:
    """Serve until a signal, the end of the chat, or the end of the recorded chat.

    Raises SandboxError if it can't serve, and click.Abort after Ctrl-C, when everything is closed.
    """
    stopped = asyncio.Event()
    by: set[signal.Signals] = set()

    def stop(number: signal.Signals) -> None:
        by.add(number)
        stopped.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)
    console = Console(stderr=job.as_json, highlight=False)
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(sandbox_options))
        description = sandbox.services.description()
        bot = None if job.companion is None else await stack.enter_async_context(job.companion(description))
        _announce(description, job, hint(description) if bot is None else bot.note, console)
        work = loop.create_task(_work(sandbox, job, console, bot))
        waiting = loop.create_task(stopped.wait())
        await asyncio.wait((work, waiting), return_when=asyncio.FIRST_COMPLETED)
        finished = work.done()
        for task in (work, waiting):
            task.cancel()
        await asyncio.gather(work, waiting, return_exceptions=True)
        if finished:
            try:
                work.result()
            except click.Abort:
                by.add(signal.SIGINT)
    if not job.as_json:
        console.print("\nStopped." if not finished else "Stopped.")
    if signal.SIGINT in by:
        raise click.Abort


def _announce(description: Json, job: Job, text: str, console: Console) -> None:
    if job.as_json:
        sys.stdout.write(json.dumps(description) + "\n")
        sys.stdout.flush()
        return
    console.print(text, markup=False, soft_wrap=True)


async def _work(sandbox: Sandbox, job: Job, console: Console, bot: Companion | None) -> None:
    """Chat, play or only serve, which does not end by itself."""
    chatting = job.lines is None and not job.as_json and sys.stdin.isatty() and sys.stdout.isatty()
    if chatting:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # Escape characters that the terminal's encoding does not have.
            sys.stdout.reconfigure(errors="backslashreplace")
        async with ControlClient(sandbox.services.addresses.control) as control:
            console.print("Type to chat, /help for more, /quit to leave.\n")
            absence, ended = (ABSENT, None) if bot is None else (STARTING, bot.ended)
            await Chat(sandbox.services, control, console, absence, ended).run()
        return
    serving = asyncio.create_task(_serve_alone(sandbox, job, console))
    try:
        await (serving if bot is None else _first(serving, bot.ended()))
    finally:
        serving.cancel()


async def _first(serving: asyncio.Task[None], ended: Awaitable[str]) -> None:
    """Wait for the end of serving; raise SandboxError if the bot ends first."""
    end = asyncio.ensure_future(ended)
    try:
        await asyncio.wait((serving, end), return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            raise SandboxError(end.result())
        serving.result()
    finally:
        end.cancel()


async def _serve_alone(sandbox: Sandbox, job: Job, console: Console) -> None:
    """Play the recorded chat, if there is one; then serve until the process is stopped, unless the job says to end."""
    if job.lines is not None:
        player = Player(sandbox.services, job.lines, speed=job.speed)
        summary = await play_recording(player, len(job.lines), _quiet_seconds(sandbox.options), console)
        if job.as_json:
            sys.stdout.write(json.dumps(summary.payload()) + "\n")
            sys.stdout.flush()
        if job.exit_after_play:
            return
    if not job.as_json:
        console.print("Serving until Ctrl-C.")
    await asyncio.Event().wait()


def _quiet_seconds(sandbox_options: SandboxOptions) -> float:
    """Return the seconds for which a silent bot may still wait for a rate limit."""
    rate = sandbox_options.message_rate
    return 2.0 if rate is None else max(2.0, rate.seconds + 1.0)
