"""Explain an answer, or its absence: what was recorded about one message, from receipt to sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.core import events as e
from bot.core.reply_record import ReplyRecord
from bot.core.streams import stream_of
from bot.eventlog.query import Query
from bot.eventlog.reader import Loaded
from bot.moderation.command import ModerationError, Report
from bot.moderation.context import CommandContext
from bot.moderation.explain_effects import told_effects
from bot.moderation.explain_tools import told_calls
from bot.moderation.place_settings import origin
from bot.moderation.points import answered_by, known_head
from bot.moderation.reactions import reactions_left
from bot.moderation.text import Line, count_text, lines, plain, printable, shortened
from bot.money import dollar_text
from bot.times import iso_time, span, utc_time

MOST_EVENTS = 200
"""Events about one message; a reply is tried some dozens of times at most."""

GIVEN_UP = "given up"
"""How the outcome of a reply begins that was abandoned."""

E = TypeVar("E", bound=e.Event)


@dataclass(frozen=True, slots=True)
class Story:
    """What is recorded about one message and the reply to it, in order.

    ``composed_on`` is the state that the answer is based on, ``persona`` the origin of the persona that it was written
    in, ``chosen`` the model that was chosen for it and by whom ("": none was), ``reactions`` the number of reactions of
    each kind to the answer, ``erasures`` the receipts of erased words, ``chain`` the messages that led to the question
    (None: the window was read).
    """

    message_id: int
    lines: tuple[Line, ...]
    reply: ReplyRecord
    composed_on: Loaded | None
    persona: str = ""
    chosen: str = ""
    reactions: Mapping[str, int] = field(default_factory=dict)
    erasures: tuple[e.Recorded, ...] = ()
    chain: tuple[int, ...] | None = None

    def all(self, kind: type[E]) -> list[E]:
        """Return the events of one type."""
        return [line.recorded.event for line in self.lines if isinstance(line.recorded.event, kind)]

    def outcome(self) -> str:
        """Return in a few words how the message was handled."""
        match self.reply.newest:
            case e.ReplyAbandoned(reason=e.AbandonReason.TOGETHER, together_with=other):
                return f"answered together with message {other}"
            case e.ReplyAbandoned(reason=reason, detail=detail):
                return f"{GIVEN_UP}: {reason.value}{f' ({printable(detail)})' if detail else ''}"
            case e.ReplyMoved(thread_id=thread_id):
                return f"answered in thread {thread_id}"
            case e.MessageSkipped(reason=skipped):
                return f"not answered: {skipped.value}"
            case e.ForeignReplySeen(sent_id=sent_id):
                return f"answered elsewhere, as message {sent_id}"
            case None:
                return "imported, so not answered" if self.all(e.MessageImported) else "not addressed to the bot"
        return self._progress()

    def _progress(self) -> str:
        """Return in a few words how far the current answer is."""
        reply = self.reply
        anew = f", composed anew {count_text(reply.generation - 1, 'time')}" if reply.generation > 1 else ""
        if not reply.written:
            return f"unfinished: not written yet{anew}"
        if reply.complete:
            return f"{'posted' if reply.post else 'answered'} in {count_text(reply.parts, 'part')}{anew}"
        there = len(reply.messages.keys() & set(range(reply.parts)))
        return f"unfinished: {there} of {count_text(reply.parts, 'part')} sent{anew}"


async def why(context: CommandContext, channel_id: int, message_id: int) -> Report:
    """Explain how a message was answered, or why it was not."""
    story = await story_of(context, channel_id, message_id)
    outcome = story.outcome()
    return Report(
        f"Message {story.message_id} in channel {channel_id}: {outcome}",
        (*await reasons(context, story), "events:", *(f"  {row}" for row in _events(story))),
        _data(context, channel_id, story, outcome),
    )


async def reasons(context: CommandContext, story: Story) -> tuple[str, ...]:
    """Return the explanation without the events, one fact a line."""
    return (
        *_message(story),
        f"outcome: {story.outcome()}",
        *told_calls(story.lines),
        *_answer(context, story),
        *_sending(story),
        *await told_effects(context.reader, story.message_id),
    )


async def story_of(context: CommandContext, channel_id: int, message_id: int) -> Story:
    """Return what is recorded about a message; for a message of the bot, about the one that it answers."""
    await known_head(context.reader, channel_id)
    trigger = await answered_by(context.reader, channel_id, message_id)
    query = Query(stream=stream_of(channel_id), message_id=trigger)
    found = [recorded async for recorded in context.reader.events(query, limit=MOST_EVENTS)]
    if not found:
        raise ModerationError(f"Nothing is recorded about message {message_id} in channel {channel_id}.")
    composed = next((each for each in reversed(found) if isinstance(each.event, e.ReplyComposed)), None)
    based_on = await context.reader.load(stream_of(channel_id), upto=composed.version - 1) if composed else None
    told = await lines(context.reader, found, words=context.reader.vault is not None)
    reply = ReplyRecord.of(found)
    reactions = await _reactions(context, channel_id, [each.sent_id for each in reply.sent])
    persona, chosen = await _persona(context, reply.composed), await _chosen(context, reply.composed)
    erasures = await _erasures(context, channel_id, found)
    chain = await _chain(context, channel_id, found, based_on) if based_on else None
    return Story(trigger, tuple(told), reply, based_on, persona, chosen, reactions, erasures, chain)


async def _chain(
    context: CommandContext, channel_id: int, found: Sequence[e.Recorded], based_on: Loaded
) -> tuple[int, ...] | None:
    """Return the messages of the log that led to a question by replies, None where the window is read instead."""
    posted = next((each.event for each in found if isinstance(each.event, e.MessagePosted)), None)
    if context.chains is None or posted is None:
        return None
    around = await context.around_message(channel_id, posted.message_id)
    if not around.chained(posted.reply_to):
        return None
    chain = await context.chains.before(based_on.state, channel_id, posted.reply_to)
    return tuple(said.message_id for said in chain)


async def _erasures(context: CommandContext, channel_id: int, found: Sequence[e.Recorded]) -> tuple[e.Recorded, ...]:
    """Return the receipts for words of events that are erased."""
    query = Query(stream=stream_of(channel_id), types=(e.WordsErased.TYPE,), first_version=found[0].version)
    receipts = [receipt async for receipt in context.reader.events(query)]
    return tuple(receipt for receipt in receipts if any(_covers(receipt.event, each.version) for each in found))


def _covers(receipt: e.Event, version: int) -> bool:
    return isinstance(receipt, e.WordsErased) and receipt.covers(version)


async def _reactions(context: CommandContext, channel_id: int, sent: Sequence[int]) -> Mapping[str, int]:
    """Count the reactions to an answer: up, down and other."""
    left = [given for sent_id in sent for given in await reactions_left(context.reader, channel_id, sent_id)]
    return Counter(given.feeling.value for given in left)


async def _persona(context: CommandContext, composed: e.ReplyComposed | None) -> str:
    """Return the origin of an answer's persona; "" for an answer that nobody wrote in one."""
    if composed is None or not (composed.model or composed.persona):
        return ""
    found = await context.reader.at((composed.persona,)) if composed.persona else []
    return origin(found[0]) if found else "that of the settings"


async def _chosen(context: CommandContext, composed: e.ReplyComposed | None) -> str:
    """Return the model that was chosen for an answer, with the choice's origin; "" if none was."""
    found = await context.reader.at((composed.model_set,)) if composed and composed.model_set else []
    chosen = ((each, each.event.model) for each in found if isinstance(each.event, e.ModelSet))
    return next((f"{printable(model)}, {origin(each)}" for each, model in chosen), "")


def _message(story: Story) -> Iterator[str]:
    for line in story.lines:
        event = line.recorded.event
        if isinstance(event, e.MessagePosted):
            answering = f", in reply to {event.reply_to}" if event.reply_to else ""
            yield f"message: from {event.author.value} {event.author_id}, {_way(line.recorded, event)}{answering}"
            if said := line.said():
                yield shortened(f"  {said}")
    for post in story.all(e.PostRequested):
        answering = f", in reply to {post.reply_to}" if post.reply_to else ""
        yield f"message: posted by code of the bot's process{answering}"
    for begun in story.all(e.ThreadBegun):
        yield f"message: one of channel {begun.parent_id}, for whose answer this thread was opened"
    edits, deleted = len(story.all(e.MessageEdited)), bool(story.all(e.MessageDeleted))
    if edits:
        yield f"edited: {count_text(edits, 'time')}"
    if deleted:
        yield "deleted since"
    for receipt in story.erasures:
        if isinstance(receipt.event, e.WordsErased):
            by = f", by {printable(receipt.event.by)}" if receipt.event.by else ""
            when = f"v{receipt.version} at {utc_time(receipt.recorded_at)}"
            yield f"words erased: {receipt.event.reason.value}{by}, {when}"
    request = story.reply.request
    if request:
        yield f"addressed by: {request.call.value}, to responder {request.responder}"


def _way(recorded: e.Recorded, event: e.MessagePosted) -> str:
    """Return how a message reached the log."""
    match event:
        case e.MessageImported(source=source):
            return f"imported from {source.value} at {utc_time(recorded.recorded_at)}"
        case e.MessageReceived(via=via):
            return f"by {via.value}"
    return ""


def _answer(context: CommandContext, story: Story) -> Iterator[str]:
    composed = story.reply.composed
    if composed is None or story.composed_on is None:
        return
    origin = ", ".join(
        f"{name} {value}" for name, value in (("rule", composed.rule), ("model", composed.model)) if value
    )
    yield f"answer: by {composed.responder}{f', {origin}' if origin else ''}"
    for line in story.lines:
        if isinstance(line.recorded.event, e.ReplyComposed) and (said := line.said()):
            yield shortened(f"  {said}")
    yield _spent(composed)
    if composed.finish:
        yield f"ended: {printable(composed.finish)}"
    same = (
        "unknown"
        if not composed.settings
        else "the present ones"
        if composed.settings == context.settings
        else "others"
    )
    if story.persona:
        yield f"persona: {story.persona}"
    if story.chosen:
        yield f"model chosen: {story.chosen}"
    if composed.summary:
        yield f"summary of what was said before: the one at position {composed.summary}"
    yield f"settings: {composed.settings or '-'} ({same})"
    yield f"state: version {story.composed_on.state.version}, {_origin(story.composed_on)}"
    yield f"window: {_window(context, story)}" if story.chain is None else f"chain: {_chained(story.chain)}"


def _spent(composed: e.ReplyComposed) -> str:
    if not (composed.tokens_in or composed.tokens_out or composed.cost_micros):
        return "tokens and cost: none"
    about = " (estimated)" if composed.estimated else ""
    cost = dollar_text(composed.cost_micros, ".6f") if composed.priced else "unknown, no price in llm.prices"
    return f"tokens: {composed.tokens_in:,} in, {composed.tokens_out:,} out{about}; cost: {cost}"


def _origin(loaded: Loaded) -> str:
    tail = loaded.state.version - loaded.snapshot_version
    return f"from the snapshot of version {loaded.snapshot_version} and {count_text(tail, 'event')} after it"


def _window(context: CommandContext, story: Story) -> str:
    composed, read, known = story.reply.composed, *_reading(context, story)
    responder = next((each for each in context.responders if composed and each.name == composed.responder), None)
    if responder is not None and not responder.wants_history:
        return f"{count_text(known, 'earlier turn')}, which this responder does not read"
    if responder is None and composed and not composed.model:
        return f"{count_text(known, 'earlier turn')}; whether they were read is not known here"
    cut = f"; {known - read} older ones cut" if known > read else ""
    limit = "llm.context_tokens" if composed and composed.model else "what its answerer takes"
    crowded = f", {composed.cut} of them to stay within {limit}" if composed and composed.cut else ""
    return f"{count_text(read, 'earlier turn')} of {known} read{cut}{crowded}"


def _chained(chain: Sequence[int]) -> str:
    """Return the replies that led to a question, which are read in place of the window."""
    if not chain:
        return "it replies to nothing, so it begins a conversation"
    return f"{count_text(len(chain), 'turn')} by replies: {', '.join(map(str, chain))}"


def _reading(context: CommandContext, story: Story) -> tuple[int, int]:
    """Return how many earlier turns a responder that reads the window has read, and how many there were."""
    state, composed = story.composed_on.state if story.composed_on else None, story.reply.composed
    known = sum(turn.message_id < story.message_id for turn in state.window) if state else 0
    return max(0, min(known, context.window) - (composed.cut if composed else 0)), known


def _sending(story: Story) -> Iterator[str]:
    for opened in story.all(e.ThreadOpened):
        yield f"thread: {opened.thread_id}, known by {opened.proof.value}"
    for refused in story.all(e.ThreadRefused):
        yield f"no thread: {printable(refused.reason)}"
    for sent in story.all(e.ReplySent):
        yield f"part {sent.part + 1}: message {sent.sent_id}, known by {sent.proof.value}"
    delays = story.all(e.ReplyDelayed)
    yield from (f"sent as a plain message ({printable(delayed.reason)})" for delayed in delays if delayed.plain)
    failed = _failed(story)
    if failed:
        yield f"failed attempts: {len(failed)}, the last one: {printable(failed[-1].reason)}"
    for waited in (delayed for delayed in delays if not delayed.attempt and not delayed.plain):
        yield f"waited: {printable(waited.reason)}"
    if story.reactions:
        yield f"reactions: {', '.join(f'{count} {name}' for name, count in sorted(story.reactions.items()))}"
    for retried in story.all(e.ReplyRetried):
        yield f"asked for again by {printable(retried.by)}"


def _failed(story: Story) -> list[e.ReplyDelayed]:
    return [delayed for delayed in story.all(e.ReplyDelayed) if delayed.attempt and not delayed.plain]


def _events(story: Story) -> Iterator[str]:
    before: int | None = None
    for line in story.lines:
        recorded = line.recorded
        pause = "" if before is None else f" +{span(recorded.recorded_at - before)}"
        form = printable(recorded.event.form.type)
        yield f"{utc_time(recorded.recorded_at)}  v{recorded.version}  {form}{pause}{_marked(line)}"
        before = recorded.recorded_at


def _marked(line: Line) -> str:
    return f"  [unreadable: {line.unreadable}]" if line.unreadable else ""


def _data(context: CommandContext, channel_id: int, story: Story, outcome: str) -> dict[str, Any]:
    composed, on = story.reply.composed, story.composed_on
    read, known = _reading(context, story)
    return {
        "channel_id": str(channel_id),
        "message_id": str(story.message_id),
        "outcome": outcome,
        "answer": plain(composed) if composed else None,
        "settings_are_present": composed.settings == context.settings if composed and composed.settings else None,
        "composed_on": {"version": on.state.version, "snapshot": on.snapshot_version} if on else None,
        "window": {"known": known, "read": read} if on and story.chain is None else None,
        "chain": None if story.chain is None else [str(each) for each in story.chain],
        "parts": [plain(sent) for sent in story.all(e.ReplySent)],
        "reactions": dict(story.reactions),
        "erasures": [{"version": receipt.version, **plain(receipt.event)} for receipt in story.erasures],
        "edits": len(story.all(e.MessageEdited)),
        "retries": len(_failed(story)),
        "began_at": iso_time(story.lines[0].recorded.recorded_at),
        "took_us": story.lines[-1].recorded.recorded_at - story.lines[0].recorded.recorded_at,
        "events": [line.to_json() for line in story.lines],
    }
