"""The chat's own commands: who speaks, where, and what is done with messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from bot.sandbox.chat.clicks import Clicks
from bot.sandbox.chat.context import ChatSession
from bot.sandbox.chat.safe import printable
from bot.sandbox.chat.show import quote
from bot.sandbox.chat.slash import CHAT_INPUT, registered
from bot.sandbox.chat.watch import Watch
from bot.sandbox.errors import SandboxError
from bot.sandbox.models import Message

QUIT = "quit"
_LISTED = 10


@dataclass(frozen=True, slots=True)
class OwnCommand:
    """One command: what is written behind its name, and what it does."""

    arguments: str
    meaning: str
    run: Callable[[str], Awaitable[None]]


class OwnCommands:
    """The commands by name, without the slash."""

    def __init__(self, context: ChatSession, watch: Watch, clicks: Clicks) -> None:
        """Take the chat."""
        self._context = context
        self._watch = watch
        self.by_name = {
            "as": OwnCommand("NAME", "speak as somebody else", self._speak_as),
            "channel": OwnCommand("NAME", "go to a channel or thread (a channel is made when missing)", self._go_to),
            "dm": OwnCommand("", "speak to the bot in private", self._go_private),
            "reply": OwnCommand("TEXT", "reply to the bot's last message", self._reply),
            "edit": OwnCommand("TEXT", "edit your last message", self._edit),
            "delete": OwnCommand("", "delete your last message", self._delete),
            "react": OwnCommand("EMOJI", "put an emoji on the bot's last message", self._react),
            "press": OwnCommand(
                "NUMBER [CHOICE]", "press the button, or choose from the list, of that number", clicks.press
            ),
            "menu": OwnCommand(
                '"ENTRY" [MESSAGE]', "use an entry of a message's menu (of the bot's last by default)", clicks.menu
            ),
            "ids": OwnCommand("[on|off]", "show the ids of the last messages; on: of each that comes", self._ids),
            "help": OwnCommand("", "this list", self._help),
            QUIT: OwnCommand("", "leave, as Ctrl-D and Ctrl-C on an empty line do", self._quit),
        }

    async def say(self, text: str, reply_to: str | None = None) -> None:
        """Post a message as the person who speaks."""
        context, place = self._context, self._context.place
        content = context.names.marked_up(context.names.addressed(text))
        more = {} if reply_to is None else {"reply_to": reply_to}
        posted = await context.control.post(content, channel=place.channel_id, author=place.author, **more)
        if self._watch.ids:
            context.screen.note(f"{posted['id']} is the id of this message.")
        if not context.connected():
            context.screen.note("No bot is connected: nobody answers.")

    async def _speak_as(self, name: str) -> None:
        name = _needed(name, "/as NAME").removeprefix("@")
        user = self._context.names.people().get(name)
        if user is not None and user.bot:
            raise SandboxError(f"{name} is a bot, which speaks for itself: choose another name.")
        self._context.place.author = name
        if self._context.place.channel.is_dm:
            await self._go_private("")

    async def _go_to(self, name: str) -> None:
        context = self._context
        name = _needed(name, "/channel NAME").removeprefix("#")
        if name not in context.names.channels():
            await context.control.create_channel(name)
            context.screen.note(f"#{name} is a new channel.")
        context.place.channel = context.names.channels()[name]

    async def _go_private(self, _: str) -> None:
        place = self._context.place
        made = await self._context.control.open_dm(place.author)
        place.channel = self._context.services.world.channels[int(made["id"])]

    async def _reply(self, text: str) -> None:
        await self.say(_needed(text, "/reply TEXT"), reply_to=str(self._bots_last().id))

    async def _edit(self, text: str) -> None:
        names = self._context.names
        content = names.marked_up(names.addressed(_needed(text, "/edit TEXT")))
        await self._context.control.edit(str(self._my_last().id), content)

    async def _delete(self, _: str) -> None:
        message = self._my_last()
        await self._context.control.delete(str(message.id))
        self._context.screen.note(f"Deleted: {quote(self._context.names.plain(message.content))}")

    async def _react(self, emoji: str) -> None:
        emoji, author = _needed(emoji, "/react EMOJI"), self._context.place.author
        await self._context.control.react(str(self._bots_last().id), emoji, user=author)

    async def _ids(self, text: str) -> None:
        if text in ("on", "off"):
            self._watch.ids = text == "on"
            self._context.screen.note(f"Ids of messages are {'shown' if self._watch.ids else 'not shown'}.")
        elif text:
            raise SandboxError("Write /ids, /ids on or /ids off.")
        else:
            self._list_ids()

    def _list_ids(self) -> None:
        messages = self._context.messages_here()[:_LISTED]
        if not messages:
            raise SandboxError("There is no message here yet.")
        table = Table.grid(padding=(0, 2))
        for back, message in reversed(list(enumerate(messages, start=1))):
            words = printable(quote(self._context.names.plain(message.content)))
            table.add_row(f"^{back}", str(message.id), Text(f"{printable(message.author.name)}: {words}"))
        self._context.screen.say(table)
        self._context.screen.note("Where a command takes a message, ^1 stands for the newest one here.")

    async def _help(self, _: str) -> None:
        screen, table = self._context.screen, Table.grid(padding=(0, 2))
        for name, command in self.by_name.items():
            table.add_row(Text(f"/{name} {command.arguments}"), Text(command.meaning, style="dim"))
        screen.say(table)
        names = [
            each.name for each in registered(self._context.services.world, self._context.place.channel, [CHAT_INPUT])
        ]
        offered = f"The bot's own: {', '.join(f'/{name}' for name in names)}. " if names else ""
        screen.note(
            f"{offered}Its commands are written as Discord shows them: /command option:value option:value. "
            "A command of this list goes before a bot's of the same name; //name is the bot's."
        )
        screen.note(
            "@name is a mention, also of the bot, whose name may begin the line without the @; #name is a channel."
        )
        screen.note("Tab completes, the arrows go through the line and what was typed before; Ctrl-C clears the line.")

    async def _quit(self, _: str) -> None:
        raise EOFError

    def _my_last(self) -> Message:
        author = self._context.place.author
        found = next((item for item in self._context.messages_here() if item.author.name == author), None)
        if found is None:
            raise SandboxError("You have not said anything here yet.")
        return found

    def _bots_last(self) -> Message:
        found = next((item for item in self._context.messages_here() if item.author.bot), None)
        if found is None:
            raise SandboxError("The bot has not said anything here yet.")
        return found


def _needed(text: str, usage: str) -> str:
    if not text:
        raise SandboxError(f"Write {usage}.")
    return text
