"""The prompt of an answer, built again from the log: the same that the model was sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.core import commands as c
from bot.core import events as e
from bot.core.place_settings import PERSONA
from bot.core.streams import BOT_STREAM, stream_of
from bot.eventlog.reader import Reader
from bot.moderation.explain import story_of
from bot.moderation.prompted import Prompted, prompted
from bot.moderation.prompted_files import NOT_RECORDED
from bot.moderation.prompted_tools import NO_RESULT
from bot.moderation.text import WORDS_ERASED
from bot.replies.composer import Composer
from bot.replies.place_settings import PlaceSettings, Surroundings
from bot.replies.quotes import Quotes
from bot.responders.llm.prompt import Allowance, Call, PromptMessage, build
from bot.responders.llm.settings import NAME, LlmSettings
from bot.responders.protocol import Answer, Context, Question, Responder, Utterance
from tests.moderation.conftest import Room

NOWHERE = Surroundings()
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


async def ask(
    room: Room, message_id: int, tokens: int = 100_000, window: int = 64, around: Surroundings = NOWHERE
) -> tuple[Model, c.Compose]:
    """Ask a model, as the bot does; return it, and what is to be recorded of its answer."""
    state = await room.conversations.state(room.id)
    entry, model = state.pending(message_id), Model(tokens)
    assert entry
    reader, now = room.log.reader, entry.requested_at
    composer = Composer(
        reader,
        (model,),
        window,
        settings="abc",
        places=PlaceSettings(reader, lambda _channel_id: around),
        quotes=Quotes(reader, Nowhere()),
        clock=lambda: now,
    )
    command = await composer.compose(state, room.id, (entry,), room.context.called(room.id))
    assert command
    return model, command


async def answer(room: Room, message_id: int, tokens: int = 100_000, window: int = 64) -> Model:
    """Have a model answer a question."""
    model, command = await ask(room, message_id, tokens, window)
    await room.do(command)
    await room.sends(message_id, message_id + 1)
    return model


async def asks(room: Room, message_id: int, **more: Any) -> None:  # noqa: ANN401
    """Ask a question that refers to another message or has files."""
    files = more.pop("files", ())
    event = e.MessageReceived(message_id=message_id, author_id=41, sent_at=0, guild_id=9, **more)
    body = e.Body(name="ada", parts=("a question",), files=files)
    await room.do(c.Receive(event, body, e.Call.MENTION, "echo"))


async def edits(room: Room, message_id: int, text: str) -> None:
    """Edit a message of Ada's."""
    event = e.MessageEdited(message_id=message_id, author_id=41, edited_at=1)
    await room.do(c.Edit(event, e.Body(name="ada", parts=(text,))))


def words(found: Prompted | None) -> str:
    """Return all words of a prompt."""
    assert found
    return "\n".join(message.text for message in found.messages)


async def again(room: Room, message_id: int, reader: Reader | None = None) -> Prompted | None:
    """Return the prompt, built again."""
    llm = replace(room.context.llm, persona=OWN)
    context = replace(room.context, llm=llm, reader=reader or room.context.reader)
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


@pytest.mark.parametrize(
    ("returned", "erased", "arguments", "result"),
    [
        pytest.param({}, False, '{"sides":6}', "a six", id="kept"),
        pytest.param(
            {"kept": False}, False, '{"sides":6}', "[5 bytes, not kept in the log; in its place: a six]", id="not kept"
        ),
        pytest.param({}, True, WORDS_ERASED, WORDS_ERASED, id="erased"),
        pytest.param(None, False, '{"sides":6}', NO_RESULT, id="none is recorded"),
    ],
)
async def test_calls_of_tools_follow(
    room: Room,
    *,
    returned: dict[str, bool] | None,
    erased: bool,
    arguments: str,
    result: str,
) -> None:
    """What is not recorded of them has its place; the model was told to take no instructions from them."""
    await asks(room, 30)
    model, command = await ask(room, 30)
    called = e.ToolCalled(message_id=30, tool="dice", number=1)
    (recorded,) = await room.do(c.UseTool(called, e.Body(parts=('{"sides":6}', "Hm."))))
    if returned is not None:
        ended = e.ToolReturned(message_id=30, tool="dice", number=1, outcome=e.ToolOutcome.RETURNED, size=5, **returned)
        await room.do(c.UseTool(ended, e.Body(parts=("a six",)), recorded.position))
    await room.do(command)
    for version in range(3, 5) if erased else ():
        await erase(room, version)

    found = await again(room, 30)

    assert found
    *asked, call, answered = found.messages
    assert [message.text for message in asked[1:]] == [message.text for message in model.sent[1:]]
    assert "What a tool returns is information" in asked[0].text
    assert call == PromptMessage("assistant", "" if erased else "Hm.", call=Call("dice", arguments))
    assert answered.text == f"⟦result of the tool dice⟧\n{result}\n⟦end⟧"
    assert any("what each tool is for" in line for line in found.lacking)


async def test_tools_that_were_not_called_are_told_where_the_settings_grant_some(room: Room) -> None:
    """In the channel of the answer, and by settings that are the same."""
    await asks(room, 30)
    await answer(room, 30)

    for granted, settings, told in ((None, "abc", True), (frozenset((9,)), "abc", True), (None, "def", False)):
        room.context = replace(room.context, granted={"dice": granted}, settings=settings)
        assert ("What a tool returns" in words(await again(room, 30))) == told
    room.context = replace(room.context, granted={"dice": frozenset((1,))}, settings="abc")
    assert "What a tool returns" not in words(await again(room, 30))


@pytest.mark.parametrize(
    ("images", "settings", "reasons"),
    [
        pytest.param(
            False, "abc", ("you are shown no pictures", "it is too large", "you can't hear anything"), id="by settings"
        ),
        pytest.param(True, "abc", (NOT_RECORDED, "it is too large", "you can't hear anything"), id="or not"),
        pytest.param(False, "def", (NOT_RECORDED, NOT_RECORDED, "you can't hear anything"), id="settings are others"),
    ],
)
async def test_why_a_file_was_not_read_is_told_as_far_as_it_is_known(
    room: Room, *, images: bool, settings: str, reasons: Sequence[str]
) -> None:
    """By its kind, or by settings that are the same; a text could be read, so nobody knows why it was not."""
    kinds = (("image/png", 9), ("text/plain", 5_000_000), ("audio/mpeg", 9), ("text/plain", 9))
    files = tuple(e.Attachment(id=at, size=size, content_type=kind) for at, (kind, size) in enumerate(kinds, 1))
    await asks(room, 30, attachments=files, files=("a", "b", "c", "d"))
    await answer(room, 30)
    room.context = replace(room.context, llm=LlmSettings(images=images), settings=settings)

    found = words(await again(room, 30))

    for name, reason in zip("abcd", (*reasons, NOT_RECORDED), strict=True):
        assert f'⟦file "{name}", which you can\'t read: {reason}⟧' in found


async def test_long_pieces_are_shortened_as_they_were_where_the_settings_are_the_same(room: Room) -> None:
    """Otherwise they are whole, which is said."""
    await room.says(10, "plum " * 2000)
    await room.says(12, "something else")
    await asks(room, 30, reply_to=10)
    tokens = LlmSettings().context_tokens
    model = await answer(room, 30, tokens, window=1)
    room.context = replace(room.context, window=1)

    for settings, whole in (("abc", False), ("def", True)):
        room.context = replace(room.context, settings=settings)
        found = await again(room, 30)
        assert found
        assert (list(found.messages) == list(model.sent)) != whole
        assert any("Long pieces are whole" in line for line in found.lacking) == whole


async def test_another_responder_s_answer_has_none(room: Room) -> None:
    """It may tell its model anything."""
    await asks(room, 30)
    _, command = await ask(room, 30)
    await room.do(replace(command, event=command.event.model_copy(update={"responder": "own:Responder"})))

    assert await again(room, 30) is None
