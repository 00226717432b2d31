"""Own events and folds through the log of a client, over a Discord: recorded, folded, read back after a restart."""

from __future__ import annotations

from typing import Self

import discord
import pytest

from bot import Event, Fold, Log
from bot.core.events import MessageReceived
from bot.errors import ConfigError, LogClosed
from bot.sandbox.control_client import ControlClient
from tests.attached.conftest import Connect
from tests.waiting import eventually


class Gained(Event):
    """Somebody gained points."""

    TYPE = "level.gained"

    points: int


class Lost(Event):
    """Somebody lost points."""

    TYPE = "level.lost"

    points: int


class Levels(Fold):
    """The sum."""

    NAME = "levels"
    EVENTS = (Gained, Lost)

    points: int = 0

    def apply(self, event: Event) -> Self:
        """Add or take."""
        match event:
            case Gained(points=points):
                return self.model_copy(update={"points": self.points + points})
            case Lost(points=points):
                return self.model_copy(update={"points": self.points - points})
        return self


async def test_a_bot_keeps_levels_in_the_log(connect: Connect, control: ControlClient) -> None:
    """Each message counts once, own classes are read back, and a restart changes nothing."""
    stream, done = "server:1", list[str]()

    async def gain(message: discord.Message, log: Log) -> None:
        for _ in range(2):
            await log.append(stream, Gained(points=5), key=f"{message.id}", words=message.content, subject=7)
        done.append(message.content)

    running = await connect(begin=gain)
    await control.post("hello")
    await control.post("again")
    await eventually(lambda: len(done) == 2)
    log = running.log
    state, version = await log.fold_at(stream, Levels)
    await log.append(stream, Lost(points=3), expected_version=version)
    told = [each async for each in log.events(stream=stream, words=True)]
    gained = [each.event async for each in log.events(types=(Gained,))]
    mixed = [each.event async for each in log.events(types=(Lost, MessageReceived))]
    assert (state, version) == (Levels(points=10), 2)
    assert [(each.event, each.words and each.words.text) for each in told] == [
        (Gained(points=5), "hello"),
        (Gained(points=5), "again"),
        (Lost(points=3), None),
    ]
    assert gained == [Gained(points=5)] * 2
    assert [type(event) for event in mixed] == [MessageReceived, MessageReceived, Lost]
    with pytest.raises(ConfigError, match="name one of them"):
        _ = [each async for each in log.events(7, stream=stream)]

    await running.stop()
    with pytest.raises(LogClosed):
        await log.append(stream, Gained(points=1))
    with pytest.raises(LogClosed):
        await log.fold(stream, Levels)
    running = await connect(events=(Gained,))
    assert await running.log.fold(stream, Levels) == Levels(points=7)
    assert [each.own async for each in running.log.events(types=(Gained,))] == gained
