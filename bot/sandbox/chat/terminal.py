"""The chat: reads what a person types and does it, until they leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from rich.console import Console

from bot.sandbox.chat.clicks import Clicks
from bot.sandbox.chat.completion import ChatCompleter, offers
from bot.sandbox.chat.context import ChatSession, Place
from bot.sandbox.chat.names import Names
from bot.sandbox.chat.own import OwnCommands
from bot.sandbox.chat.screen import ChatScreen
from bot.sandbox.chat.watch import Watch
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

        ``absence`` is said while no bot has come yet; ``ended`` waits until a bot that was started beside the
        chat ends by itself, and gives what to say then.
        """
        self.screen = ChatScreen(console)
        place = Place(FIRST_PERSON, services.general)
        self._context = ChatSession(services, control, self.screen, Names(services.world), place)
        self._watch = Watch(self._context)
        self._clicks = Clicks(self._context, self._watch, self._ask)
        self._own = OwnCommands(self._context, self._watch, self._clicks)
        self._absence = absence
        self._ended = ended
        self._line: PromptSession[str] = self._prompt()

    def _prompt(self) -> PromptSession[str]:
        session: PromptSession[str] = PromptSession(
            message=lambda: [("ansibrightblack", f"{self._context.place.label}> ")],
            history=InMemoryHistory(),
            completer=ChatCompleter(self._context, self._own),
            complete_while_typing=Condition(lambda: offers(session.default_buffer.document.text_before_cursor)),
            key_bindings=_bindings(),
            reserve_space_for_menu=_MENU_ROWS,
        )
        return session

    async def run(self) -> None:
        """Chat until the person leaves; raise click.Abort where they leave by Ctrl-C, and what goes wrong otherwise."""
        await self._appoint()
        if not self._context.connected():
            self.screen.note(self._absence)
        telling = asyncio.create_task(self._tell_end())
        printing = asyncio.create_task(self.screen.run())
        working = (printing, asyncio.create_task(self._watch.run()), asyncio.create_task(self._read()))
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
        """Make the first person a moderator of the server: whoever else speaks is an ordinary member."""
        body = {"name": "moderators", "permissions": ["ADMINISTRATOR"], "users": [FIRST_PERSON]}
        await self._context.control.call("POST", "/roles", body)

    async def _tell_end(self) -> None:
        if self._ended is not None:
            self.screen.refuse(await self._ended())

    async def _read(self) -> None:
        # Between two lines, too, the keys are the chat's: Ctrl-C must not become a signal there.
        with self._line.app.input.raw_mode():
            while True:
                try:
                    # The signals are those of the whole process, and its loop says itself what went wrong.
                    text = await self._line.prompt_async(handle_sigint=False, set_exception_handler=False)
                    await self._take(text.strip())
                except EOFError:
                    return
                except KeyboardInterrupt:
                    raise click.Abort from None

    async def _take(self, text: str) -> None:
        try:
            if text.startswith("/"):
                await self._command(text[1:])
            elif text:
                await self._own.say(text)
        except SandboxError as error:
            self.screen.refuse(str(error))

    async def _command(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        own = self._own.by_name.get(word)
        if own is not None:
            await own.run(rest.strip())
        else:
            await self._clicks.command(text.removeprefix("/"), list(self._own.by_name))

    async def _ask(self, label: str, value: str) -> str | None:
        """Have the person fill in a field of a form; None when they leave it."""
        session: PromptSession[str] = PromptSession()
        try:
            return await session.prompt_async(
                [("bold", f"{label}: ")], default=value, handle_sigint=False, set_exception_handler=False
            )
        except (EOFError, KeyboardInterrupt):
            return None


def _bindings() -> KeyBindings:
    """Let Ctrl-C clear the line, and leave on an empty one."""
    bindings = KeyBindings()

    @bindings.add("c-c")
    def _(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt)

    return bindings
