"""The chat in a terminal: reads lines and runs them until the person leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from rich.console import Console

from bot.sandbox.chat.commands import ChatCommands
from bot.sandbox.chat.completion import ChatCompleter, offers
from bot.sandbox.chat.messages import MessageDisplay
from bot.sandbox.chat.screen import ChatScreen
from bot.sandbox.chat.session import ChatSession, Names
from bot.sandbox.control_client import ControlClient
from bot.sandbox.errors import SandboxError
from bot.sandbox.services import Services

FIRST_PERSON = "alice"
_MENU_ROWS = 6


class Chat:
    """A person at the keyboard of a sandbox."""

    def __init__(
        self,
        services: Services,
        control: ControlClient,
        console: Console,
        absence: str,
        ended: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        """Take the sandbox and where to print.

        ``absence`` is printed if no bot is connected at the start. ``ended`` waits until a bot that was started with
        the chat ends by itself, and returns what to print then.
        """
        self.screen = ChatScreen(console)
        names = Names(services.world)
        self._session = ChatSession(services, control, self.screen, names, FIRST_PERSON, services.general)
        self._display = MessageDisplay(self._session)
        self._commands = ChatCommands(self._session, self._display, self._ask)
        self._absence = absence
        self._ended = ended
        self._line: PromptSession[str] = self._prompt()

    def _prompt(self) -> PromptSession[str]:
        session: PromptSession[str] = PromptSession(
            message=lambda: [("ansibrightblack", f"{self._session.prompt}> ")],
            history=InMemoryHistory(),
            completer=ChatCompleter(self._session, self._commands.own),
            complete_while_typing=Condition(lambda: offers(session.default_buffer.document.text_before_cursor)),
            key_bindings=_bindings(),
            reserve_space_for_menu=_MENU_ROWS,
        )
        return session

    async def run(self) -> None:
        """Chat until the person leaves; raise click.Abort when they press Ctrl-C, and any error of a part."""
        await self._appoint()
        if not self._session.connected():
            self.screen.note(self._absence)
        telling = asyncio.create_task(self._tell_end())
        printing = asyncio.create_task(self.screen.run())
        working = (printing, asyncio.create_task(self._display.run()), asyncio.create_task(self._read()))
        try:
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for task in working:
                if task.done():
                    task.result()
        finally:
            if not printing.done():
                await self.screen.flush()
            for task in (*working, telling):
                task.cancel()
            await asyncio.gather(*working, telling, return_exceptions=True)

    async def _appoint(self) -> None:
        """Make the first person a moderator of the server; everybody else is an ordinary member."""
        body = {"name": "moderators", "permissions": ["ADMINISTRATOR"], "users": [FIRST_PERSON]}
        await self._session.control.call("POST", "/roles", body)

    async def _tell_end(self) -> None:
        if self._ended is not None:
            self.screen.refuse(await self._ended())

    async def _read(self) -> None:
        # Raw mode also holds between two lines: Ctrl-C must not become a signal there.
        with self._line.app.input.raw_mode():
            while True:
                try:
                    # The process handles signals itself, and its event loop reports errors.
                    text = await self._line.prompt_async(handle_sigint=False, set_exception_handler=False)
                    await self._run(text.strip())
                except EOFError:
                    return
                except KeyboardInterrupt:
                    raise click.Abort from None

    async def _run(self, line: str) -> None:
        try:
            if line:
                await self._commands.run(line)
        except SandboxError as error:
            self.screen.refuse(str(error))

    async def _ask(self, label: str, value: str) -> str | None:
        """Ask the person for a field of a form; return None if they give up."""
        session: PromptSession[str] = PromptSession()
        try:
            return await session.prompt_async(
                [("bold", f"{label}: ")], default=value, handle_sigint=False, set_exception_handler=False
            )
        except (EOFError, KeyboardInterrupt):
            return None


def _bindings() -> KeyBindings:
    """Let Ctrl-C clear the line, or leave the chat if the line is empty."""
    bindings = KeyBindings()

    @bindings.add("c-c")
    def _(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt)

    return bindings
