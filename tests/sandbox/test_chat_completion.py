"""What the chat offers while a line is typed."""

from __future__ import annotations

import asyncio
import io

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from rich.console import Console

from bot.sandbox.chat.commands import ChatCommands
from bot.sandbox.chat.completion import ChatCompleter, offers
from bot.sandbox.chat.messages import MessageDisplay
from bot.sandbox.chat.screen import ChatScreen
from bot.sandbox.chat.session import ChatSession, Names
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import Connect, Rest
from tests.sandbox.plain_bot import INTENTS, PlainBot

STATE = {
    "type": 1,
    "name": "state",
    "description": "The state.",
    "options": [
        {"type": 3, "name": "at", "description": "When.", "autocomplete": True},
        {"type": 7, "name": "channel", "description": "Where."},
        {"type": 5, "name": "private", "description": "Whether."},
        {"type": 3, "name": "kind", "description": "Which.", "choices": [{"name": "Reply", "value": "r"}]},
        {"type": 6, "name": "person", "description": "Who."},
        {"type": 8, "name": "role", "description": "Whose."},
    ],
}
REPLAY = {
    "name": "replay",
    "type": 1,
    "description": "The replays.",
    "options": [STATE, {"type": 1, "name": "status", "description": "All."}],
}


class Offering:
    """Types into a chat's completer."""

    def __init__(self, sandbox: Sandbox, control: ControlClient) -> None:
        screen, names = ChatScreen(Console(file=io.StringIO())), Names(sandbox.world)
        session = ChatSession(sandbox.services, control, screen, names, "alice", sandbox.services.general)
        commands = ChatCommands(session, MessageDisplay(session), self._no_form)
        self._completer = ChatCompleter(session, commands.own)

    async def __call__(self, line: str, *, tab: bool = True) -> list[str]:
        """Return what is offered at the end of a line, as the line then is."""
        event = CompleteEvent(completion_requested=tab, text_inserted=not tab)
        found = [each async for each in self._completer.get_completions_async(Document(line), event)]
        return [f"{line[: len(line) + each.start_position]}{each.text}" for each in found]

    async def _no_form(self, label: str, value: str) -> str | None:
        raise AssertionError((label, value))


@pytest.fixture
async def offered(sandbox: Sandbox, control: ControlClient, rest: Rest, connect: Connect) -> Offering:
    """Return a chat beside a bot with commands, in a server with people and channels."""
    bot = PlainBot(rest, sandbox, await connect(intents=INTENTS))
    await bot.registers(REPLAY, {"name": "Why this?", "type": 3})
    for name in ("alice", "al\x1b"):
        await control.create_user(name)
    await control.create_channel("help")
    await control.call("POST", "/roles", {"name": "mods", "permissions": [], "users": ["alice"]})
    return Offering(sandbox, control)


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("/re", ["/replay", "/reply", "/react"]),
        ("//re", ["//replay"]),
        ("/replay sta", ["/replay state", "/replay status"]),
        ("/replay dance ", []),
        ("/replay state p", ["/replay state private:", "/replay state person:"]),
        ("/replay state private:true p", ["/replay state private:true person:"]),
        ("/replay state private:", ["/replay state private:true", "/replay state private:false"]),
        ("/replay state channel:#h", ["/replay state channel:#help"]),
        ("/replay state channel:h", ["/replay state channel:help"]),
        ("/replay state kind:re", ["/replay state kind:Reply"]),
        ("/replay state person:a", ["/replay state person:alice"]),
        ("/replay state role:m", ["/replay state role:mods"]),
        ("/nothing x", []),
        ("/as a", ["/as alice"]),
        ("/channel h", ["/channel help"]),
        ("/ids o", ["/ids on", "/ids off"]),
        ("/menu ", ['/menu "Why this?"']),
        ("hello @al", ["hello @alice"]),
        ("see #ge", ["see #general"]),
        ("sand", ["sandbox-bot, "]),
    ],
)
async def test_what_is_offered(offered: Offering, line: str, lines: list[str]) -> None:
    """Commands, subcommands, options, values, people and channels; nothing that can't be typed."""
    assert await offered(line) == lines


async def test_plain_words_are_not_interrupted(offered: Offering) -> None:
    """While somebody types a sentence, nothing pops up unless they ask for it by Tab."""
    assert await offered("sand", tab=False) == []
    assert [offers(line) for line in ("/", "hi @", "see #ge", "hello", "a@b", "")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


async def test_the_bot_is_asked(sandbox: Sandbox, control: ControlClient, rest: Rest, connect: Connect) -> None:
    """An option that completes itself: by what is typed, with the options before; what can't be typed is left out."""
    bot = PlainBot(rest, sandbox, await connect(intents=INTENTS))
    await bot.registers(REPLAY)
    offering = asyncio.create_task(Offering(sandbox, control)("/replay state private:yes at:1 h"))
    used = await bot.used()
    choices = [{"name": "An \x1b hour", "value": "1 hour ago"}, {"name": "Wild", "value": "\x1b"}]
    await bot.answers(used, 8, {"choices": choices})

    assert await offering == ["/replay state private:yes at:1 hour ago"]
    (state,) = used["data"]["options"]
    assert state["options"] == [
        {"name": "at", "type": 3, "value": "1 h", "focused": True},
        {"name": "private", "type": 5, "value": True},
    ]
