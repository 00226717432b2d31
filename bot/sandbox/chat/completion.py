"""Completion of what is typed: commands and their options, people, channels."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from bot.sandbox.chat.context import ChatSession
from bot.sandbox.chat.own import OwnCommands
from bot.sandbox.chat.safe import printable
from bot.sandbox.chat.slash import (
    CHAT_INPUT,
    MESSAGE_MENU,
    USER_MENU,
    Reached,
    Registered,
    TypedOption,
    follow,
    registered,
    scan,
)
from bot.sandbox.chat.values import BOOLEAN, CHANNEL, MENTIONABLE, ROLE, USER, value_of
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json

_MENTION = re.compile(r"(?<![\w<])[@#][\w-]*$")
_SECONDS = 3.0


def offers(before: str) -> bool:
    """Tell whether something is offered while a line is typed: behind a slash, an @ or a #."""
    return before.startswith("/") or _MENTION.search(before) is not None


class ChatCompleter(Completer):
    """Completes a line from what the world holds at this moment, and asks the bot where an option says so."""

    def __init__(self, context: ChatSession, own: OwnCommands) -> None:
        """Take the chat and its own commands."""
        self._context = context
        self._own = own

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Offer nothing: what is offered takes a loop."""
        del document, complete_event
        return ()

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """Offer what may stand at the cursor."""
        before = document.text_before_cursor
        mention = _MENTION.search(before)
        if mention is not None:
            found: Iterable[Completion] = self._mentions(mention[0])
        elif not before.startswith("/"):
            found = self._bots(before) if complete_event.completion_requested else ()
        elif " " not in before:
            found = self._commands(before[1:])
        else:
            found = [each async for each in self._behind(*before[1:].split(" ", 1))]
        for each in found:
            yield each

    # -- names -----------------------------------------------------------------------------------------------------

    def _mentions(self, typed: str) -> Iterator[Completion]:
        names = self._context.names
        known: Mapping[str, Any] = names.channels() if typed[0] == "#" else names.people() | names.roles()
        yield from _matching(typed, {f"{typed[0]}{name}": "" for name in known})

    def _bots(self, typed: str) -> Iterator[Completion]:
        yield from _matching(typed, {f"{bot.name}, ": "mentions the bot" for bot in self._context.names.bots()})

    def _commands(self, typed: str) -> Iterator[Completion]:
        slash = "/" if typed.startswith("/") else ""
        bots = {f"{slash}{each.name}": str(each.definition["description"]) for each in self._registered()}
        own = {} if slash else {name: command.meaning for name, command in self._own.by_name.items()}
        yield from _matching(typed, bots | own)

    def _registered(self, *kinds: int) -> list[Registered]:
        return registered(self._context.services.world, self._context.place.channel, kinds or (CHAT_INPUT,))

    # -- behind a command ------------------------------------------------------------------------------------------

    async def _behind(self, word: str, rest: str) -> AsyncIterator[Completion]:
        if word in self._own.by_name:
            for each in self._arguments(word, rest):
                yield each
            return
        chosen = next((each for each in self._registered() if each.name == word.removeprefix("/")), None)
        if chosen is None:
            return
        whole, _, typed = rest.rpartition(" ")
        reached = follow(chosen.definition, whole)
        if reached.subcommands:
            found = {each["name"]: each["description"] for each in reached.subcommands}
            for each in _matching(typed, {} if reached.rest else found):
                yield each
            return
        async for each in self._options(chosen, follow(chosen.definition, rest)):
            yield each

    def _arguments(self, word: str, rest: str) -> Iterator[Completion]:
        names = self._context.names
        if word == "as":
            people = [name for name, user in names.people().items() if not user.bot]
            yield from _matching(rest, dict.fromkeys(people, ""))
        elif word == "channel":
            yield from _matching(rest, dict.fromkeys(names.channels(), ""))
        elif word == "ids":
            yield from _matching(rest, {"on": "of each message", "off": ""})
        elif word == "menu":
            menus = self._registered(MESSAGE_MENU, USER_MENU)
            yield from _matching(rest, {f'"{each.name}"': "" for each in menus})

    async def _options(self, chosen: Registered, reached: Reached) -> AsyncIterator[Completion]:
        given = scan(reached.rest, reached.options)
        last = given[-1]
        options = {option["name"]: option for option in reached.options}
        if last.name and not last.quoted:
            async for each in self._values(chosen, reached, given, options[last.name]):
                yield each
        typed = reached.rest.rpartition(" ")[2]
        if ":" in typed or (last.name and not last.text):
            return
        taken = {each.name for each in given}
        free = {f"{name}:": option["description"] for name, option in options.items() if name not in taken}
        for each in _matching(typed, free):
            yield each

    async def _values(
        self, chosen: Registered, reached: Reached, given: list[TypedOption], option: Json
    ) -> AsyncIterator[Completion]:
        names, kind, typed = self._context.names, option["type"], given[-1].text
        if option.get("autocomplete"):
            for name, value in await self._suggested(chosen, reached, given):
                yield Completion(value, start_position=-len(typed), display=name)
            return
        known: list[str] = [str(choice["name"]) for choice in option.get("choices", [])]
        if kind == BOOLEAN:
            known = ["true", "false"]
        elif kind == CHANNEL:
            known = list(names.channels())
        elif kind in (USER, MENTIONABLE):
            known = list(names.people())
        elif kind == ROLE:
            known = list(names.roles())
        for each in _matching(typed, dict.fromkeys(known, "")):
            yield each

    async def _suggested(self, chosen: Registered, reached: Reached, given: list[TypedOption]) -> list[tuple[str, str]]:
        """Ask the bot what may stand there; trouble with that is no suggestion."""
        control, place = self._context.control, self._context.place
        options = {option["name"]: option for option in reached.options}
        values: Json = {given[-1].name: given[-1].text}
        try:
            for each in given[:-1]:
                if each.name:
                    values[each.name] = value_of(
                        options[each.name], each.text, self._context.names, place.channel, quoted=each.quoted
                    )
            used = await control.use_command(
                " ".join(reached.path), values, user=place.author, channel=place.channel_id,
                application=str(chosen.application.id), focused=given[-1].name,
            )  # fmt: skip
            answer = await control.wait_for_answer(used["id"], until="acknowledged", within=_SECONDS)
        except (SandboxError, TimeoutError):
            return []
        return list(_choices(answer.get("choices")))


def _choices(offered: object) -> Iterator[tuple[str, str]]:
    """Yield the names and values of choices; what can't be typed is left out."""
    for choice in offered if isinstance(offered, list) else ():
        if isinstance(choice, dict) and (value := str(choice.get("value", ""))) == printable(value):
            yield printable(choice.get("name", value)), value


def _matching(typed: str, known: Mapping[str, str]) -> Iterator[Completion]:
    """Yield what begins with the text typed; names of bots' making that can't be typed are left out."""
    for name, meaning in known.items():
        if name.lower().startswith(typed.lower()) and name == printable(name):
            yield Completion(name, start_position=-len(typed), display_meta=printable(meaning))
