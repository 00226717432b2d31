"""What the README shows moderators, typed into the sandbox's chat beside the real bot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from bot.core.events import ReplySent
from bot.sandbox.control_client import ControlClient
from bot.sandbox.json_codec import Json
from bot.sandbox.server import Sandbox
from tests.gateway.commands.moderator import Moderator
from tests.harness import Gated, Launch, RunningBot
from tests.sandbox.typist import Typist, chatting
from tests.waiting import eventually


@pytest.fixture
async def typist(sandbox: Sandbox, control: ControlClient) -> AsyncIterator[Typist]:
    """Return somebody at the keyboard."""
    async with chatting(sandbox, control) as (person, _):
        yield person


class Moderating:
    """Types commands and keeps which."""

    def __init__(self, typist: Typist) -> None:
        self._typist = typist
        self.typed: list[str] = []

    async def types(self, line: str, *sees: str) -> None:
        """Type a line and see its answer."""
        self.typed.append(line)
        self._typist.type(line)
        for pattern in sees:
            await self._typist.sees(pattern)

    def used(self, command: str) -> bool:
        """Tell whether a command was typed."""
        return any(f"{line} ".startswith(f"/{command} ") for line in self.typed)


def _leaves(definition: Json, path: str) -> Iterator[str]:
    """Yield a command's full name, or those of its subcommands."""
    nested = [option for option in definition.get("options", []) if option["type"] in (1, 2)]
    for option in nested:
        yield from _leaves(option, f"{path} {option['name']}")
    if not nested:
        yield path


async def test_everything_for_moderators_can_be_typed(
    launch: Launch, control: ControlClient, moderator: Moderator, typist: Typist
) -> None:
    """Each command that the bot registers, as Discord shows it, and each answer is seen."""
    gated = Gated()
    gated.open.set()
    running = await launch(responder=gated, consumers={"search": {}})
    await moderator.registered()
    await typist.sees("sandbox-bot is here")
    chat = Moderating(typist)
    for number in ("one", "two"):
        typist.type(f"ask {number}")
        await typist.sees(rf"sandbox-bot \(to alice\): re: {number}")
    question = (await control.messages(author="alice"))[0]["id"]
    await running.judge.expect(ReplySent, 2)

    await chat.types("/replay state", r"\(only you see this\)", r"at version \d+", "window: 4 turns")
    await chat.types("/replay state at:4", "at version 4")
    await chat.types("/replay timeline type:message.received", "2 events of those chosen")
    await chat.types("/replay timeline", r"reply\.sent", r"message\.received")
    await chat.types("/replay diff from:1 to:4", "from version 1 to 4")
    await chat.types(f"/replay why message:{question}", "answered in 1 part")
    await chat.types('/menu "Why this reply?"', "answered in 1 part")
    await chat.types('/menu "Why this reply?" ^4', f"Message {question}")
    await chat.types("/replay rewind to:5", r"\d turns? leaves? the window", r"\[1\] Rewind  \[2\] Cancel")
    await chat.types("/press 1", r"only you see this, edited\):\s+Channel \d+ is rewound to version 5")
    await chat.types("/replay undo", r"\d turns? comes? back")
    await chat.types("/replay reset", r"\[1\] Reset  \[2\] Cancel")
    await chat.types("/press Cancel", "Nothing was changed")
    await chat.types("/forget-conversation", r"I would forget \d turns", r"\[1\] Forget conversation  \[2\] Cancel")
    await chat.types("/press Cancel", "Nothing was changed")
    await chat.types("/replay rehearse last:2", "2 messages of channel")
    await chat.types("/replay again message:^1", "composed anew")
    await chat.types("/replay pause", "paused")
    await chat.types("/replay resume", "Replies go on")
    waiting = await _unanswered(running, gated, control, typist)
    await chat.types("/replay pending", waiting)
    await chat.types(f"/replay drop message:{waiting}", "given up")
    gated.open.set()
    await chat.types(f"/replay retry message:{waiting}", r"\(to alice\): re: three")
    await chat.types("/replay verify", "All is well")
    await chat.types("/replay rebuild", "the same state as before")
    await chat.types("/replay snapshot", "is kept")
    await chat.types("/replay export", r"file \S+\.jsonl \(\S+ kB\) http://\S+\.jsonl")
    await chat.types("/replay status", "connected")
    await _about_the_place(chat)
    await chat.types("/page", "There is no page of conversations here")
    await chat.types("/usage since:7d", r"\(only you see this\)")
    await chat.types("/stats since:7d", r"file stats\.png \(\S+ kB\) http://\S+\.png")
    await chat.types(
        "/search words:thr*", "bot: re: three", rf"\[2\]\(<https://discord.com/channels/\d+/\d+/{waiting}>"
    )
    await _about_privacy(chat, question)

    registered = [leaf for command in await control.commands() for leaf in _leaves(command, command["name"])]
    menus = {command["name"] for command in await control.commands() if command["type"] != 1}
    assert [name for name in registered if name not in menus and not chat.used(name)] == []
    assert [name for name in menus if f'/menu "{name}"' not in chat.typed] == []


async def _about_the_place(chat: Moderating) -> None:
    await chat.types("/persona set text:be brief, and kind scope:server", "The persona of this server is set")
    await chat.types("/persona show", "be brief, and kind")
    await chat.types("/persona clear scope:server", r"\(only you see this\)")
    await chat.types("/model set model:test:model", "There is no model to choose")
    await chat.types("/model show", "that of the settings")
    await chat.types("/model clear", "no model of its own to clear")


async def _about_privacy(chat: Moderating, question: str) -> None:
    await chat.types("/privacy opt-out", "record none of your words")
    await chat.types("/privacy opt-in", "answer you again")
    await chat.types("/privacy export-me", r"file \S+\.jsonl \(\S+ kB\) http://\S+\.jsonl")
    await chat.types(f"/privacy forget message:{question}", r"\[1\] Forget  \[2\] Cancel")
    await chat.types("/privacy forget-me where:everywhere", r"\[1\] Forget me  \[2\] Cancel")
    await chat.types("/press 1", "Erased: the words of")


async def _unanswered(running: RunningBot, gated: Gated, control: ControlClient, typist: Typist) -> str:
    """Ask something whose answer does not come, and return the question's id."""
    # What is composed anew before it has to be let through.
    await running.judge.settled((await control.messages(author="alice"))[0]["channel_id"])
    gated.open.clear()
    typist.type("ask three")
    await eventually(lambda: any(each.text == "ask three" for each in gated.asked))
    return (await control.messages(author="alice"))[-1]["id"]


async def test_a_question_is_asked_by_its_command(
    launch: Launch, control: ControlClient, moderator: Moderator, typist: Typist
) -> None:
    """``/ask``, for all or for the asker alone."""
    await launch(replies={"ask": True})
    await moderator.registered()

    typist.type("/ask question:ask the stars")
    await typist.sees("sandbox-bot: re: the stars")
    typist.type("/ask ask the moon private:true")
    await typist.sees(r"sandbox-bot \(only you see this\): re: the moon")

    assert [message["content"] for message in await control.messages(contains="re:") if not message["ephemeral"]] == [
        "re: the stars"
    ]


async def test_an_ordinary_member_is_refused(launch: Launch, moderator: Moderator, typist: Typist) -> None:
    """The first person moderates the server, whoever else speaks does not."""
    await launch()
    await moderator.registered()

    typist.type("/as bob")
    typist.type("/replay state")
    await typist.sees("Discord does not show this command to bob")
    await typist.sees(r"\(only you see this\): You may not use this command")
