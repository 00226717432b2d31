"""The prompt of an answer, built again from the log: the same that the model was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.core import commands as c
from bot.core import events as e
from bot.core.place_settings import PERSONA
from bot.core.streams import stream_of
from bot.eventlog.reader import Reader
from bot.moderation.explain import story_of
from bot.moderation.prompted import Prompted, prompted
from bot.replies.composer import Composer
from bot.replies.place_settings import PlaceSettings
from bot.replies.quotes import Quotes
from bot.responders.llm.prompt import Allowance, PromptMessage, build
from bot.responders.llm.settings import NAME, LlmSettings
from bot.responders.protocol import Answer, Context, Question, Responder, Utterance
from tests.moderation.conftest import Room

PIRATE, OWN = "You speak like a pirate.", "You are brief."


class Model(Responder):
    """Keeps the prompt that it would send, and answers with how many turns it left out."""

    name = NAME
    wants_history = True

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens
        self.sent: Sequence[PromptMessage] = ()

    def answer(self, question: Question, context: Context) -> Answer:
        """Build the prompt."""
        prompt = build(question, context, persona=OWN, allowed=Allowance(self._tokens))
        self.sent = prompt.messages
        return Answer("Said by a model.", model="test:model", cut=prompt.cut, tokens_in=5)


class Nowhere:
    """Discord, which has no message."""

    async def message(self, _channel_id: int, _message_id: int) -> Utterance | None:
        """Return none."""
        return None


async def answer(room: Room, message_id: int, tokens: int = 100_000) -> Model:
    """Have a model answer a question, as the bot does."""
    state = await room.conversations.state(room.id)
    entry, model = state.pending(message_id), Model(tokens)
    assert entry
    reader, now = room.log.reader, entry.requested_at
    composer = Composer(
        reader,
        (model,),
        64,
        settings="abc",
        places=PlaceSettings(reader),
        quotes=Quotes(reader, Nowhere()),
        clock=lambda: now,
    )
    command = await composer.compose(state, room.id, (entry,), room.context.called(room.id))
    assert command
    await room.do(command)
    await room.sends(message_id, message_id + 1)
    return model


async def again(room: Room, message_id: int, reader: Reader | None = None) -> Prompted | None:
    """Return the prompt, built again."""
    context = replace(room.context, llm=LlmSettings(persona=OWN), reader=reader or room.context.reader)
    return await prompted(context, room.id, await story_of(context, room.id, message_id))


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


async def erase(room: Room, version: int) -> None:
    """Erase the words of one event."""
    erased = e.WordsErased(reason=e.ErasureReason.PERSON, versions=(e.Span(version, version),))
    await room.log.append(stream_of(room.id), (e.Draft(erased),))


async def test_there_is_none_without_a_model_or_without_the_key(room: Room) -> None:
    """An answer of rules has no prompt, and who may not read words gets none."""
    await room.says(30, "a question", asks=True)
    await room.answers(30, "by a rule")
    assert await again(room, 30) is None

    await room.says(40, "another", asks=True)
    await answer(room, 40)
    keyless = Reader(room.log.aside.connection, None)
    assert await again(room, 40, keyless) is None
