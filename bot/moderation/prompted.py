"""The prompt of a model's answer, built again from the log: persona, place, summary, what is quoted, turns, question.

The log keeps what was said, and not a copy of each prompt. So it is built as for a new answer, on the state and with
persona, summary and turns of that time. What the log can't tell is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.outbox import Pending
from bot.moderation.command import ModerationError
from bot.moderation.context import CommandContext
from bot.moderation.explain import Story
from bot.moderation.rehearse import as_asked, own_of
from bot.moderation.text import count_text
from bot.replies.composer import Composer
from bot.replies.place_settings import Held, PlaceSettings
from bot.replies.quotes import Quotes
from bot.replies.reading import NoWords
from bot.responders.llm.prompt import Allowance, PromptMessage, build
from bot.responders.protocol import Context, Question, Responder, Utterance

WHOLE = 2**31
"""Tokens of a prompt in which nothing is cut."""


@dataclass(frozen=True, slots=True)
class Prompted:
    """The messages to the model, and sentences about what may have been different."""

    messages: Sequence[PromptMessage]
    lacking: Sequence[str]


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
class _Then(PlaceSettings):
    """Returns the persona that an answer was written in."""

    at: int = 0

    async def persona(self, _channel_id: int, _state: Conversation | None = None) -> Held:
        """Return it; that of the settings where it is theirs, or where its words are erased."""
        body = (await self.reader.bodies((self.at,) if self.at else ())).get(self.at)
        return Held(body.text, self.at) if body else Held()


async def prompted(context: CommandContext, channel_id: int, story: Story) -> Prompted | None:
    """Return the prompt of a message's newest answer; None where no model wrote it, or the log's key is not here."""
    composed = story.reply.composed
    if composed is None or not composed.model or story.composed_on is None or context.reader.vault is None:
        return None
    try:
        state, entries = await as_asked(context, channel_id, story)
        # A summary that was made since the question would stand for turns that were shown one by one.
        state = state if composed.summary else replace(state, summary_position=0, summary_upto_id=0)
        asked = await _asked(context, channel_id, story, composed, state, entries)
    except NoWords as error:
        return Prompted((), (f"The prompt can't be built again: of the question, {error}.",))
    except ModerationError as error:
        return Prompted((), (f"The prompt can't be built again: {error}",))
    if asked is None:
        return None
    question, known = asked
    tools = any(isinstance(line.recorded.event, e.ToolCalled) for line in story.lines)
    prompt = build(
        question._replace(files=()),
        replace(known, history=known.history[composed.cut :]),
        persona=context.persona,
        allowed=Allowance(WHOLE, tools=int(tools)),
        left_out=composed.cut,
    )
    return Prompted(prompt.messages, tuple(_lacking(context, story, composed, known, tools=tools)))


async def _asked(
    context: CommandContext,
    channel_id: int,
    story: Story,
    composed: e.ReplyComposed,
    state: Conversation,
    entries: Sequence[Pending],
) -> tuple[Question, Context] | None:
    """Return what the responder was asked; raise NoWords where the question's words are gone."""
    around, listener = await context.around_message(channel_id, story.message_id), _Listener()
    before = [line.recorded for line in story.lines if not isinstance(line.recorded.event, e.ReplyComposed)]
    last = max((each.recorded_at for each in before if each.version <= state.version), default=0)
    composer = Composer(
        context.reader,
        (listener,),
        context.window,
        places=_Then(context.reader, lambda _channel_id: around, composed.persona),
        clock=lambda: last,
        quotes=Quotes(context.reader, _InLog()),
        chains=context.chains,
        rehearsing=True,
    )
    await composer.compose(state, channel_id, entries, await own_of(context, channel_id, entries[0]))
    return listener.asked


def _lacking(
    context: CommandContext, story: Story, composed: e.ReplyComposed, known: Context, *, tools: bool
) -> Iterator[str]:
    """Yield sentences about what the log can't tell, or tells only as it is now."""
    if composed.persona and not known.persona:
        yield "The words of its persona are erased; the persona of the settings stands in its place."
    elif not composed.persona and composed.settings != context.settings:
        yield "The settings are others than at that time; their persona and the limits may have been, too."
    if composed.summary and not known.summary:
        yield "The words of the summary are erased."
    if composed.cut:
        yield f"{count_text(composed.cut, 'older turn')} were cut to stay within llm.context_tokens."
    if composed.attachments:
        yield f"{count_text(len(composed.attachments), 'file')} were read, which the log does not hold."
    if tools:
        yield "The calls of tools and their results followed; they are told above."
    if story.reply.generation > 1:
        yield "This is the prompt of the newest answer."
    if known.quoted:
        yield "What is quoted stands here in its newest wording."
    yield (
        "The channel's topic and the bot's name are those of now, if they are known here. Long pieces are whole here; "
        "in the model's prompt they may have been shortened."
    )
