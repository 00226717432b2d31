"""The prompt of an answer, built again from the log: the same that the model was sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from bot.core import commands as c
from bot.core import events as e
from bot.core.place_settings import PERSONA
from bot.core.streams import BOT_STREAM
from bot.eventlog.reader import Reader
from bot.moderation.explain import story_of
from bot.moderation.prompted import Prompted, prompted
from bot.moderation.text import WORDS_ERASED
from bot.replies.place_settings import Surroundings
from bot.replies.reply_chains import ReplyChains
from bot.responders.protocol import Utterance
from tests.moderation.conftest import Room
from tests.moderation.prompting import again, answer, ask, asks, edits, erase, words

PIRATE = "You speak like a pirate."


@pytest.mark.parametrize("tokens", [pytest.param(100_000, id="all fits"), pytest.param(200, id="older turns are cut")])
async def test_it_is_what_the_model_was_sent(room: Room, tokens: int) -> None:
    """With persona, earlier answers and what was cut; what was said or set later changes nothing."""
    for number in range(10, 22, 2):
        await room.says(number, f"a turn of some length, number {number}")
    await room.do(c.Choose(PERSONA, "7", PIRATE))
    await room.says(30, "first question", asks=True)
    await answer(room, 30)
    await room.says(40, "and the second one", asks=True)
    model = await answer(room, 40, tokens)
    await room.do(c.Choose(PERSONA, "7", "You speak like a robot."))
    await room.says(50, "something later")

    found = await again(room, 40)

    assert found
    assert list(found.messages) == list(model.sent)
    assert PIRATE in found.messages[0].text
    assert any("cut to stay within" in line for line in found.lacking) == (tokens < 1000)


async def test_the_persona_of_the_settings_is_named_where_settings_are_others_now(room: Room) -> None:
    """The log has only their hash."""
    await room.says(30, "a question", asks=True)
    model = await answer(room, 30)
    found = await again(room, 30)
    assert found
    assert list(found.messages) == list(model.sent)
    assert not any("settings are others" in line for line in found.lacking)

    room.context = replace(room.context, settings="def")
    found = await again(room, 30)
    assert found
    assert any("settings are others" in line for line in found.lacking)


async def test_erased_words_are_not_in_it(room: Room) -> None:
    """Neither a turn's, nor a question's: without that no prompt is built."""
    await room.says(20, "a secret turn")
    await room.says(30, "a secret question", asks=True)
    await answer(room, 30)

    turn, question = [each.version for each in await room.history() if isinstance(each.event, e.MessagePosted)]
    await erase(room, turn)
    found = await again(room, 30)
    assert found
    assert "secret turn" not in "".join(message.text for message in found.messages)
    assert "secret question" in found.messages[-1].text

    await erase(room, question)
    found = await again(room, 30)
    assert found
    assert not found.messages
    assert "can't be built again" in found.lacking[0]


async def test_there_is_none_without_a_model_or_without_the_key(room: Room) -> None:
    """An answer of rules has no prompt, and who may not read words gets none."""
    await room.says(30, "a question", asks=True)
    await room.answers(30, "by a rule")
    assert await again(room, 30) is None

    await room.says(40, "another", asks=True)
    await answer(room, 40)
    keyless = Reader(room.log.aside.connection, None)
    assert await again(room, 40, keyless) is None


Later = Callable[[Room], Awaitable[object]]
"""What happens after an answer."""


async def erases_it(room: Room) -> None:
    """Erase the words of the first event."""
    await erase(room, 1)


@pytest.mark.parametrize(
    ("later", "told"),
    [
        pytest.param(lambda room: edits(room, 10, "the plums are green"), "the plums are blue", id="edited"),
        pytest.param(lambda room: room.do(c.Delete(10)), WORDS_ERASED, id="deleted"),
        pytest.param(erases_it, WORDS_ERASED, id="erased"),
    ],
)
@pytest.mark.parametrize("window", [pytest.param(1, id="as a quote"), pytest.param(64, id="as a turn")])
async def test_what_a_question_replies_to_is_as_it_was(room: Room, later: Later, told: str, window: int) -> None:
    """What came later changes nothing, but words that are erased are not shown: they have their place."""
    await room.says(10, "the plums are blue")
    await room.says(12, "something else")
    await asks(room, 30, reply_to=10)
    model = await answer(room, 30, window=window)
    room.context = replace(room.context, window=window)
    await later(room)

    found = await again(room, 30)

    assert found
    assert "the plums are blue" in words(Prompted(model.sent, ()))
    assert [message.text.replace(told, "the plums are blue") for message in found.messages] == [
        message.text for message in model.sent
    ]


@pytest.mark.parametrize("goes_on", [False, True], ids=["anew", "the rest of it"])
async def test_another_answer_has_a_prompt_of_its_own(room: Room, *, goes_on: bool) -> None:
    """On the state of that time; of what it goes on with, the end stands in it."""
    await room.says(20, "first wording")
    await asks(room, 30)
    _, command = await ask(room, 30)
    await room.do(replace(command, event=command.event.model_copy(update={"finish": "length"})))
    await room.sends(30, 31)
    await edits(room, 20, "second wording")
    reply = (await story_of(room.context, room.id, 30)).reply
    assert reply.request
    await room.do(c.Retry(reply.asked_again(reply.request, "7", anew=True, goes_on=goes_on)))
    model = await answer(room, 30)
    await edits(room, 20, "third wording")

    found = await again(room, 30)

    assert found
    assert list(found.messages) == list(model.sent)
    assert "second wording" in words(found)
    assert ("Said by a model." in words(found)) == goes_on


@pytest.mark.parametrize("inside", [False, True], ids=["in the channel above", "in a forum's thread"])
async def test_the_first_message_of_a_thread_is_as_it_was(room: Room, *, inside: bool) -> None:
    """It has the thread's id; without Discord the log tells where it lies."""
    above_id = 77
    await room.log.append(BOT_STREAM, (e.Draft(e.ThreadSeen(channel_id=room.id, parent_id=above_id)),))
    there = replace(room, id=room.id if inside else above_id)
    await there.says(room.id, "the plums are blue")
    await room.says(room.id + 5, "something else")
    await asks(room, room.id + 10)
    around = Surroundings(above_id, 9, begins_in=there.id)
    model, command = await ask(room, room.id + 10, window=1, around=around)
    await room.do(command)
    room.context = replace(room.context, window=1)
    await edits(there, room.id, "the plums are green")

    found = await again(room, room.id + 10)

    assert "the plums are blue" in words(found)
    assert found
    assert list(found.messages) == list(model.sent)


async def test_what_was_erased_before_is_not_in_its_place(room: Room) -> None:
    """The model was told nothing of it; what it replies to is then named as lacking."""
    await room.says(10, "the plums are blue")
    await room.do(c.Delete(10))
    await asks(room, 30, reply_to=10)
    model = await answer(room, 30)

    found = await again(room, 30)

    assert found
    assert list(found.messages) == list(model.sent)
    assert any("replies to is not in the log" in line for line in found.lacking)


async def test_turns_that_were_cut_stay_so_when_their_words_are_erased(room: Room) -> None:
    """No turn that the model was told goes in their stead."""
    for number in range(10, 22, 2):
        await room.says(number, f"a turn of some length, number {number}")
    await asks(room, 30)
    model = await answer(room, 30, 200)
    await erase(room, 1)

    found = await again(room, 30)

    assert found
    assert list(found.messages) == list(model.sent)


@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        pytest.param((10,), "first wording", id="a turn is edited"),
        pytest.param((10, 30), "second wording", id="and the question, so that the model is asked anew"),
    ],
)
async def test_what_came_while_it_was_written_changes_nothing(room: Room, meanwhile: Sequence[int], told: str) -> None:
    """The call of a tool tells that the model was asked before."""
    await room.says(10, "first wording")
    await asks(room, 30)
    _, command = await ask(room, 30)
    called = e.ToolCalled(message_id=30, tool="dice", number=1)
    await room.do(c.UseTool(called, e.Body(parts=("{}",))))
    for message_id in meanwhile:
        await edits(room, message_id, "second wording")
    await room.do(command)

    found = words(await again(room, 30)).replace("30", "")

    assert told in found
    assert ("second wording" in found) == (told == "second wording")


async def test_another_responder_s_answer_has_none(room: Room) -> None:
    """It may tell its model anything."""
    await asks(room, 30)
    _, command = await ask(room, 30)
    await room.do(replace(command, event=command.event.model_copy(update={"responder": "own:Responder"})))

    assert await again(room, 30) is None


async def test_nothing_is_fetched_for_it(room: Room) -> None:
    """What a chain of replies was told from Discord is named as lacking: it may say something else now."""

    class Discord:
        asked = 0

        async def message(self, _channel_id: int, message_id: int) -> Utterance:
            """Return a message that the log never held."""
            self.asked += 1
            return Utterance(message_id, "bob", "the plums are blue", by_bot=False, author_id=42)

    discord = Discord()
    room.context = replace(room.context, chains=ReplyChains(room.log.reader, 8, discord))
    await asks(room, 30, reply_to=10)
    await answer(room, 30)
    story = await story_of(room.context, room.id, 30)
    asked = discord.asked

    found = await prompted(room.context, room.id, story)

    assert discord.asked == asked
    assert "the plums are blue" not in words(found)
    assert found
    assert any("replies to is not in the log" in line for line in found.lacking)
