"""Rehearse: compare what the bot answered to recorded messages with what the current settings would answer.

Nothing is sent: a responder is asked, and its answer is only shown in the report. What a model took for it is recorded,
so that it counts. Tools that only read are called (:mod:`bot.moderation.rehearsed_tools`).
"""

from __future__ import annotations

import asyncio
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.core import commands as c
from bot.core import events as e
from bot.core.addressing import Own
from bot.core.conversation import Conversation
from bot.core.outbox import Pending
from bot.core.streams import stream_of
from bot.eventlog.query import Query
from bot.moderation.command import ModerationError, Report
from bot.moderation.context import CommandContext
from bot.moderation.explain import Story, story_of
from bot.moderation.points import known_head
from bot.moderation.rehearsed_tools import Rehearsed, RehearsedTools
from bot.moderation.text import count_text, printable, quote, shortened, without_words
from bot.replies.composer import Composer
from bot.replies.place_settings import PlaceSettings
from bot.replies.reading import NoWords, joined
from bot.responders.protocol import ModelFailed

MOST_REHEARSED = 10
"""Messages of one rehearsal; a model may have to answer each of them."""

SECONDS = 60.0
"""The time-out of all answers together; they are asked for at the same time."""

_MENTION_AT_AN_END = re.compile(r"\A\s*<@!?(?P<first>[0-9]{1,20})>|<@!?(?P<last>[0-9]{1,20})>\s*\Z")
_WIDTH = 90


@dataclass(frozen=True, slots=True)
class _Rehearsal:
    """The question, the recorded answer (if there is none, ``outcome`` says why), and the new answer with its tools."""

    message_id: int
    asked: str
    said: tuple[str, ...]
    outcome: str
    would: tuple[str, ...]
    trouble: str
    tools: Sequence[Rehearsed] = ()

    @property
    def same(self) -> bool:
        return not self.trouble and self.said == self.would

    def lines(self) -> tuple[str, ...]:
        said = self.said or (f"[nothing: {self.outcome}]",)
        would = self.would or (f"[nothing{f': {self.trouble}' if self.trouble else ''}]",)
        verdict = "the same" if self.same else "different"
        return (
            shortened(f"message {self.message_id}, {self.asked}"),
            *_block("was said:  ", said),
            *_block("would say: ", would),
            *([f"  tools:     {', '.join(f'{each.tool} ({each.how})' for each in self.tools)}"] if self.tools else []),
            f"  {verdict}",
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "message_id": str(self.message_id),
            "said": list(self.said),
            "outcome": self.outcome,
            "would_say": list(self.would),
            "trouble": self.trouble,
            "tools": [{"tool": each.tool, "how": each.how.value} for each in self.tools],
            "same": self.same,
        }


async def rehearse(
    context: CommandContext, channel_id: int, *, by: str = "", message_id: int | None = None, last: int | None = None
) -> Report:
    """Ask the current responder again: about one message, or about the last ones that asked for an answer."""
    if context.reader.vault is None:
        raise ModerationError("Rehearsing needs what people wrote, and the log is read without its key here.")
    await known_head(context.reader, channel_id)
    if message_id is None:
        chosen = await _newest(context, channel_id, 1 if last is None else last)
    else:
        chosen = [message_id]
    done = await asyncio.gather(*(_rehearsed(context, channel_id, each, by) for each in chosen))
    differing = sum(not each.same for each in done)
    return Report(
        f"{count_text(len(done), 'message')} of channel {channel_id} rehearsed, {differing} answered differently; "
        "nothing is sent",
        tuple(row for each in done for row in each.lines()),
        {"channel_id": str(channel_id), "settings": context.settings, "messages": [each.to_json() for each in done]},
    )


async def _newest(context: CommandContext, channel_id: int, count: int) -> list[int]:
    if not 1 <= count <= MOST_REHEARSED:
        raise ModerationError(f"Between 1 and {MOST_REHEARSED} messages can be rehearsed at a time.")
    query = Query(stream=stream_of(channel_id), types=(e.ReplyRequested.TYPE,), newest_first=True)
    events = [recorded.event async for recorded in context.reader.events(query, limit=count)]
    if not events:
        raise ModerationError(f"Nobody asked the bot anything in channel {channel_id} yet.")
    return [event.message_id for event in reversed(events) if isinstance(event, e.ReplyRequested)]


async def _rehearsed(context: CommandContext, channel_id: int, message_id: int, by: str) -> _Rehearsal:
    story = await story_of(context, channel_id, message_id)
    state, entries = await as_asked(context, channel_id, story)
    answers = [line.body for line in story.lines if isinstance(line.recorded.event, e.ReplyComposed) and line.body]
    context.require_budget(channel_id, entries[0].responder)
    tools = RehearsedTools(context.tools, context.reader) if context.tools else None
    would, trouble, used = await _answer(context, channel_id, state, entries, tools)
    await _count(context, channel_id, story.message_id, by, used)
    at = entries[0].asked_position
    bodies = await context.reader.bodies((at,))
    return _Rehearsal(
        story.message_id,
        quote(bodies[at]) if at in bodies else without_words(bodies, at),
        answers[-1].parts if answers else (),
        story.outcome(),
        would,
        trouble,
        tools.told if tools else (),
    )


async def _answer(
    context: CommandContext,
    channel_id: int,
    state: Conversation,
    entries: Sequence[Pending],
    tools: RehearsedTools | None,
) -> tuple[tuple[str, ...], str, e.ReplyComposed | ModelFailed | None]:
    """Return the parts of the new answer, or no parts and the reason, and what tells the tokens that it took."""
    around = await context.around_message(channel_id, entries[0].message_id)
    composer = Composer(
        context.reader,
        context.responders,
        context.window,
        places=PlaceSettings(context.reader, lambda _channel_id: around),
        attachments=context.attachments,
        clock=context.clock,
        tools=tools,
        chains=context.chains,
        rehearsing=True,
    )
    # The persona and the model are the current ones, as the settings are; the turns are those of that time.
    now = await context.state(channel_id)
    state = replace(state, persona_position=now.persona_position, model_position=now.model_position)
    own = await own_of(context, channel_id, entries[0])
    try:
        async with asyncio.timeout(SECONDS):
            command = await composer.compose(state, channel_id, entries, own)
    except NoWords as error:
        return (), f"of the question, {error}", None
    except TimeoutError:
        return (), f"no answer within {SECONDS:.0f} s", None
    except Exception as error:  # noqa: BLE001 - a responder may raise anything
        said = f"the responder failed ({type(error).__name__})"
        return (), said, error if isinstance(error, ModelFailed) else None
    return (command.body.parts, "", command.event) if command else ((), "the responder has no answer", None)


async def _count(
    context: CommandContext, channel_id: int, message_id: int, by: str, used: e.ReplyComposed | ModelFailed | None
) -> None:
    """Record what models took; a process that only reads the log can't."""
    if context.owner is None or used is None or not (used.tokens_in or used.tokens_out):
        return
    composed = used if isinstance(used, e.ReplyComposed) else None
    event = e.AnswerRehearsed(
        message_id=message_id,
        by=by,
        model=composed.model if composed else "",
        tokens_in=used.tokens_in,
        tokens_out=used.tokens_out,
        cost_micros=used.cost_micros,
        estimated=composed is not None and composed.estimated,
        priced=used.priced,
    )
    await context.owner.conversations.handle(channel_id, c.Record(event))


async def as_asked(context: CommandContext, channel_id: int, story: Story) -> tuple[Conversation, list[Pending]]:
    """Return the state on which a message was, or would have been, answered, and the replies that it covered."""
    if story.composed_on is not None:
        state = story.composed_on.state
        composed = next(
            line.recorded for line in reversed(story.lines) if isinstance(line.recorded.event, e.ReplyComposed)
        )
        together = await joined(context.reader, channel_id, composed)
        entries = [entry for each in (story.message_id, *together) if (entry := state.pending(each))]
        if entries:
            return state, [replace(entry, composed_position=0, sent_ids=()) for entry in entries]
    received = next((line.recorded for line in story.lines if isinstance(line.recorded.event, e.MessagePosted)), None)
    if received is None or not isinstance(received.event, e.MessagePosted):
        raise ModerationError(f"Message {story.message_id} itself was not recorded in channel {channel_id}.")
    state = (await context.reader.load(stream_of(channel_id), upto=received.version)).state
    request = story.reply.request
    entry = Pending(
        message_id=story.message_id,
        author_id=received.event.author_id,
        requested_at=received.recorded_at,
        cause_position=received.position,
        responder=request.responder if request else "",
        asked_position=story.reply.asked_position or received.position,
    )
    return state, [entry]


async def own_of(context: CommandContext, channel_id: int, entry: Pending) -> Own:
    """Return what calls the bot in a channel; where its id is not known, that is what the question mentions."""
    own = context.called(channel_id)
    return own if own.bot_id else own._replace(bot_id=await _mentioned(context, entry.asked_position))


async def _mentioned(context: CommandContext, position: int) -> int:
    """Return the id that a message mentions at its beginning or end (0: none), to use it as the bot's."""
    body = (await context.reader.bodies((position,))).get(position)
    found = _MENTION_AT_AN_END.search(body.text) if body else None
    return int(found["first"] or found["last"]) if found else 0


def _block(label: str, parts: Sequence[str]) -> list[str]:
    """Return the parts of an answer as lines under a label, with the line breaks of the answer."""
    rows = [
        row for part in parts for line in part.splitlines() for row in textwrap.wrap(printable(line), _WIDTH) or [""]
    ]
    return [f"  {label if number == 0 else ' ' * len(label)}{row}" for number, row in enumerate(rows)]
