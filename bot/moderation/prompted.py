"""The prompt of a model's answer, built again from the log as it was sent.

The log keeps what was said, and not a copy of each prompt. So it is built from what the model was asked
(:mod:`bot.moderation.prompt_source`), and the calls of tools follow, which were recorded while the answer was written.
What the log can't tell is named, in its place or in a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.moderation.command import ModerationError
from bot.moderation.context import CommandContext
from bot.moderation.explain import Story
from bot.moderation.past_reader import PastReader
from bot.moderation.prompt_source import PromptSource, source_of
from bot.moderation.prompted_files import pictures_of, reading_of, with_files
from bot.moderation.prompted_tools import call_messages, calls_of, tokens_of
from bot.moderation.text import count_text
from bot.replies.reading import NoWords
from bot.replies.toolkit import granted
from bot.responders.llm.prompt import Allowance, Prompt, PromptMessage, build
from bot.responders.llm.settings import NAME

WHOLE = 2**31
"""Tokens of a prompt in which nothing is cut, and bytes of a file that is not too large."""


@dataclass(frozen=True, slots=True)
class Prompted:
    """The messages to the model, and sentences about what may have been different.

    ``pictures`` says by id what is known of each picture in the messages.
    """

    messages: Sequence[PromptMessage]
    lacking: Sequence[str]
    pictures: Mapping[int, str] = field(default_factory=dict)


async def prompted(context: CommandContext, channel_id: int, story: Story) -> Prompted | None:
    """Return the prompt of a message's newest answer, with all calls of tools for it.

    None where it is not of the responder ``llm``, since another may tell its model anything, and where the log's key is
    not here.
    """
    composed = story.reply.composed
    if composed is None or composed.responder != NAME or not composed.model or context.reader.vault is None:
        return None
    try:
        source = await source_of(context, channel_id, story)
    except NoWords as error:
        return Prompted((), (f"The prompt can't be built again: of the question, {error}.",))
    except ModerationError as error:
        return Prompted((), (f"The prompt can't be built again: {error}",))
    return None if source is None else await _prompted(context, channel_id, story, source)


async def _prompted(context: CommandContext, channel_id: int, story: Story, source: PromptSource) -> Prompted:
    past = PastReader.of(context.reader, source.composed_position - 1)
    calls = await calls_of(past, channel_id, story.message_id, source.composed.generation)
    same, limit = source.composed.settings == context.settings, context.llm.context_tokens
    tools = bool(calls) or (same and bool(granted(context.granted, channel_id, source.around)))
    within = _within(context, source, tokens_of([*call_messages(calls, limit // 2)]) + tools) if same else None
    prompt = within or _whole(context, source, tools=tools)
    return Prompted(
        (*prompt.messages, *call_messages(calls, limit // 2 if within else WHOLE)),
        tuple(_lacking(story, source, same=same, tools=tools, exact=within is not None)),
        pictures_of(source.question.files),
    )


def _within(context: CommandContext, source: PromptSource, tools: int) -> Prompt | None:
    """Return the prompt within the limits of the settings, None if these can't have been those of the model.

    Then another number of turns would have been cut, or other files read.
    """
    llm, composed = context.llm, source.composed
    prompt = _built(context, source, Allowance(llm.context_tokens, llm.images, llm.attachment_bytes, tools))
    return prompt if prompt.cut == composed.cut and set(prompt.files) == set(composed.attachments) else None


def _whole(context: CommandContext, source: PromptSource, *, tools: bool) -> Prompt:
    """Return the prompt without any limit, but without the turns that were cut."""
    allowed = Allowance(WHOLE, images=True, attachment_bytes=WHOLE, tools=int(tools))
    return _built(context, source, allowed, source.composed.cut)


def _built(context: CommandContext, source: PromptSource, allowed: Allowance, cut: int = 0) -> Prompt:
    files, read = source.question.files, source.composed.attachments
    known = replace(source.context, history=source.context.history[cut:])
    return build(
        source.question,
        with_files(known, files, read, images=allowed.images, limit=allowed.attachment_bytes),
        persona=context.llm.persona,
        allowed=allowed,
        reading=reading_of(files, read),
        left_out=cut,
    )


def _lacking(story: Story, source: PromptSource, *, same: bool, tools: bool, exact: bool) -> Iterator[str]:
    """Yield sentences about what the log can't tell, or tells only as it is now."""
    composed, known = source.composed, source.context
    if composed.persona and not known.persona:
        yield "The words of its persona do not open; the persona of the settings stands in its place."
    if not same:
        what = "limits and tools" if composed.persona else "persona, limits and tools"
        yield f"The settings are others than at that time; {what} may have been, too."
    if composed.cut:
        yield f"Left out: {count_text(composed.cut, 'older turn')}, cut to stay within llm.context_tokens."
    if not exact:
        yield "Long pieces are whole here; in the model's prompt they may have been shortened."
    if story.reply.generation > 1:
        yield "This is the prompt of the newest answer."
    if source.question.reply_to and source.question.reply_to not in _told(source):
        yield "The message that it replies to is not in the log; the model may have been told it."
    if tools:
        yield "Not recorded, but told to the model: what each tool is for, and calls that were refused."
    places = (
        ("the channel's topic", known.topic),
        ("the thread's title", known.thread),
        ("the bot's name", known.bot_name),
    )
    if there := [what for what, value in places if value]:
        yield f"Taken from now, not from then: {', '.join(there)}."
    else:
        yield f"Not known here, but perhaps to the model: {', '.join(what for what, _ in places)}."


def _told(source: PromptSource) -> set[int]:
    """Return the messages that the model was told."""
    return {turn.message_id for turn in (*source.context.history, *source.context.quoted)}
