"""Effects in Discord: made, looked for where nobody knows, and given up where it refuses for good."""

from __future__ import annotations

import pytest

from bot.core.events import EffectDone, EffectFailed, EffectIntended
from bot.core.named_keys import digest_of
from bot.effects import DeclaredEffect, StartThread
from bot.effects.declared import body_of, event_of
from bot.effects.performer import Intention
from bot.effects.records import Records
from bot.errors import EffectGivenUp
from bot.eventlog.log import EventLog
from bot.gateway.current import CurrentClient
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.effects.making import discord_by, events_of, idle, making
from tests.effects.server import KINDS, Server


@pytest.fixture
async def server(sandbox: Sandbox, control: ControlClient) -> Server:
    """Return a server that is furnished."""
    server = Server(sandbox, control)
    await server.furnish()
    return server


async def test_each_is_made_once(log: EventLog, current: CurrentClient, server: Server) -> None:
    """Whatever is called later under its key, by this process and by the next one."""
    results: dict[str, list[object]] = {kind: [] for kind in KINDS}
    for _ in range(2):
        async with making(log, discord_by(current)) as effects:
            for kind in KINDS:
                effect = server.effect(kind)
                results[kind] += [await effects.do(effect, key=kind) for _ in range(2)]
                assert server.count(kind) == 1

    assert len(await server.control.requests(method="PUT")) == 2
    assert len(await server.control.requests(method="DELETE")) == 1
    assert {kind: len(set(map(str, found))) for kind, found in results.items()} == dict.fromkeys(KINDS, 1)
    assert results["thread under"][0] == server.message
    assert [type(each) for each in await events_of(log)] == [EffectIntended, EffectDone] * len(KINDS)


async def left(log: EventLog, effect: DeclaredEffect, key: str = "k") -> None:
    """Leave a log as a process does that was killed between intention and record."""
    await Records(log).start(event_of(effect, digest_of(key), 1), body_of(effect, key), effect.person)


@pytest.mark.parametrize("there", [False, True], ids=["before it was made", "after it was made"])
async def test_what_a_crash_left_is_looked_for_and_then_made(
    log: EventLog,
    current: CurrentClient,
    server: Server,
    there: bool,  # noqa: FBT001 - a table
) -> None:
    """By the next process, by itself: there is one, and the log says whether it was found."""
    for kind in KINDS:
        await left(log, server.effect(kind), kind)
        if there:
            await discord_by(current)[1].perform(intention_of(server.effect(kind)))
    async with making(log, discord_by(current)) as effects:
        await idle(effects)
        for kind in KINDS:
            await effects.do(server.effect(kind), key=kind)

    done = [each.found for each in await events_of(log) if isinstance(each, EffectDone)]
    assert [server.count(kind) for kind in KINDS] == [1] * len(KINDS)
    assert done == [there] * len(KINDS)


def intention_of(effect: DeclaredEffect) -> Intention:
    """Return an intention without a log."""

    async def none() -> frozenset[int]:
        return frozenset()

    return Intention(effect, "t", 0, none)


async def test_a_failure_of_discord_is_looked_into(log: EventLog, current: CurrentClient, server: Server) -> None:
    """It may hide that the effect was made. After a rate limit it was not."""
    faults = (
        ("role", "reset", "*/roles/*"),
        ("reaction", "ratelimit", "*/reactions/*"),
        ("thread", "status", "*/threads"),
        ("thread under", "status", "*/threads"),
    )
    async with making(log, discord_by(current)) as effects:
        for when in ("before", "after"):
            for kind, fault, path in faults:
                await server.control.add_fault(fault, when=when, path=path, retry_after=0.05)
                await effects.do(server.effect(kind), key=f"{kind} {when}")

    assert [server.count(kind) for kind, _, _ in faults] == [1, 1, 2, 1]


async def test_two_threads_of_one_name_are_two(log: EventLog, current: CurrentClient, server: Server) -> None:
    """A look takes no thread that is another effect's, nor one that somebody else made; an archived one is found."""
    thread = server.effect("thread")
    await server.control.create_thread("Ticket 7", owner="alice")
    async with making(log, discord_by(current)) as effects:
        first = await effects.do(thread, key="one")
    await left(log, thread, "two")
    await left(log, thread, "three")
    async with making(log, discord_by(current)) as effects:
        await idle(effects)
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


async def test_a_refusal_for_good_is_raised(log: EventLog, current: CurrentClient, server: Server) -> None:
    """And the next effect at the same place is made."""
    above, effect = max(server.sandbox.services.guild.roles), server.effect("role")
    refusals = (
        ({"role_id": 1}, r"refused \(status 404, code 10011\)"),
        ({"user_id": 1}, r"refused \(status 404, code 10007\)"),
        ({"guild_id": 1}, r"refused \(status 404, code 10004\)"),
        ({"role_id": above}, r"forbidden \(code 50013\)"),
    )
    async with making(log, discord_by(current)) as effects:
        for number, (change, reason) in enumerate(refusals):
            with pytest.raises(EffectGivenUp, match=reason):
                await effects.do(effect.model_copy(update=change), key=f"refused {number}")
        await effects.do(effect, key="taken")

    assert server.count("role") == 1
    ends = [type(each) for each in await events_of(log)][1::2]
    assert ends == [EffectFailed] * len(refusals) + [EffectDone]
