"""A model that keeps the prompt that it is sent, asked as the bot asks, and that prompt built again from the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.core import commands as c
from bot.core import events as e
from bot.core.streams import stream_of
from bot.eventlog.reader import Reader
from bot.moderation.explain import story_of
from bot.moderation.prompted import Prompted, prompted
from bot.replies.composer import Composer
from bot.replies.place_settings import PlaceSettings, Surroundings
from bot.replies.quotes import Quotes
from bot.responders.llm.prompt import Allowance, PromptMessage, build
from bot.responders.llm.settings import NAME
from bot.responders.protocol import Answer, Context, Question, Responder, Utterance
from tests.moderation.conftest import Room

NOWHERE = Surroundings()
OWN = "You are brief."


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


async def erase(room: Room, version: int) -> None:
    """Erase the words of one event."""
    erased = e.WordsErased(reason=e.ErasureReason.PERSON, versions=(e.Span(version, version),))
    await room.log.append(stream_of(room.id), (e.Draft(erased),))
