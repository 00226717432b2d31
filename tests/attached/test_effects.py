"""Effects by a client's own log: made by its connection, resumed by its next start, refused where it only observes."""

from __future__ import annotations

import pytest

from bot.core.events import EffectBegun, EffectDone, EffectIntended, Recorded
from bot.effects import AddReaction, SendDirectMessage
from bot.errors import ConfigError, EffectGivenUp
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.attached.conftest import Connect


async def test_effects_are_made_once_over_restarts(connect: Connect, control: ControlClient, sandbox: Sandbox) -> None:
    """A reaction, a direct message by the outbox, and own code; who takes no messages refuses them for good."""
    posted = await control.post("hi", author="bob")
    bob, ran = int((await control.create_user("bob"))["id"]), list[int]()
    reaction = AddReaction(channel_id=sandbox.services.general.id, message_id=int(posted["id"]), emoji="👍")
    results: list[object] = []
    last: list[Recorded] = []

    async def order() -> int:
        ran.append(1)
        return len(ran)

    for _ in range(2):
        running = await connect()
        for _ in range(2):
            await running.log.do(reaction, key="r")
            direct = await running.log.do(SendDirectMessage(user_id=bob, text="hello"), key="d")
            own = await running.log.once("o", order)
            results.append((direct, own))
        with pytest.raises(EffectGivenUp, match="forbidden"):
            await running.log.do(SendDirectMessage(user_id=sandbox.services.application.id, text="me"), key="refused")
        last = await running.judge.all("effects")
        await running.stop()

    world = sandbox.services.world
    sent = [each.id for each in world.messages.values() if each.content == "hello"]
    assert results == [(sent, 1)] * 4
    assert len(sent) == len(ran) == len(world.messages[int(posted["id"])].reactions) == 1
    assert sum(isinstance(each.event, EffectDone) for each in last) == 3
    assert sum(isinstance(each.event, EffectIntended | EffectBegun) for each in last) == 5


async def test_a_log_that_only_observes_makes_nothing_declared(connect: Connect) -> None:
    """Its client's own code goes on all the same."""
    running = await connect(observe=True)

    with pytest.raises(ConfigError, match="observe=True"):
        await running.log.do(SendDirectMessage(user_id=1, text="hello"), key="d")
    assert await running.log.once("o", lambda: 7) == 7
