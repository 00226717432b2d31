"""What a model was asked for an answer, found again in the log: question, history, quotes, persona, summary.

It is put together as for a new answer, but on the state of that time, and from what was recorded until then.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.outbox import Pending
from bot.eventlog.reader import Reader
from bot.moderation.context import CommandContext
from bot.moderation.explain import Story
from bot.moderation.past_reader import PastReader
from bot.moderation.rehearse import as_asked, own_of
from bot.replies.composer import Composer
from bot.replies.place_settings import Held, PlaceSettings, Surroundings
from bot.replies.quotes import Quotes
from bot.replies.reading import NoWords
from bot.responders.protocol import Context, Question, Responder, Utterance

_SIGNS = (e.ReplyBegun, e.ToolCalled, e.ReplyComposed)
"""What is recorded about an answer once the model is asked for it."""
_ASKED_ANEW = (e.MessageEdited, e.ReplyDelayed, e.ReplyRetried)
"""What is recorded about a question before the model is asked again."""


@dataclass(frozen=True, slots=True)
class PromptSource:
    """What a model was asked, and the answer that it gave; ``around`` is what the channel belongs to now."""

    question: Question
    context: Context
    around: Surroundings
    composed: e.ReplyComposed
    composed_position: int


class _Listener(Responder):
    """Keeps what it is asked, and answers nothing."""

    wants_history = True
    wants_files = False

    def __init__(self) -> None:
        self.asked: tuple[Question, Context] | None = None

    def claims(self, question: Question) -> bool:
        """Take any question, as one with files alone."""
        del question
        return True

    def answer(self, question: Question, context: Context) -> None:
        """Keep both."""
        self.asked = question, context


class _InLog:
    """Finds no message but those of the log."""

    async def message(self, _channel_id: int, _message_id: int) -> Utterance | None:
        """Return None."""
        return None


@dataclass(frozen=True, slots=True)
class _Persona(PlaceSettings):
    """Returns the persona that an answer was written in."""

    at: int = 0

    async def persona(self, _channel_id: int, _state: Conversation | None = None) -> Held:
        """Return it; that of the settings where it is theirs, or where its words do not open."""
        body = (await self.reader.bodies((self.at,) if self.at else ())).get(self.at)
        return Held(body.text, self.at) if body else Held()


@dataclass(frozen=True, slots=True)
class _Then:
    """The log and the state on which a model was asked; ``recorded_at`` is when the newest event was recorded."""

    reader: PastReader
    state: Conversation
    entries: Sequence[Pending]
    recorded_at: int


async def source_of(context: CommandContext, channel_id: int, story: Story) -> PromptSource | None:
    """Return what a model was asked for a message's newest answer, None where there is none.

    Raises NoWords where the question's words are gone, and ModerationError where the question was not recorded.
    """
    composed = story.reply.composed
    if composed is None:
        return None
    then = await _then(context, channel_id, story, composed)
    around, listener = await context.around_message(channel_id, story.message_id), _Listener()
    composer = _composer(context, then, listener, around, composed)
    await composer.compose(then.state, channel_id, then.entries, await own_of(context, channel_id, then.entries[0]))
    return PromptSource(*listener.asked, around, composed, story.reply.composed_position) if listener.asked else None


async def _then(context: CommandContext, channel_id: int, story: Story, composed: e.ReplyComposed) -> _Then:
    """Return the state on which the model was asked; raise NoWords and ModerationError as above."""
    reader = context.reader
    state, entries = await as_asked(context, channel_id, story)
    await _require_words(reader, entries[0].asked_position)
    sign = await _first_sign(reader, story, composed.generation, {entry.message_id for entry in entries})
    if sign.version <= state.version:
        state = (await reader.load(sign.stream, upto=sign.version - 1)).state
        entries = [state.pending(entry.message_id) or entry for entry in entries]
    # A summary that was made since the question would stand for turns that were shown one by one.
    state = state if composed.summary else replace(state, summary_position=0, summary_upto_id=0)
    recorded_at = await _recorded_at(reader, sign.stream, state.version)
    return _Then(PastReader.of(reader, sign.position - 1), state, entries, recorded_at)


def _composer(
    context: CommandContext, then: _Then, listener: Responder, around: Surroundings, composed: e.ReplyComposed
) -> Composer:
    """Return what asks a responder as it was asked then, and reads nothing from Discord."""
    return Composer(
        then.reader,
        (listener,),
        context.window,
        places=_Persona(then.reader, lambda _channel_id: around, composed.persona),
        clock=lambda: then.recorded_at,
        quotes=Quotes(then.reader, _InLog()),
        chains=replace(context.chains, reader=then.reader, source=None) if context.chains else None,
        rehearsing=True,
    )


async def _require_words(reader: Reader, position: int) -> None:
    bodies = await reader.bodies((position,))
    if position not in bodies:
        raise NoWords(bodies, position)


async def _first_sign(reader: Reader, story: Story, generation: int, questions: Collection[int]) -> e.Recorded:
    """Return the event before which the model was asked for the last time for an answer to ``questions``."""
    events = [line.recorded for line in story.lines]
    signs = [each for each in events if isinstance(each.event, _SIGNS) and each.event.generation == generation]
    anew = 0
    async for page in reader.tail(signs[0].stream, after=signs[0].version, upto=signs[-1].version - 1):
        anew = max((each.version for each in page if _asks_anew(each.event, questions)), default=anew)
    return next(each for each in signs if each.version > anew)


def _asks_anew(event: e.Event, questions: Collection[int]) -> bool:
    """Tell whether an answer that is being written to ``questions`` is begun anew after an event."""
    return isinstance(event, e.WordsErased) or (isinstance(event, _ASKED_ANEW) and event.message_id in questions)


async def _recorded_at(reader: Reader, stream: str, version: int) -> int:
    """Return when the event of a version was recorded, in microseconds (0: there is none)."""
    pages = [page async for page in reader.tail(stream, after=version - 1, upto=version)]
    return next((each.recorded_at for page in pages for each in page), 0)
