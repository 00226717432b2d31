"""A process that dies at every request of an answer that is shown while it is written, before it lands and after."""

from __future__ import annotations

from functools import partial
from itertools import count

import pytest

from bot.core import commands as c
from bot.core import events as e
from tests.simulation.discord_model import Memory, Message
from tests.simulation.test_found import ask, chat, go_until, judge, said
from tests.simulation.world import Weather, World

MOST = 12
"""More requests than any of these answers takes."""


def streamed(world: World, *words: str) -> Message:
    """Ask something whose answer is shown while it is written."""
    while len(world.discord.messages) % 3 != 2:
        chat(world, 1)
    return ask(world, *words)


def under_way(world: World, number: int) -> bool:
    """Let everything go well until request ``number`` is on its way; tell whether there is one."""
    world.weather = Weather(sends=None, lands=False)
    for sent in count(1):
        for _ in range(20):
            if world.sending:
                break
            world.go_on(1)
        else:
            return False
        if sent == number:
            return True
        world.answer(world.sending[0], "fine", lands=True)
    return False


@pytest.mark.parametrize("memory", [Memory.OPEN, Memory.ZERO])
@pytest.mark.parametrize("deleted", ["never", "before", "after"])
@pytest.mark.parametrize("lands", [True, False], ids=["it landed", "it did not"])
@pytest.mark.parametrize("words", [("one",), ("one", "two")], ids=["one part", "two parts"])
def test_it_dies_at_any_request(memory: Memory, words: tuple[str, ...], lands: bool, deleted: str) -> None:  # noqa: FBT001
    """The next process completes the same messages, or says why not where the question is deleted around landing."""
    reached = 0
    for number in range(1, MOST):
        world = World(memory, together=0)
        question = streamed(world, *words)
        if not under_way(world, number):
            break
        reached = number
        if deleted == "before":
            world.discord.delete(question)
        if lands:
            world.travel(0, lands=True)
        if deleted == "after":
            world.discord.delete(question)
        world.crash()
        judge(world)
        if deleted == "never":
            assert said(world) == list(words)

    assert len(words) < reached < MOST - 1


def test_it_dies_after_any_commit() -> None:
    """Whatever is recorded last, nothing is doubled and nothing is lost."""
    undisturbed = World(Memory.ZERO, together=0)
    streamed(undisturbed, "one", "two")
    judge(undisturbed)
    for number in range(1, len(undisturbed.log.streams[0]) + 1):
        world = World(Memory.ZERO, together=0)
        streamed(world, "one", "two")
        go_until(world, partial(_holds, world, number))
        world.crash()
        judge(world)

        assert said(world) == ["one", "two"]
        assert any(isinstance(recorded.event, e.ReplyCompleted) for recorded in world.log.streams[0])


def test_one_that_is_given_up_before_it_begins_does_not_begin() -> None:
    """Its question is deleted while the first piece waits to be shown, and a moderator asks for it again."""
    world = World(Memory.EXPIRING, together=0)
    question = streamed(world, "one")
    world.weather = Weather(sends=None)
    go_until(world, lambda: world.rooms and world.rooms[0].state.outbox)
    world.weather = Weather(sends=None, commits=False)
    go_until(world, lambda: _waits(world, c.Begin))
    world.rooms[0].mailbox.appendleft((c.Delete(question.id), None))
    world.discord.delete(question)
    world.weather = Weather(sends=None)
    go_until(world, lambda: world.log.states[0].abandoned)
    world.retry(0)
    judge(world)

    assert not any(isinstance(recorded.event, e.ReplyBegun) for recorded in world.log.events(0, question.id))
    assert said(world) == ["one"]


def _waits(world: World, kind: type[c.Command]) -> bool:
    return any(isinstance(command, kind) for room in world.rooms.values() for command, _ in room.mailbox)


def _holds(world: World, number: int) -> bool:
    return len(world.log.streams[0]) >= number
