"""What people do with each example, and what Discord has to show afterwards: nothing twice, and nothing missing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.sandbox.control_client import ControlClient
from bot.sandbox.json_codec import Json
from tests.crashpoints.lives import Lives
from tests.waiting import eventually

BOT = "sandbox-bot"
DEADLINE = 3.0
"""Seconds after which Discord takes no answer to a press, as the sandbox has it."""
_LOOK_EVERY = 0.02


class Outcome(NamedTuple):
    """How many things stand twice, and how many are missing."""

    doubled: int
    lost: int


@dataclass(slots=True)
class Stage:
    """A world with an example in it; ``presses`` and ``promised`` count by person the presses, and those answered."""

    control: ControlClient
    lives: Lives
    panel: str = ""
    presses: Counter[str] = field(default_factory=Counter)
    promised: Counter[str] = field(default_factory=Counter)

    async def world(self) -> Json:
        """Return the server, with who holds which role."""
        [guild] = (await self.control.world())["guilds"]
        return dict(guild)

    async def post_panel(self) -> None:
        """Have the button for tickets posted: what its owner asks for again where the bot dies over it."""
        while not self.panel:
            await self.control.wait_for_ready()
            life = self.lives.life
            await self.control.post("!panel", author="owner")
            while not self.panel and self.lives.life == life:
                found = await self.control.messages(author=BOT, channel="general")
                self.panel = next((each["id"] for each in found if each["components"]), "")
                await asyncio.sleep(_LOOK_EVERY)

    async def press(self, person: str) -> bool:
        """Press that button; return whether the bot answers before it dies. Who is answered waits for the ticket."""
        life, loop = self.lives.life, asyncio.get_running_loop()
        press = await self.control.use_component(self.panel, "ticket:open", user=person)
        self.presses[person] += 1
        too_late = loop.time() + DEADLINE
        while (await self.control.interaction(press["id"]))["acknowledged"] is None:
            if self.lives.life != life or loop.time() > too_late:
                return False
            await asyncio.sleep(_LOOK_EVERY)
        self.promised[person] += 1

        async def told() -> bool:
            return self.lives.life != life or not (await self.control.interaction(press["id"]))["waiting"]

        await eventually(told)
        return True


class Act(NamedTuple):
    """What is needed, what people do, and how it ends."""

    roles: Mapping[str, Sequence[str]]
    play: Callable[[Stage], Awaitable[None]]
    outcome: Callable[[Stage], Awaitable[Outcome]]


async def swear(stage: Stage) -> None:
    """Post three messages with banned words, and one without."""
    await stage.control.wait_for_ready()
    for text in ("What the heck?", "Checked.", "Darn!", "darn it"):
        await stage.control.post(text)


async def muted(stage: Stage) -> Outcome:
    """Expect three warnings with three numbers, one note of the role, the role, and one message that is left."""
    posted = await stage.control.messages(author="alice")
    alice = f"<@{posted[0]['author_id']}>"
    expected = [*(f"{alice}, mind your words: warning {number} of 3." for number in (1, 2, 3)), f"{alice} is muted."]
    left = [each["content"] for each in posted if not each["deleted"]]
    found = await compared(stage, expected)
    return found._replace(lost=found.lost + (left != ["Checked."]) + (await holders(stage, "Muted") != ["alice"]))


async def chat(stage: Stage) -> None:
    """Post as many messages as the fifth level takes."""
    await stage.control.wait_for_ready()
    for number in range(25):
        await stage.control.post(f"Message {number}")


async def levelled(stage: Stage) -> Outcome:
    """Expect a congratulation for each level, and the role."""
    [first, *_] = await stage.control.messages(author="alice")
    found = await compared(stage, [f"<@{first['author_id']}> is now at level {level}!" for level in range(1, 6)])
    return found._replace(lost=found.lost + (await holders(stage, "Regular") != ["alice"]))


async def ask(stage: Stage) -> None:
    """Two people press the button until they are answered."""
    await stage.post_panel()
    for person in ("alice", "bob"):
        while not await stage.press(person):
            await stage.control.wait_for_ready()


async def ticketed(stage: Stage) -> Outcome:
    """Expect as many tickets as were promised, no more than presses, each with one greeting and a number of its own."""
    world = await stage.control.world()
    names = {user["id"]: user["name"] for user in world["users"]}
    greetings = Counter(each["channel_id"] for each in await stage.control.messages(author=BOT, contains="can we do"))
    threads = [each for each in world["channels"] if each["parent_id"]]
    had: Counter[str] = Counter()
    for thread in threads:
        if greetings[thread["id"]]:
            had.update(names[member] for member in thread["members"] if names[member] != BOT)
    numbers = Counter(thread["name"] for thread in threads)
    return Outcome(
        doubled=sum(count - 1 for count in (*greetings.values(), *numbers.values()) if count)
        + (had - stage.presses).total(),
        lost=(stage.promised - had).total() + sum(not greetings[thread["id"]] for thread in threads),
    )


async def compared(stage: Stage, expected: Sequence[str]) -> Outcome:
    """Compare the bot's messages with those that there have to be."""
    found = Counter(each["content"] for each in await stage.control.messages(author=BOT))
    wanted = Counter(expected)
    return Outcome((found - wanted).total(), (wanted - found).total())


async def holders(stage: Stage, name: str) -> list[str]:
    """Return who holds a role."""
    [users] = [role["users"] for role in (await stage.world())["roles"] if role["name"] == name]
    return list(users)


ACTS: Mapping[str, Act] = {
    "moderation": Act({"Muted": (), "bots": ("MANAGE_ROLES", "MANAGE_MESSAGES")}, swear, muted),
    "levels": Act({"Regular": (), "bots": ("MANAGE_ROLES",)}, chat, levelled),
    "tickets": Act({"bots": ("MANAGE_THREADS",)}, ask, ticketed),
}
"""By the name of the example."""
