"""Effects in Discord: made, looked for where nobody knows, and given up where it refuses for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.core.effects import digest_of
from bot.core.events import EffectDone, EffectEvent, EffectFailed, EffectIntended
from bot.core.streams import EFFECTS_STREAM
from bot.effects import AddReaction, AddRole, DeclaredEffect, RemoveRole, StartThread
from bot.effects.declared import body_of, event_of
from bot.effects.records import Records
from bot.errors import EffectGivenUp
from bot.eventlog.log import EventLog
from bot.gateway.current import CurrentClient
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.effects.making import discord_by, events_of, making
from tests.waiting import eventually

KINDS = ("role", "unrole", "reaction", "thread", "thread under")


class Server:
    """A server in the sandbox with what effects are made at."""

    def __init__(self, sandbox: Sandbox, control: ControlClient) -> None:
        self.sandbox, self.control = sandbox, control
        self.guild, self.channel = sandbox.services.guild.id, sandbox.services.general.id
        self.user = self.role = self.message = 0

    async def furnish(self) -> None:
        """Make a member, a role below the bot's own, and a message."""
        self.message = int((await self.control.post("hi", author="alice"))["id"])
        self.user = int((await self.control.create_user("bob"))["id"])
        self.role = int((await self.control.create_role("level 5", users=["bob"]))["id"])
        await self.control.create_role("bot", permissions=["MANAGE_ROLES"], users=["sandbox-bot"])
        self._member.role_ids.clear()

    @property
    def _member(self) -> Any:  # noqa: ANN401 - the sandbox's own
        world = self.sandbox.services.world
        member = self.sandbox.services.guild.members.get(self.user)
        return member or world.add_member(self.sandbox.services.guild, world.users[self.user])

    def effect(self, kind: str) -> DeclaredEffect:
        """Return an effect of a kind."""
        member = {"guild_id": self.guild, "user_id": self.user, "role_id": self.role}
        effects: dict[str, DeclaredEffect] = {
            "role": AddRole(**member),
            "unrole": RemoveRole(**member),
            "reaction": AddReaction(channel_id=self.channel, message_id=self.message, emoji="👍"),
            "thread": StartThread(channel_id=self.channel, name="Ticket 7"),
            "thread under": StartThread(channel_id=self.channel, message_id=self.message, name="Ticket 7"),
        }
        return effects[kind]

    def prepare(self, kind: str) -> None:
        """Give the member the role that is to be taken."""
        if kind == "unrole":
            self.sandbox.services.world.give_role(
                self.sandbox.services.guild, self._member, self.sandbox.services.guild.roles[self.role]
            )

    def count(self, kind: str) -> int:
        """Return how often an effect is there."""
        message = self.sandbox.services.world.messages[self.message]
        threads = self.sandbox.services.guild.threads.values()
        return {
            "role": self._member.role_ids.count(self.role),
            "unrole": 1 - self._member.role_ids.count(self.role),
            "reaction": sum(len(each.user_ids) for each in message.reactions),
            "thread": sum(each.name == "Ticket 7" for each in threads),
            "thread under": sum(each.id == self.message for each in threads),
        }[kind]


@pytest.fixture
async def server(sandbox: Sandbox, control: ControlClient) -> Server:
    """Return a server that is furnished."""
    server = Server(sandbox, control)
    await server.furnish()
    return server


@pytest.mark.parametrize("kind", KINDS)
async def test_it_is_made_once(log: EventLog, current: CurrentClient, server: Server, kind: str) -> None:
    """Whatever is called later under its key."""
    server.prepare(kind)
    results = []
    for _ in range(2):
        async with making(log, discord_by(current)) as effects:
            results += [await effects.do(server.effect(kind), key="k") for _ in range(2)]

    assert server.count(kind) == 1
    assert len(await server.control.requests(method=("DELETE" if kind == "unrole" else "PUT"))) <= 1
    if kind.startswith("thread"):
        assert set(results) == {max(server.sandbox.services.guild.threads)}
    assert [type(each) for each in await events_of(log)] == [EffectIntended, EffectDone]


async def left(log: EventLog, effect: DeclaredEffect, key: str = "k") -> None:
    """Leave a log as a process does that was killed between intention and record."""
    await Records(log).start(event_of(effect, digest_of(key), 1), body_of(effect, key), effect.person)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("there", [False, True], ids=["before it was made", "after it was made"])
async def test_what_a_crash_left_is_looked_for_and_then_made(
    log: EventLog,
    current: CurrentClient,
    server: Server,
    kind: str,
    there: bool,  # noqa: FBT001 - a table
) -> None:
    """By the next process, by itself: there is one, and the log says whether it was found."""
    server.prepare(kind)
    await left(log, effect := server.effect(kind))
    if there:
        await discord_by(current)[1].perform(intention_of(effect))
    async with making(log, discord_by(current)) as effects:
        await eventually(lambda: not effects.open)
        await effects.do(effect, key="k")

    done = (await events_of(log))[-1]
    assert isinstance(done, EffectDone)
    assert (server.count(kind), done.found) == (1, there)


def intention_of(effect: DeclaredEffect) -> Any:  # noqa: ANN401 - as the lanes make it
    """Return an intention without a log."""
    from bot.effects.performer import Intention

    async def none() -> frozenset[int]:
        return frozenset()

    return Intention(effect, "t", 0, none)


@pytest.mark.parametrize("kind", ["role", "reaction", "thread"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_error_of_discord_is_looked_into(
    log: EventLog, current: CurrentClient, server: Server, kind: str, when: str
) -> None:
    """A 500 may hide that it was made."""
    path = {"role": "*/roles/*", "reaction": "*/reactions/*", "thread": "*/threads"}[kind]
    await server.control.add_fault("status", when=when, status=500, path=path, count=1)
    async with making(log, discord_by(current)) as effects:
        await effects.do(server.effect(kind), key="k")

    assert server.count(kind) == 1


async def test_two_threads_of_one_name_are_two(log: EventLog, current: CurrentClient, server: Server) -> None:
    """A look takes no thread that is another effect's, nor one that somebody else made; an archived one is found."""
    thread = server.effect("thread")
    await server.control.create_thread("Ticket 7", owner="alice")
    async with making(log, discord_by(current)) as effects:
        first = await effects.do(thread, key="one")
    await left(log, thread, "two")
    await left(log, thread, "three")
    async with making(log, discord_by(current)) as effects:
        await eventually(lambda: not effects.open)
        rest = [await effects.do(thread, key=key) for key in ("two", "three")]
    await left(log, StartThread(channel_id=server.channel, name="Old"), "four")
    old = server.sandbox.services.world.create_thread(
        server.sandbox.services.general, "Old", server.sandbox.services.application.user
    )
    await server.control.change_thread(str(old.id), archived=True)
    async with making(log, discord_by(current)) as effects:
        found = await effects.do(StartThread(channel_id=server.channel, name="Old"), key="four")

    assert len({first, *rest}) == 3
    assert found == old.id
    assert server.count("thread") == 4


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"role_id": 1}, r"refused \(status 404, code 10011\)"),
        ({"user_id": 1}, r"refused \(status 404, code 10007\)"),
        ({"guild_id": 1}, r"refused \(status 404, code 10004\)"),
        ({"role_id": "own"}, r"forbidden \(code 50013\)"),
    ],
)
async def test_a_refusal_for_good_is_raised(
    log: EventLog, current: CurrentClient, server: Server, change: dict[str, Any], reason: str
) -> None:
    """And the next effect at the same place is made."""
    effect = server.effect("role")
    if change == {"role_id": "own"}:
        change = {"role_id": max(server.sandbox.services.guild.roles)}
    async with making(log, discord_by(current)) as effects:
        with pytest.raises(EffectGivenUp, match=reason):
            await effects.do(effect.model_copy(update=change), key="refused")
        await effects.do(effect, key="taken")

    assert server.count("role") == 1
    assert [type(each) for each in await events_of(log)] == [EffectIntended, EffectFailed, EffectIntended, EffectDone]


async def test_a_rate_limit_is_waited_for(log: EventLog, current: CurrentClient, server: Server) -> None:
    """As Discord asks, and then it is made."""
    await server.control.add_fault("ratelimit", path="*/reactions/*", retry_after=0.05, count=1)
    async with making(log, discord_by(current)) as effects:
        await effects.do(server.effect("reaction"), key="k")

    assert server.count("reaction") == 1
