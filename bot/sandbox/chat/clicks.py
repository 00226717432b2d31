"""What a person does with a bot's commands, menus, buttons and forms, and waiting until the bot takes it."""

from __future__ import annotations

from typing import Any

from bot.sandbox.chat.components import BUTTON, Pressable, pressables
from bot.sandbox.chat.context import ChatSession
from bot.sandbox.chat.forms import AskField, Form
from bot.sandbox.chat.mistakes import unknown
from bot.sandbox.chat.slash import (
    CHAT_INPUT,
    MESSAGE_MENU,
    USER_MENU,
    Registered,
    follow,
    quoted_name,
    read_options,
    registered,
)
from bot.sandbox.chat.watch import Watch
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Application, Message


class Clicks:
    """Uses what bots offer, as the person who speaks."""

    def __init__(self, context: ChatSession, watch: Watch, ask: AskField) -> None:
        """Take the chat; ``ask`` has the person fill in a field of a form."""
        self._context = context
        self._watch = watch
        self._ask = ask

    async def command(self, line: str, own: list[str]) -> None:
        """Use a slash command, typed without its slash; ``own`` are names that the person may have meant, too."""
        context = self._context
        word, _, rest = line.partition(" ")
        commands = registered(context.services.world, context.place.channel, [CHAT_INPUT])
        chosen = next((each for each in commands if each.name == word.lower()), None)
        if chosen is None:
            raise self._no_command(word, [*own, *(each.name for each in commands)])
        reached = follow(chosen.definition, rest)
        values = read_options(reached, context.names, context.place.channel)
        await self._use(chosen, " ".join(reached.path), options=values)

    def _no_command(self, word: str, known: list[str]) -> SandboxError:
        error = unknown(f"There is no command /{word}", word, known, "/")
        return error if self._context.connected() else SandboxError(f"{error} No bot is connected that may have more.")

    async def menu(self, text: str) -> None:
        """Use an entry of the menu of a message, the bot's last one by default, or of a person."""
        context = self._context
        menus = registered(context.services.world, context.place.channel, [MESSAGE_MENU, USER_MENU])
        listed = ", ".join(f'"{each.name}"' for each in menus) or "none"
        if not text:
            context.screen.note(f'Entries of menus: {listed}. Use one by /menu "NAME" [MESSAGE or PERSON].')
            return
        name, rest = quoted_name(text, [each.name for each in menus])
        chosen = next((each for each in menus if each.name.lower() == name.lower()), None)
        if chosen is None:
            raise SandboxError(f"There is no entry {name!r} in a menu; there are: {listed}.")
        await self._use(chosen, chosen.name, target=self._target(chosen, rest))

    def _target(self, chosen: Registered, text: str) -> str:
        context = self._context
        if chosen.definition["type"] == USER_MENU:
            if not text:
                raise SandboxError(f'Say whose menu: /menu "{chosen.name}" NAME.')
            return context.names.user_id(text)
        if text:
            return str(context.names.message(text, context.place.channel).id)
        last = next((message for message in context.messages_here() if message.author.bot), None)
        if last is None:
            raise SandboxError("The bot has not said anything here yet: name a message by its id.")
        return str(last.id)

    async def press(self, text: str) -> None:
        """Press a button or choose from a select, by its number or label, under the newest message that has some."""
        context = self._context
        message = self._watch.pressable()
        if message is None:
            raise SandboxError("No message here has a button that can be pressed.")
        pressed, values = _pressed(pressables(message.components), text)
        if pressed.disabled:
            raise SandboxError(f"[{pressed.number}] {pressed.label} is disabled.")
        chosen = pressed.values(values, context.names)
        application = context.services.world.applications[message.author.id]
        self._require(application)
        more = {} if pressed.kind == BUTTON else {"values": chosen}
        used = await context.control.use_component(
            str(message.id), pressed.custom_id, user=context.place.author, **more
        )
        await self._follow(used, application, message)

    # -- from the click to the answer ------------------------------------------------------------------------------

    async def _use(self, chosen: Registered, command: str, **more: Any) -> None:  # noqa: ANN401 - JSON
        context, application = self._context, chosen.application
        self._require(application)
        used = await context.control.use_command(
            command,
            user=context.place.author,
            channel=context.place.channel_id,
            application=str(application.id),
            **more,
        )
        if used["hidden"]:
            context.screen.note(
                f"Discord does not show this command to {context.place.author}, who lacks a permission."
            )
        await self._follow(used, application)

    def _require(self, application: Application) -> None:
        if application not in self._context.connected():
            raise SandboxError(f"{application.user.name} is not connected: nobody would answer.")

    async def _follow(self, used: Json, application: Application, source: Message | None = None) -> None:
        """Wait until the bot has taken it; the answer itself is shown when it comes."""
        context = self._context
        seconds = context.services.interactions.deadline
        try:
            answer = await context.control.wait_for_answer(used["id"], until="acknowledged", within=seconds)
        except TimeoutError:
            raise SandboxError(f"{application.user.name} did not answer within {seconds:g} seconds.") from None
        if "modal" not in answer:
            return
        form = Form.of(answer["modal"])
        fields = await form.filled(context.screen, self._ask)
        channel = context.place.channel_id if source is None else str(source.channel.id)
        submitted = await context.control.submit_modal(
            form.custom_id, fields, user=context.place.author, channel=channel, application=str(application.id)
        )
        await self._follow(submitted, application, source)


def _pressed(offered: list[Pressable], text: str) -> tuple[Pressable, str]:
    """Return what is pressed, and the rest of the text."""
    word, _, rest = text.partition(" ")
    for each in offered:
        if word == str(each.number):
            return each, rest.strip()
        if text.lower() == each.label.lower():
            return each, ""
    if not text:
        raise SandboxError(f"Say which: {'  '.join(each.text for each in offered)}")
    raise SandboxError(f"There is no button {text!r}; there are: {'  '.join(each.text for each in offered)}")
