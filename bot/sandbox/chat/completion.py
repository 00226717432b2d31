"""Completion of what is typed: commands and their options, people, channels."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from typing import Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from bot.sandbox.chat.commands import OwnCommand
from bot.sandbox.chat.screen import printable
from bot.sandbox.chat.session import ChatSession
from bot.sandbox.chat.slash_commands import (
    BOOLEAN,
    CHANNEL,
    CHAT_INPUT,
    MENTIONABLE,
    MESSAGE_MENU,
    ROLE,
    USER,
    USER_MENU,
    Reached,
    RegisteredCommand,
    TypedOption,
    follow,
    registered_commands,
    scan,
    value_of,
)
from bot.sandbox.errors import SandboxError
from bot.sandbox.json_codec import Json

_MENTION = re.compile(r"(?<![\w<])[@#][\w-]*$")
_AUTOCOMPLETE_SECONDS = 3.0


def offers(before: str) -> bool:
    """Tell whether completions show without Tab: after a slash, an @ or a #."""
    return before.startswith("/") or _MENTION.search(before) is not None


class ChatCompleter(Completer):
    """Completes a line from the world as it is now, and asks the bot for options that it autocompletes."""

    def __init__(self, session: ChatSession, own: Mapping[str, OwnCommand]) -> None:
        """Take the chat and its own commands by name."""
        self._session = session
        self._own = own

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Offer nothing: completions need the event loop."""
        del document, complete_event
        return ()

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """Offer what fits at the cursor."""
        before = document.text_before_cursor
        mention = _MENTION.search(before)
        if mention is not None:
            found: Iterable[Completion] = self._mentions(mention[0])
        elif not before.startswith("/"):
            found = self._bots(before) if complete_event.completion_requested else ()
        elif " " not in before:
            found = self._commands(before[1:])
        else:
            found = await self._arguments(*before[1:].split(" ", 1))
        for each in found:
            yield each

    def _mentions(self, typed: str) -> Iterator[Completion]:
        names = self._session.names
        known: Mapping[str, Any] = names.channels() if typed[0] == "#" else names.people() | names.roles()
        return _matching(typed, _plain(f"{typed[0]}{name}" for name in known))

    def _bots(self, typed: str) -> Iterator[Completion]:
        return _matching(typed, {f"{bot.name}, ": "mentions the bot" for bot in self._session.names.bots()})

    def _commands(self, typed: str) -> Iterator[Completion]:
        slash = "/" if typed.startswith("/") else ""
        commands = registered_commands(self._session, CHAT_INPUT)
        bots = {f"{slash}{each.name}": str(each.definition["description"]) for each in commands}
        own = {} if slash else {name: command.meaning for name, command in self._own.items()}
        return _matching(typed, bots | own)

    async def _arguments(self, word: str, rest: str) -> Iterable[Completion]:
        """Offer arguments of one of the chat's own commands, or subcommands and options of a bot's command."""
        if word in self._own:
            return _matching(rest, self._own_arguments(word))
        commands = registered_commands(self._session, CHAT_INPUT)
        chosen = next((each for each in commands if each.name == word.removeprefix("/")), None)
        if chosen is None:
            return ()
        whole, _, typed = rest.rpartition(" ")
        reached = follow(chosen.definition, whole)
        if not reached.subcommands:
            return await self._options(chosen, follow(chosen.definition, rest))
        found = {each["name"]: each["description"] for each in reached.subcommands}
        return _matching(typed, {} if reached.rest else found)

    def _own_arguments(self, word: str) -> dict[str, str]:
        names = self._session.names
        if word == "as":
            return _plain(name for name, user in names.people().items() if not user.bot)
        if word == "channel":
            return _plain(names.channels())
        if word == "ids":
            return {"on": "of each message", "off": ""}
        if word == "menu":
            return _plain(f'"{each.name}"' for each in registered_commands(self._session, MESSAGE_MENU, USER_MENU))
        return {}

    # -- options of a bot's command --------------------------------------------------------------------------------

    async def _options(self, chosen: RegisteredCommand, reached: Reached) -> list[Completion]:
        """Offer values of the option that is being typed, and the names of options that are not given yet."""
        given = scan(reached.rest, reached.options)
        last = given[-1]
        options = {option["name"]: option for option in reached.options}
        found: list[Completion] = []
        if last.name and not last.quoted:
            found += await self._values(chosen, reached, given, options)
        typed = reached.rest.rpartition(" ")[2]
        if ":" not in typed and (not last.name or last.text):
            taken = {each.name for each in given}
            free = {f"{name}:": option["description"] for name, option in options.items() if name not in taken}
            found += _matching(typed, free)
        return found

    async def _values(
        self, chosen: RegisteredCommand, reached: Reached, given: list[TypedOption], options: Mapping[str, Json]
    ) -> Iterable[Completion]:
        names, option, typed = self._session.names, options[given[-1].name], given[-1].text
        if option.get("autocomplete"):
            suggested = await self._autocompleted(chosen, reached, given, options)
            return [Completion(value, start_position=-len(typed), display=name) for name, value in suggested]
        known: Iterable[str] = (str(choice["name"]) for choice in option.get("choices", []))
        kind = option["type"]
        if kind == BOOLEAN:
            known = ("true", "false")
        elif kind == CHANNEL:
            known = names.channels()
        elif kind in (USER, MENTIONABLE):
            known = names.people()
        elif kind == ROLE:
            known = names.roles()
        return _matching(typed, _plain(known))

    async def _autocompleted(
        self, chosen: RegisteredCommand, reached: Reached, given: list[TypedOption], options: Mapping[str, Json]
    ) -> list[tuple[str, str]]:
        """Ask the bot for names and values; offer nothing if it does not answer or an earlier option is wrong."""
        session, last = self._session, given[-1]
        try:
            values = {
                each.name: value_of(options[each.name], each, session.names, session.channel)
                for each in given[:-1]
                if each.name
            }
            used = await session.control.use_command(
                " ".join(reached.path), {last.name: last.text, **values}, user=session.author,
                channel=session.channel_id, application=str(chosen.application.id), focused=last.name,
            )  # fmt: skip
            answer = await session.control.wait_for_answer(
                used["id"], until="acknowledged", within=_AUTOCOMPLETE_SECONDS
            )
        except (SandboxError, TimeoutError):
            return []
        return list(_choices(answer.get("choices")))


def _choices(offered: object) -> Iterator[tuple[str, str]]:
    """Yield the names and values of choices; leave out values that can't be typed."""
    for choice in offered if isinstance(offered, list) else ():
        if isinstance(choice, dict) and (value := str(choice.get("value", ""))) == printable(value):
            yield printable(choice.get("name", value)), value


def _matching(typed: str, known: Mapping[str, str]) -> Iterator[Completion]:
    """Yield the names that begin with the typed text, with their meanings; leave out names that can't be typed."""
    for name, meaning in known.items():
        if name.lower().startswith(typed.lower()) and name == printable(name):
            yield Completion(name, start_position=-len(typed), display_meta=printable(meaning))


def _plain(names: Iterable[str]) -> dict[str, str]:
    """Return the names as pairs without a meaning."""
    return dict.fromkeys(names, "")
