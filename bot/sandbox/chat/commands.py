"""Does what a person types: posts it, runs the chat's own commands, and uses the commands and buttons of bots."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from bot.sandbox.chat.components import BUTTON, AskField, Pressable, fill_in, pressables
from bot.sandbox.chat.messages import MessageDisplay, quote
from bot.sandbox.chat.screen import printable
from bot.sandbox.chat.session import ChatSession, unknown
from bot.sandbox.chat.slash_commands import (
    CHAT_INPUT,
    MESSAGE_MENU,
    USER_MENU,
    RegisteredCommand,
    follow,
    quoted_name,
    read_options,
    registered_commands,
)
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Application, Message, User

_LISTED = 10


@dataclass(frozen=True, slots=True)
class OwnCommand:
    """A command of the chat itself."""

    arguments: str
    meaning: str
    run: Callable[[str], Awaitable[None]]


class ChatCommands:
    """Acts for the person; ``own`` holds the chat's own commands by name, without the slash."""

    def __init__(self, session: ChatSession, display: MessageDisplay, ask: AskField) -> None:
        """Take the chat; ``ask`` asks the person for a field of a form."""
        self._session = session
        self._display = display
        self._ask = ask
        self.own = {
            "as": OwnCommand("NAME", "speak as somebody else", self._speak_as),
            "channel": OwnCommand("NAME", "go to a channel or thread (a channel is made when missing)", self._go_to),
            "dm": OwnCommand("", "speak to the bot in private", self._go_private),
            "reply": OwnCommand("TEXT", "reply to the bot's last message", self._reply),
            "edit": OwnCommand("TEXT", "edit your last message", self._edit),
            "delete": OwnCommand("", "delete your last message", self._delete),
            "react": OwnCommand("EMOJI", "put an emoji on the bot's last message", self._react),
            "press": OwnCommand(
                "NUMBER [CHOICE]", "press the button, or choose from the list, of that number", self._press
            ),
            "menu": OwnCommand(
                '"ENTRY" [MESSAGE]', "use an entry of a message's menu (of the bot's last by default)", self._menu
            ),
            "ids": OwnCommand("[on|off]", "show the ids of the last messages; on: of each that comes", self._ids),
            "help": OwnCommand("", "this list", self._help),
            "quit": OwnCommand("", "leave, as Ctrl-D and Ctrl-C on an empty line do", self._quit),
        }

    async def run(self, line: str) -> None:
        """Do what a line says; raise SandboxError if that can't be done, and EOFError for ``/quit``."""
        if not line.startswith("/"):
            await self._say(line)
            return
        word, _, rest = line[1:].partition(" ")
        if word in self.own:
            await self.own[word].run(rest.strip())
        else:
            await self._use_slash_command(line[1:].removeprefix("/"))

    # -- messages --------------------------------------------------------------------------------------------------

    async def _say(self, text: str, **more: object) -> None:
        session = self._session
        content = session.names.marked_up(session.names.addressed(text))
        posted = await session.control.post(content, channel=session.channel_id, author=session.author, **more)
        if self._display.ids:
            session.screen.note(f"{posted['id']} is the id of this message.")
        if not session.connected():
            session.screen.note("No bot is connected: nobody answers.")

    async def _speak_as(self, name: str) -> None:
        name = _needed(name, "/as NAME").removeprefix("@")
        user = self._session.names.people().get(name)
        if user is not None and user.bot:
            raise SandboxError(f"{name} is a bot, which speaks for itself: choose another name.")
        self._session.author = name
        if self._session.channel.is_dm:
            await self._go_private("")

    async def _go_to(self, name: str) -> None:
        session = self._session
        name = _needed(name, "/channel NAME").removeprefix("#")
        if name not in session.names.channels():
            await session.control.create_channel(name)
            session.screen.note(f"#{name} is a new channel.")
        session.channel = session.names.channels()[name]

    async def _go_private(self, _: str) -> None:
        made = await self._session.control.open_dm(self._session.author)
        self._session.channel = self._session.services.world.channels[int(made["id"])]

    async def _reply(self, text: str) -> None:
        await self._say(_needed(text, "/reply TEXT"), reply_to=str(self._last_of_bot().id))

    async def _edit(self, text: str) -> None:
        names = self._session.names
        content = names.marked_up(names.addressed(_needed(text, "/edit TEXT")))
        await self._session.control.edit(str(self._last_of_person().id), content)

    async def _delete(self, _: str) -> None:
        message = self._last_of_person()
        await self._session.control.delete(str(message.id))
        self._session.screen.note(f"Deleted: {quote(self._session.names.plain(message.content))}")

    async def _react(self, emoji: str) -> None:
        emoji, author = _needed(emoji, "/react EMOJI"), self._session.author
        await self._session.control.react(str(self._last_of_bot().id), emoji, user=author)

    def _last_of_person(self) -> Message:
        return self._last(lambda user: user.name == self._session.author, "You have not said anything here yet.")

    def _last_of_bot(self, hint: str = ".") -> Message:
        return self._last(lambda user: user.bot, f"The bot has not said anything here yet{hint}")

    def _last(self, by: Callable[[User], bool], otherwise: str) -> Message:
        for message in self._session.messages_here():
            if by(message.author):
                return message
        raise SandboxError(otherwise)

    # -- the chat itself -------------------------------------------------------------------------------------------

    async def _ids(self, text: str) -> None:
        if text in ("on", "off"):
            self._display.ids = text == "on"
            self._session.screen.note(f"Ids of messages are {'shown' if self._display.ids else 'not shown'}.")
        elif text:
            raise SandboxError("Write /ids, /ids on or /ids off.")
        else:
            self._list_ids()

    def _list_ids(self) -> None:
        messages = self._session.messages_here()[:_LISTED]
        if not messages:
            raise SandboxError("There is no message here yet.")
        table = Table.grid(padding=(0, 2))
        for back, message in reversed(list(enumerate(messages, start=1))):
            words = printable(quote(self._session.names.plain(message.content)))
            table.add_row(f"^{back}", str(message.id), Text(f"{printable(message.author.name)}: {words}"))
        self._session.screen.say(table)
        self._session.screen.note("Where a command takes a message, ^1 stands for the newest one here.")

    async def _help(self, _: str) -> None:
        screen, table = self._session.screen, Table.grid(padding=(0, 2))
        for name, command in self.own.items():
            table.add_row(Text(f"/{name} {command.arguments}"), Text(command.meaning, style="dim"))
        screen.say(table)
        names = [f"/{each.name}" for each in registered_commands(self._session, CHAT_INPUT)]
        offered = f"The bot's own: {', '.join(names)}. " if names else ""
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

    # -- what bots offer -------------------------------------------------------------------------------------------

    async def _use_slash_command(self, line: str) -> None:
        """Use a bot's command, typed without its slash."""
        session = self._session
        word, _, rest = line.partition(" ")
        commands = registered_commands(session, CHAT_INPUT)
        chosen = next((each for each in commands if each.name == word.lower()), None)
        if chosen is None:
            error = unknown(f"There is no command /{word}", word, [*self.own, *(each.name for each in commands)], "/")
            hint = "" if session.connected() else " No bot is connected that may have more."
            raise SandboxError(f"{error}{hint}")
        reached = follow(chosen.definition, rest)
        options = read_options(reached, session.names, session.channel)
        await self._use(chosen, " ".join(reached.path), options=options)

    async def _menu(self, text: str) -> None:
        """Use an entry of a message's menu (of the bot's last message by default) or of a person's menu."""
        menus = registered_commands(self._session, MESSAGE_MENU, USER_MENU)
        listed = ", ".join(f'"{each.name}"' for each in menus) or "none"
        if not text:
            note = f'Entries of menus: {listed}. Use one by /menu "NAME" [MESSAGE or PERSON].'
            self._session.screen.note(note)
            return
        name, rest = quoted_name(text, [each.name for each in menus])
        chosen = next((each for each in menus if each.name.lower() == name.lower()), None)
        if chosen is None:
            raise SandboxError(f"There is no entry {name!r} in a menu; there are: {listed}.")
        await self._use(chosen, chosen.name, target=self._target(chosen, rest))

    def _target(self, chosen: RegisteredCommand, text: str) -> str:
        names = self._session.names
        if chosen.definition["type"] == USER_MENU:
            return names.user_id(_needed(text, f'/menu "{chosen.name}" NAME', "Say whose menu: "))
        message = (
            names.message(text, self._session.channel) if text else self._last_of_bot(": name a message by its id.")
        )
        return str(message.id)

    async def _press(self, text: str) -> None:
        """Press a button or choose from a select, by its number or label, on the newest message that has one."""
        session, message = self._session, self._display.pressable()
        if message is None:
            raise SandboxError("No message here has a button that can be pressed.")
        pressed, choice = _pressed(pressables(message.components), text)
        if pressed.disabled:
            raise SandboxError(f"[{pressed.number}] {pressed.label} is disabled.")
        values = pressed.values(choice, session.names)
        application = session.services.world.applications[message.author.id]
        self._require(application)
        more = {} if pressed.kind == BUTTON else {"values": values}
        used = await session.control.use_component(str(message.id), pressed.custom_id, user=session.author, **more)
        await self._follow(used, application, str(message.channel.id))

    async def _use(self, chosen: RegisteredCommand, command: str, **more: Any) -> None:  # noqa: ANN401 - JSON
        session, application = self._session, chosen.application
        self._require(application)
        used = await session.control.use_command(
            command, user=session.author, channel=session.channel_id, application=str(application.id), **more
        )
        if used["hidden"]:
            session.screen.note(f"Discord does not show this command to {session.author}, who lacks a permission.")
        await self._follow(used, application, session.channel_id)

    def _require(self, application: Application) -> None:
        if application not in self._session.connected():
            raise SandboxError(f"{application.user.name} is not connected: nobody would answer.")

    async def _follow(self, used: Json, application: Application, channel: str) -> None:
        """Wait until the bot acknowledges an interaction, and fill in the form if it shows one."""
        session, seconds = self._session, self._session.services.interactions.deadline
        try:
            answer = await session.control.wait_for_answer(used["id"], until="acknowledged", within=seconds)
        except TimeoutError:
            raise SandboxError(f"{application.user.name} did not answer within {seconds:g} seconds.") from None
        if "modal" in answer:
            form = answer["modal"]
            fields = await fill_in(form, session.screen, self._ask)
            submitted = await session.control.submit_modal(
                form["custom_id"], fields, user=session.author, channel=channel, application=str(application.id)
            )
            await self._follow(submitted, application, channel)


def _needed(text: str, usage: str, request: str = "Write ") -> str:
    if not text:
        raise SandboxError(f"{request}{usage}.")
    return text


def _pressed(offered: list[Pressable], text: str) -> tuple[Pressable, str]:
    """Find a component by its number or label; return it with the rest of the text."""
    word, _, rest = text.partition(" ")
    for each in offered:
        if word == str(each.number):
            return each, rest.strip()
        if text.lower() == each.label.lower():
            return each, ""
    known = "  ".join(each.text for each in offered)
    raise SandboxError(f"There is no button {text!r}; there are: {known}" if text else f"Say which: {known}")
