"""``echoless demo --llm URL``: a Discord on loopback, the bot with a language model, and people who ask it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bot.conversations import state_as_of
from bot.core.events import ReplyDelayed
from bot.demo.acts import PATIENCE
from bot.demo.bot_process import BotProcess
from bot.demo.model_choice import base_of, choose, require_library
from bot.demo.model_report import ModelReport, exchanges
from bot.demo.playground import demo_facts, open_playground
from bot.demo.trails import read_trails
from bot.eventlog.log import open_reader
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader
from bot.responders.protocol import WAITS, Trouble
from bot.sandbox.control_client import ControlClient
from bot.sandbox.json_codec import Json
from bot.sandbox.process import SandboxProcess

ANSWER_SECONDS = 400.0
"""Seconds for an answer. A small machine loads the model first, and a failure is tried three times."""
EVERY = 0.2

FIRST = "In one sentence: what is an event log?"
SECOND = "And why would a chat bot keep one?"
PRIVATE = "Tell me a very short joke about databases."
BY_RULE = "!uptime"
CHATTER = "morning, everyone"


@dataclass(slots=True)
class _Talk:
    """People talk to the bot; ``addressed`` maps the messages that it has to answer to their channels.

    ``told`` holds the positions of the delays that were announced.
    """

    sandbox: SandboxProcess
    bot: BotProcess
    announce: Callable[[str], None]
    addressed: dict[int, int] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)

    async def play(self) -> None:
        """Play the chat; raise TimeoutError when an answer does not come, DemoError when the bot ends by itself."""
        self.announce("the bot connects")
        await self.bot.start()
        await self.bot.alive(self._control.wait_for_ready(identifies=1, within=PATIENCE))
        general = self.sandbox.channel_id
        private = (await self._control.open_dm("carol"))["id"]
        self.announce("a first question: a model may have to be loaded")
        question = await self._ask(general, "alice", FIRST, mention=self.sandbox.application_id)
        await self._settled()
        answers = await self._control.messages(reference=question, author=self.sandbox.application_id)
        self.announce("a reply to the answer, a private chat, a rule's word, and talk among people")
        await self._control.post_many([self._message(general, "erin", CHATTER)])
        if answers:
            await self._ask(general, "bob", SECOND, reply_to=answers[-1]["id"])
        await self._ask(general, "dave", BY_RULE)
        await self._ask(private, "carol", PRIVATE)
        await self._settled()
        self.announce("SIGTERM")
        await self.bot.stop()

    async def _ask(self, channel: str, author: str, content: str, **more: str) -> str:
        (message,) = await self._control.post_many([self._message(channel, author, content, **more)])
        self.addressed[int(message)] = int(channel)
        return message

    def _message(self, channel: str, author: str, content: str, **more: str) -> Json:
        return {"channel": channel, "author": author, "content": content, **more}

    async def _settled(self) -> None:
        """Wait until all questions so far are answered or given up."""
        await self.bot.alive(self._settle())

    async def _settle(self) -> None:
        reader = await open_reader(self.bot.location)
        stuck = ""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while not (stuck or await self._all_settled(reader)):
                    stuck = await self._tell_delays(reader)
                    await asyncio.sleep(EVERY)
        except TimeoutError:
            stuck = f"no answer within {ANSWER_SECONDS:.0f} s"
        finally:
            await reader.close()
        if stuck:
            raise TimeoutError(stuck)

    async def _all_settled(self, reader: Reader) -> bool:
        trails = await read_trails(reader)
        if not all(key in trails and (trails[key].request or trails[key].skipped) for key in self.addressed):
            return False
        states = [(await state_as_of(reader, channel)).state for channel in set(self.addressed.values())]
        return not any(state.outbox for state in states)

    async def _tell_delays(self, reader: Reader) -> str:
        """Announce once what an answer waits for; return it if only a person can end the wait, otherwise ""."""
        async for recorded in reader.events(Query(types=(ReplyDelayed.TYPE,))):
            if recorded.position not in self.told and isinstance(recorded.event, ReplyDelayed):
                self.told.add(recorded.position)
                self.announce(f"the answer is delayed, and is tried again: {recorded.event.reason}")
                if any(trouble in recorded.event.reason for trouble in WAITS - {Trouble.AWAY}):
                    return recorded.event.reason
        return ""

    @property
    def _control(self) -> ControlClient:
        return self.sandbox.control


async def run_llm(folder: Path, url: str, wanted: str | None, announce: Callable[[str], None]) -> ModelReport:
    """Play the chat with a model of the server at ``url``; raise DemoError, with the reason, when it can't."""
    require_library()
    base_url = base_of(url)
    model = await choose(base_url, wanted)
    announce(f"model {model}")
    began = time.monotonic()
    async with open_playground(folder, demo_facts(), llm=(model, base_url)) as playground:
        talk = _Talk(playground.sandbox, playground.bot, announce)
        trouble = await playground.played(talk.play())
        seconds = time.monotonic() - began
        async with playground.judged(tuple(talk.addressed)) as (reader, verdict, _):
            return ModelReport(model, await exchanges(reader, talk.addressed), verdict, seconds, trouble)
