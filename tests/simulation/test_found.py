"""What the random schedules found once, as short examples."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.core import events as e
from tests.simulation.discord_model import BOT, Memory, Message
from tests.simulation.judging import judge_end, judge_record
from tests.simulation.world import Weather, World


@pytest.fixture
def world() -> World:
    """Give a world whose Discord forgets nonces at once."""
    return World(Memory.ZERO, together=0)


def judge(world: World) -> None:
    """Bring a world to rest and judge it."""
    world.come_to_rest()
    assert not world.discord.doubled
    for stream in world.log.streams.values():
        for recorded in stream:
            judge_record(world, stream, recorded)
    judge_end(world)


def ask(world: World, *words: str) -> Message:
    """Post a message that addresses the bot in the first channel; ``words`` are the parts of its answer."""
    world.post(0, list(words), 7, addressed=True)
    return list(world.discord.messages.values())[-1]


def chat(world: World, count: int) -> None:
    """Post messages that address nobody in the first channel."""
    for _ in range(count):
        world.post(0, [], 7, addressed=False)


def said(world: World) -> list[str]:
    """Return what the bot said and what is still there."""
    there = (message for message in world.discord.messages.values() if not message.deleted)
    return [message.text for message in there if message.author == BOT]


def go_until(world: World, met: Callable[[], object]) -> None:
    """Let everything go on until something is so."""
    for _ in range(50):
        if met():
            return
        world.go_on(1)
    raise AssertionError("it never comes to that")


def test_an_answer_without_reference_is_not_taken_for_the_same_words_to_somebody_else(world: World) -> None:
    """The first question is deleted before its answer is sent; then the process dies while it answers the second."""
    first = ask(world, "pong")
    ask(world, "pong")
    world.weather = Weather(sends=None, lands=False)
    go_until(world, lambda: world.sending)
    world.discord.delete(first)
    world.answer(world.sending[0], "fine", lands=True)
    go_until(world, lambda: world.sending)
    world.travel(0, lands=False)
    world.crash()
    judge(world)

    assert said(world) == ["pong", "pong"]


def test_a_part_that_lost_its_reference_is_found_by_its_words(world: World) -> None:
    """Its question is deleted between the two parts, and the process dies before the second is known as sent."""
    question = ask(world, "one", "two")
    go_until(world, lambda: said(world))
    world.discord.delete(question)
    world.weather = Weather(sends=None, delivers=False)
    go_until(world, lambda: len(said(world)) == 2)
    world.crash()
    judge(world)

    assert said(world) == ["one", "two"]


def test_a_catch_up_from_before_a_new_session_does_not_vouch_for_what_that_session_missed(world: World) -> None:
    """A message is lost with the session while a catch-up has already read its last page."""
    world.start()
    chat(world, 3)
    world.drop(valid=False)
    go_until(world, lambda: world.log.states[0].watermark_id == 102)
    world.run(world.rooms[0], catchup=True)
    chat(world, 1)
    world.drop(valid=False)
    world.go_on(6)
    chat(world, 1)
    judge(world)

    assert world.log.states[0].received == 5


def test_an_answer_given_up_and_there_after_all_is_not_another_process(world: World) -> None:
    """Its fate can't be looked up, so it is given up; a later catch-up reads it without its nonce."""
    ask(world, "yes")
    world.weather = Weather(sends=None, lands=False)
    go_until(world, lambda: world.sending)
    world.travel(0, lands=True)
    world.crash()
    world.permit(0, readable=False)
    world.weather = Weather()
    go_until(world, lambda: world.log.states[0].abandoned)
    judge(world)

    assert world.log.states[0].sent == 1


def test_an_answer_given_up_unseen_is_looked_for_when_somebody_asks_for_it_again(world: World) -> None:
    """The worker that gave it up is still there, busy with the next one, and the echo is late."""
    ask(world, "yes")
    ask(world, "no")
    world.weather = Weather(sends=None, lands=False)
    go_until(world, lambda: world.sending)
    world.travel(0, lands=True)
    world.permit(0, readable=False)
    world.weather = Weather(delivers=False, sends=None, lands=False)
    world.answer(world.sending[0], "unknown", lands=True)
    go_until(world, lambda: world.log.states[0].abandoned)
    world.permit(0, readable=True)
    go_until(world, lambda: world.sending)
    world.retry(0)
    world.weather = Weather(delivers=False)
    go_until(world, lambda: world.log.states[0].sent == 2)
    judge(world)

    assert said(world) == ["yes", "no"]


def test_what_is_decided_in_one_batch_has_its_causes_in_it(world: World) -> None:
    """A question and its deletion are recorded together."""
    world.start()
    ask(world, "first")
    question = ask(world, "yes")
    world.discord.delete(question)
    for _ in range(3):
        world.deliver(world.rooms[0])
    world.commit(world.rooms[0], 3, "fine")
    judge(world)

    about = {type(recorded.event): recorded for recorded in world.log.events(0, question.id)}
    assert about[e.ReplyAbandoned].causation == about[e.MessageDeleted].position


def test_a_part_that_a_catch_up_recorded_as_a_message_is_not_taken_twice(world: World) -> None:
    """Two deleted questions have the same answer; the first answer lost its reference and its sender.

    The second is not answered, because a look finds that the question is gone.
    """
    questions = [ask(world, "pong"), ask(world, "pong")]
    world.weather = Weather(sends=None, lands=False)
    go_until(world, lambda: world.sending)
    world.discord.delete(questions[0])
    world.travel(0, lands=True)
    world.crash()
    world.start()
    world.drop(valid=False)
    assert world.process
    world.process.ready()
    while world.log.states[0].received < 3:
        world.run(world.rooms[0], catchup=True)
        world.process.commit(0, 4)
    go_until(world, lambda: world.log.states[0].sent == 1 and world.sending)
    world.travel(0, lands=False)
    world.discord.delete(questions[1])
    world.crash()
    judge(world)

    assert said(world) == ["pong"]
    sent = [each.event.message_id for each in world.log.streams[0] if isinstance(each.event, e.ReplySent)]
    assert sent == [questions[0].id]


def test_a_catch_up_put_off_vouches_for_no_newer_session_than_the_one_that_asked_for_it(world: World) -> None:
    """It begins when a third session has begun, and knows of no message that this one missed."""
    world.start()
    chat(world, 3)
    world.drop(valid=False)
    go_until(world, lambda: world.log.states[0].watermark_id == 102)
    world.drop(valid=False)
    assert world.process
    world.process.ready()
    chat(world, 1)
    world.drop(valid=False)
    for _ in range(3):
        world.run(world.rooms[0], catchup=True)
        world.process.commit(0, 4)
    world.process.ready()
    world.go_on(6)
    chat(world, 1)
    judge(world)

    assert world.log.states[0].received == 5
