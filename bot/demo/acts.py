"""The demo's acts: people talk in a sandbox, and the bot is killed and started meanwhile."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from bot.demo.bot_process import BotProcess
from bot.demo.script import LONG_WORD, OTHER_BOT, PEOPLE, Post, Script, ScriptWriter, Spot
from bot.sandbox.control.records import MessageRecord
from bot.sandbox.control_client import ControlClient
from bot.sandbox.json_codec import Json
from bot.sandbox.process import SandboxProcess

PATIENCE = 120.0
"""Seconds that a single step may take before the demo gives up."""


@dataclass(frozen=True, slots=True)
class Act:
    """An act that was played, and its duration."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Posted:
    """A post that is in Discord."""

    id: str
    post: Post


@dataclass(slots=True)
class Stage:
    """Plays a script. ``announce`` is called with the progress; ``addressed`` collects the messages to the bot.

    ``bot`` is killed; it comes back, unless there is a ``standby`` that goes on.
    """

    sandbox: SandboxProcess
    bot: BotProcess
    standby: BotProcess | None
    story: Script
    writer: ScriptWriter
    announce: Callable[[str], None]
    finish: Callable[[Act], None]
    addressed: set[int] = field(default_factory=set)
    acts: list[Act] = field(default_factory=list)
    _places: dict[Spot, str] = field(default_factory=dict)
    _waiting: list[Posted] = field(default_factory=list)

    async def play(self) -> None:
        """Play every act; raise TimeoutError when a step takes too long, DemoError when the bot ends by itself."""
        for name, act in (
            ("the bot connects", self._connect),
            ("small talk, mentions, !words, a reply", self._talk),
            ("a thread and a private chat", self._aside),
            ("an edit, a deletion, another bot", self._second_thoughts),
            ("kill -9 in the middle of a burst", self._kill),
            ("people go on talking to nobody", self._away),
            ("the standby goes on" if self.standby else "the bot comes back", self._return),
            ("a last question everywhere", self._farewell),
            ("SIGTERM", self._stop),
        ):
            self.announce(name)
            began = time.monotonic()
            await act()
            self.acts.append(Act(name, time.monotonic() - began))
            self.finish(self.acts[-1])

    async def _connect(self) -> None:
        await self._control.create_user(OTHER_BOT, bot=True)
        self._places[Spot.GENERAL] = self.sandbox.channel_id
        for place in (Spot.HELP, Spot.RANDOM):
            self._places[place] = (await self._control.create_channel(place))["id"]
        await self._start()
        if self.standby:
            key = self.standby.location.key_path
            key.parent.mkdir(mode=0o700)
            shutil.copy2(self.bot.location.key_path, key)
            await self.standby.start()
            await self.standby.alive(self.standby.said("log.standby", PATIENCE))

    async def _talk(self) -> None:
        (question,) = await self._post([self.writer.ask(Spot.GENERAL)])
        answer = (await self._answers(question))[0]
        thanks = Post(Spot.GENERAL, question.post.author, "thanks!", addressed=True, parts=1)
        await self._post([thanks], reply_to=answer["id"])
        await self._post(self.story.talk)
        await self._all_answered()

    async def _aside(self) -> None:
        (question,) = await self._post([self.writer.ask(Spot.HELP)])
        thread = await self._control.create_thread("more of it", message=question.id, owner=question.post.author)
        self._places[Spot.THREAD] = thread["id"]
        self._places[Spot.DM] = (await self._control.open_dm(PEOPLE[0]))["id"]
        long = replace(self.writer.ask(Spot.THREAD, LONG_WORD), mention=True)
        await self._post([long, *self.story.aside, *self.writer.last_words((Spot.DM,))])
        await self._all_answered()

    async def _second_thoughts(self) -> None:
        typo, slip, _storm = await self._post(
            [
                Post(Spot.RANDOM, PEOPLE[1], "I will be their at five"),
                Post(Spot.RANDOM, PEOPLE[2], "oops, wrong channel"),
                Post(Spot.RANDOM, OTHER_BOT, "!uptime", addressed=True),
            ]
        )
        await self._control.edit(typo.id, "I will be there at five")
        await self._control.delete(slip.id)
        await self._post(self.writer.last_words((Spot.RANDOM,)))
        await self._all_answered()

    async def _kill(self) -> None:
        """Kill the bot at the worst moment: Discord has just taken a reply, and the bot does not know it yet."""
        due = sum(post.parts for post in self.story.burst)
        await self._control.add_fault(
            "kill",
            pid=self.bot.pid,
            method="POST",
            path="/channels/*/messages",
            when="after",
            nth=max(1, due // 3),
            count=1,
        )
        await self._post(self.story.burst)
        try:
            async with asyncio.timeout(PATIENCE):
                await self.bot.killed()
        except TimeoutError:
            what = f"the bot sent too little within {PATIENCE:.0f} s to be killed"
            raise TimeoutError(what) from None
        await self._control.clear_faults()

    async def _away(self) -> None:
        await self._post(self.story.away)

    async def _return(self) -> None:
        if self.standby:
            self.bot, self.standby = self.standby, self.bot
            await self._ready(identifies=2)
            await self.standby.start()
        else:
            await self._start()
        await self._all_answered()

    async def _farewell(self) -> None:
        await self._post(self.story.farewell)
        await self._all_answered()

    async def _start(self) -> None:
        await self.bot.start()
        await self._ready(identifies=self.bot.starts)

    async def _ready(self, identifies: int) -> None:
        await self.bot.alive(self._control.wait_for_ready(identifies=identifies, within=PATIENCE))

    async def _stop(self) -> None:
        """Stop them, the standby first: it would go on otherwise."""
        if self.standby:
            await self.standby.alive(self.standby.said("log.standby", PATIENCE, times=2))
            await self.standby.stop()
        await self.bot.stop()

    async def _post(self, posts: Sequence[Post], *, reply_to: str | None = None) -> list[Posted]:
        """Post, and note the messages that are addressed to the bot and those that it has to answer."""
        ids = await self._control.post_many([self._message(post, reply_to) for post in posts])
        posted = [Posted(key, post) for key, post in zip(ids, posts, strict=True)]
        self.addressed.update(int(item.id) for item in posted if item.post.addressed)
        self._waiting.extend(item for item in posted if item.post.parts)
        return posted

    def _message(self, post: Post, reply_to: str | None) -> Json:
        return {
            "channel": self._places[post.place],
            "author": post.author,
            "content": post.content,
            "mention": self.sandbox.application_id if post.mention else None,
            "reply_to": reply_to,
        }

    async def _answers(self, posted: Posted) -> list[MessageRecord]:
        """Wait for the whole reply to a post and return its parts."""
        whole = self._control.wait_for_messages(
            posted.post.parts, reference=posted.id, author=self.sandbox.application_id, within=PATIENCE
        )
        try:
            return await self.bot.alive(whole)
        except TimeoutError:
            what = f"no whole reply to message {posted.id} ({posted.post.place}) within {PATIENCE:.0f} s"
            raise TimeoutError(what) from None

    async def _all_answered(self) -> None:
        """Wait for the replies to all posts so far."""
        while self._waiting:
            await self._answers(self._waiting[0])
            self._waiting.pop(0)

    @property
    def _control(self) -> ControlClient:
        return self.sandbox.control
