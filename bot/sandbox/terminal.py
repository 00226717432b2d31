"""A chat in the terminal: lines typed are posted as a person, what the bot does is shown."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.sandbox.control_client import ControlClient
from bot.sandbox.errors import SandboxError
from bot.sandbox.events import Dispatch
from bot.sandbox.wire import Json
from bot.sandbox.world import World

HELP = {
    "/as NAME": "speak as somebody else",
    "/channel NAME": "go to a channel (made when missing)",
    "/dm": "speak to the bot in private",
    "/reply TEXT": "reply to the bot's last message here",
    "/mention TEXT": "mention the bot",
    "/edit TEXT": "edit your last message",
    "/delete": "delete your last message",
    "/react EMOJI": "put an emoji on the bot's last message",
    "/use COMMAND [option=value ...]": "use one of the bot's slash commands",
    "/help": "this list",
    "/quit": "leave",
}


@dataclass(slots=True)
class _Place:
    author: str = "alice"
    channel: str = "general"
    label: str = "#general"
    mine: str | None = None
    theirs: str | None = None


class Terminal:
    """Read lines, post them through the control API, and print what bots do."""

    def __init__(self, world: World, control: ControlClient, bot_id: int, console: Console) -> None:
        """Take the world to watch and the client to act with."""
        self._world = world
        self._control = control
        self._bot_id = bot_id
        self._console = console
        self._here = _Place()
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "/as": self._speak_as,
            "/channel": self._go_to,
            "/dm": self._go_private,
            "/reply": self._reply,
            "/mention": self._mention,
            "/edit": self._edit,
            "/delete": self._delete,
            "/react": self._react,
            "/use": self._use,
            "/help": self._help,
        }

    async def run(self, lines: asyncio.Queue[str | None]) -> None:
        """Chat until ``/quit`` or the end of input (None)."""
        self._world.listeners.append(self._show)
        try:
            self._prompt()
            while (line := await lines.get()) is not None:
                text = line.strip()
                if text == "/quit":
                    return
                if text:
                    await self._take(text)
                self._prompt()
        finally:
            self._world.listeners.remove(self._show)

    async def _take(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        command = self._commands.get(word)
        try:
            if command is not None:
                await command(rest.strip())
            elif text.startswith("/"):
                sentence = f"{word} is not a command here: /help lists them, /use reaches the bot's own."
                self._console.print(f"[red]{escape(sentence)}[/red]")
            else:
                await self._say(text)
        except SandboxError as error:
            self._console.print(f"[red]{escape(str(error))}[/red]")

    def _prompt(self) -> None:
        here = self._here
        self._console.print(f"[dim]{escape(here.author)} {escape(here.label)}>[/dim] ", end="")
        self._console.file.flush()

    # -- what bots do ----------------------------------------------------------------------------------------------

    def _show(self, dispatch: Dispatch) -> None:
        """Print messages of bots as they are posted, edited or deleted."""
        data = dispatch.data
        if dispatch.name in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and data["author"].get("bot"):
            edited = dispatch.name == "MESSAGE_UPDATE"
            if data["channel_id"] == self._channel_id():
                self._here.theirs = data["id"]
            self._print_message(data, "edited " if edited else "")
        elif dispatch.name == "MESSAGE_REACTION_ADD" and data["user_id"] == str(self._bot_id):
            self._print_line(f"[dim]reacts[/dim] {escape(data['emoji']['name'])}")

    def _channel_id(self) -> str:
        found = [item for item in self._world.channels.values() if self._here.channel in (item.name, str(item.id))]
        return str(found[0].id) if found else ""

    def _print_message(self, data: Json, note: str) -> None:
        thinking = data["flags"] & (1 << 7)
        text = "[dim]is thinking ...[/dim]" if thinking else escape(data["content"])
        embeds = "".join(f"\n  {escape(_embed_text(embed))}" for embed in data["embeds"])
        self._print_line(f"[dim]{note}[/dim]{text}{embeds}", data["author"]["username"], data["channel_id"])

    def _print_line(self, text: str, name: str = "", channel_id: str | None = None) -> None:
        elsewhere = ""
        if channel_id is not None and channel_id != self._channel_id():
            channel = self._world.channels.get(int(channel_id))
            elsewhere = f" [dim]in #{escape(channel.name)}[/dim]" if channel is not None and channel.name else ""
        bot = self._world.users[self._bot_id].name
        self._console.print(f"\r[bold cyan]{escape(name or bot)}[/bold cyan]{elsewhere}: {text}", highlight=False)
        self._prompt()

    # -- commands --------------------------------------------------------------------------------------------------

    async def _say(self, content: str, **more: object) -> None:
        here = self._here
        posted = await self._control.post(content, channel=here.channel, author=here.author, **more)
        here.mine = posted["id"]

    async def _speak_as(self, name: str) -> None:
        self._here.author = _needed(name, "/as NAME")

    async def _go_to(self, name: str) -> None:
        name = _needed(name, "/channel NAME").removeprefix("#")
        if not any(channel.name == name for channel in self._world.channels.values()):
            await self._control.create_channel(name)
        self._here = _Place(self._here.author, name, f"#{name}")

    async def _go_private(self, _rest: str) -> None:
        channel = await self._control.open_dm(self._here.author)
        self._here = _Place(self._here.author, channel["id"], "(private)")

    async def _reply(self, text: str) -> None:
        await self._say(_needed(text, "/reply TEXT"), reply_to=self._bots_last())

    async def _mention(self, text: str) -> None:
        await self._say(_needed(text, "/mention TEXT"), mention=str(self._bot_id))

    async def _edit(self, text: str) -> None:
        await self._control.edit(self._my_last(), _needed(text, "/edit TEXT"))

    async def _delete(self, _rest: str) -> None:
        await self._control.delete(self._my_last())
        self._here.mine = None

    async def _react(self, emoji: str) -> None:
        await self._control.react(self._bots_last(), _needed(emoji, "/react EMOJI"), user=self._here.author)

    async def _use(self, text: str) -> None:
        """Use a slash command with the rights of the server's owner, and print answers that only the user sees."""
        words = _words(_needed(text, "/use COMMAND [option=value ...]"))
        command = " ".join(word for word in words if "=" not in word)
        options = {name: _value(value) for name, _, value in (word.partition("=") for word in words if "=" in word)}
        here = self._here
        used = await self._control.use_command(
            command, options, user=here.author, channel=here.channel, permissions=["ADMINISTRATOR"]
        )
        try:
            answer = await self._control.wait_for_answer(used["id"], within=15)
        except TimeoutError:
            raise SandboxError("The bot did not answer within 15 seconds.") from None
        original = answer["original"]
        if original is not None and original["ephemeral"]:
            embeds = "".join(f"\n  {escape(_embed_text(embed))}" for embed in original["embeds"])
            self._console.print(f"[dim](only you see this)[/dim] {escape(original['content'])}{embeds}")

    async def _help(self, _rest: str) -> None:
        table = Table.grid(padding=(0, 2))
        for usage, meaning in HELP.items():
            table.add_row(escape(usage), f"[dim]{meaning}[/dim]")
        self._console.print(table)

    def _my_last(self) -> str:
        if self._here.mine is None:
            raise SandboxError("You have not said anything here yet.")
        return self._here.mine

    def _bots_last(self) -> str:
        if self._here.theirs is None:
            raise SandboxError("The bot has not said anything here yet.")
        return self._here.theirs


def _needed(text: str, usage: str) -> str:
    if not text:
        raise SandboxError(f"Write {usage}.")
    return text


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise SandboxError(f"{error}: close the quotation marks.") from error


def _value(text: str) -> object:
    """Read an option's value: a small whole number, true, false, or text (ids are text)."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isdecimal() and len(text) < 16 else text  # noqa: PLR2004 - shorter than any id


def _embed_text(embed: Json) -> str:
    parts = [embed.get("title", ""), embed.get("description", "")]
    parts += [f"{field['name']}: {field['value']}" for field in embed.get("fields", [])]
    return "\n  ".join(part for part in parts if part)


def stdin_lines() -> asyncio.Queue[str | None]:
    """Read lines from the terminal without a thread; None ends them."""
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def readable() -> None:
        line = sys.stdin.readline()
        lines.put_nowait(line or None)
        if not line:
            loop.remove_reader(sys.stdin)

    loop.add_reader(sys.stdin, readable)
    return lines
