"""Everything at once: whatever goes wrong in whatever order, each question is answered once and nothing is lost.

What goes wrong is drawn from a seed. Discord forgets nonces at once, so only the log and the history prevent doubles.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from bot.core.events import MessageReceived, ReplyAbandoned
from bot.gateway import catchup, healing, pacing
from bot.replies import sending, worker
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from tests.harness import Launch, RunningBot
from tests.waiting import eventually

LONG = "x" * 1500
RULES = [
    {"match": "ask (?P<word>.+)", "reply": "re: {word}"},
    {"match": "lecture (?P<word>.+)", "reply": f"{{word}}\n\n{LONG}\n\n{LONG}\n\nend of {{word}}"},
]
PARTS = {"ask": 1, "lecture": 2, "chat": 0}


@pytest.fixture
def options() -> SandboxOptions:
    """Forget nonces at once, and let a bot identify as often as it likes."""
    return SandboxOptions(message_rate=None, global_rate=None, nonce_window=0, identify_concurrency=1000)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less between one attempt and the next, and before another identification."""
    for module in (sending, worker, pacing, catchup):
        monkeypatch.setattr(module, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(healing, "PROBE_SECONDS", 0.05)
    monkeypatch.setattr(pacing, "IDENTIFY_SECONDS", 0.0)


@dataclass
class Trouble:
    """A chat in five rooms, and what happens to the bot meanwhile."""

    dice: random.Random
    launch: Launch
    control: ControlClient
    rooms: list[str]
    bot: RunningBot
    posted: dict[str, str] = field(default_factory=dict)

    async def step(self) -> None:
        """Let people talk, or something go wrong."""
        actions: dict[Callable[[], Awaitable[object]], int] = {
            self.talk: 70,
            lambda: self.control.gateway("drop", invalidate=self.dice.random() < 0.4): 10,
            lambda: self.control.gateway("invalid-session", resumable=self.dice.random() < 0.5): 4,
            lambda: self.control.gateway("dispatch", event="MESSAGE_CREATE", data={"id": "1"}): 3,
            self.lose_the_disk: 5,
            self.restart: 3,
            self.rest: 5,
        }
        [action] = self.dice.choices(list(actions), list(actions.values()))
        await action()

    async def talk(self) -> None:
        """Post up to three messages, each somewhere."""
        for _ in range(self.dice.randrange(1, 4)):
            word = self.dice.choice(["ask", "ask", "lecture", "chat"])
            room = self.dice.choice(self.rooms)
            post = await self.control.post(f"{word} {len(self.posted)}", channel=room)
            self.posted[post["id"]] = word

    async def lose_the_disk(self) -> None:
        """Make the log unwritable for a moment."""
        await self.bot.make_log_unwritable()
        await self.rest()
        await self.bot.make_log_unwritable(unwritable=False)

    async def restart(self) -> None:
        """Stop the bot and start another on the same log."""
        await self.bot.stop()
        self.bot = await self.launch(ready=False, rules=RULES)

    async def rest(self) -> None:
        """Let others run for a while."""
        for _ in range(self.dice.randrange(200)):
            await asyncio.sleep(0)

    async def over(self) -> bool:
        """Tell whether everything posted is recorded and nothing is left to answer."""
        received = {event.message_id for event in await self.bot.judge.of(MessageReceived)}
        states = [await self.bot.judge.state(room) for room in self.rooms]
        return received >= set(map(int, self.posted)) and not any(state.outbox for state in states)


async def rooms(control: ControlClient) -> list[str]:
    """Make channels, a thread and a private channel."""
    channels = [(await control.create_channel(f"room-{number}"))["id"] for number in range(3)]
    thread = await control.create_thread("aside", channel=channels[0])
    return [*channels, thread["id"], (await control.open_dm("alice"))["id"]]


async def break_requests(control: ControlClient, dice: random.Random) -> None:
    """Let sends and looks fail now and then, before and after they take effect; and deliver events twice."""
    posts = {"method": "POST", "path": "/channels/*/messages", "count": None}
    for when in ("before", "after"):
        for kind in ("status", "reset", "fin", "cut"):
            status, seed = dice.choice([500, 502, 503, 524]), dice.randrange(1000)
            await control.add_fault(kind, **posts, when=when, status=status, probability=0.06, seed=seed)
    await control.add_fault("status", **{**posts, "method": "GET"}, status=503, probability=0.1)
    await control.add_fault("reset", **{**posts, "method": "GET"}, probability=0.05)
    await control.gateway("repeat", probability=0.1, seed=1)


@pytest.mark.parametrize("seed", range(3))
async def test_each_question_is_answered_once_and_nothing_is_lost(
    launch: Launch, control: ControlClient, seed: int
) -> None:
    """Judged by what Discord holds and what the log holds, once the trouble is over."""
    dice = random.Random(seed)
    places = await rooms(control)
    await break_requests(control, dice)
    trouble = Trouble(dice, launch, control, places, await launch(rules=RULES))
    # No list of Discord's names a private channel: the bot has to have met it before it can miss something there.
    known = await control.post("chat", channel=places[-1])
    trouble.posted[known["id"]] = "chat"
    await eventually(trouble.over)

    for _ in range(50):
        await trouble.step()
    await control.clear_faults()
    await eventually(trouble.over)

    replies = {
        post: sorted(str(reply["nonce"]) for reply in await control.messages(reference=post, author="sandbox-bot"))
        for post in trouble.posted
    }
    assert replies == {post: [f"{post}.{part}" for part in range(PARTS[word])] for post, word in trouble.posted.items()}
    received = [event.message_id for event in await trouble.bot.judge.of(MessageReceived)]
    assert sorted(received) == sorted(map(int, trouble.posted))
    assert await trouble.bot.judge.of(ReplyAbandoned) == []
