"""The events that follow from a command: ``decide(state, command) -> drafts``.

Pure: the time, ids and all results of look-ups come in the command. A refusal is a value (no drafts), never an
exception. The state is bounded, so an event may be recorded already: the log's dedupe keys know, and append nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from bot.core import commands as c
from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.fold import apply, copy
from bot.core.outbox import ASKED, Pending, is_first
from bot.core.posts import post
from bot.core.rewinding import reset, rewind, undo

_TO_COME = 2**62
"""Stands for the position of an event that is decided and not yet appended."""


def decide(state: Conversation, command: c.Command) -> e.Drafts:  # noqa: C901, PLR0911, PLR0912 - one case per command
    """Return the events that follow from ``command``; none when it changes nothing."""
    match command:
        case c.Receive():
            return _receive(state, command)
        case c.Edit(event, body, asks):
            edited = e.Draft(event, body, subject_id=event.author_id)
            return (edited,) if asks is None else (edited, *_asked(state, asks))
        case c.React(event, body):
            return (e.Draft(event, body, subject_id=event.author_id),)
        case c.Delete():
            return _delete(state, command)
        case c.DeleteChannel():
            return _delete_channel(state)
        case c.Begin(message_id):
            return _begin(state, message_id)
        case c.NoteThread(event):
            return _note_thread(state, event)
        case c.BeginThread(request, event, asked_position):
            return e.Draft(request, causation=asked_position), e.Draft(event, causation=asked_position)
        case c.Compose():
            return _compose(state, command)
        case c.Post():
            return post(state, command)
        case c.UseTool():
            return _use_tool(state.pending(command.event.message_id), command)
        case c.Complete(message_id):
            return _complete(state.pending(message_id))
        case c.Confirm():
            return _confirm(state, command)
        case c.NoteForeign():
            return _note_foreign(state, command)
        case c.Delay():
            return _delay(state.pending(command.message_id), command)
        case c.Abandon(message_id, reason, detail, spent):
            entry = state.pending(message_id)
            return (_abandoned(entry, reason, detail, spent),) if entry else ()
        case c.Retry(event):
            return () if state.pending(event.message_id) else (e.Draft(event),)
        case c.Press():
            return _press(state.pending(command.event.message_id), command)
        case c.Rewind():
            return rewind(state, command)
        case c.Undo():
            return undo(state, command)
        case c.Reset(by):
            return reset(state, by)
        case c.Choose(setting, by, value, subject_id):
            return (setting.change(by, value, subject_id),) if value or setting.position(state) else ()
        case c.Summarise():
            return _summarise(state, command)
        case c.Record(fact):
            return _record(state, fact)
        case _:
            assert_never(command)


def decide_all(state: Conversation, commands: Sequence[c.Command]) -> list[e.Drafts]:
    """Decide ``commands`` one after the other, each on the state after those before it.

    Most messages ask the bot nothing. Such a message is recorded unless the state shows it already, so the messages
    before it are put into the state only when a command comes that has to see them.
    """
    if len(commands) == 1:
        return [decide(state, commands[0])]
    decided: list[e.Drafts] = []
    own, unseen = copy(state), dict[int, e.Event]()
    for command in commands:
        if isinstance(command, c.Receive) and _stands_alone(command) and command.event.message_id not in unseen:
            drafts = _receive(own, command)
            if drafts:
                unseen[command.event.message_id] = command.event
                decided.append(drafts)
                continue
        _foresee(own, unseen.values())
        unseen.clear()
        drafts = decide(own, command)
        _foresee(own, [draft.event for draft in drafts])
        decided.append(tuple(_caused(draft) for draft in drafts))
    return decided


def _stands_alone(command: c.Receive) -> bool:
    """Tell whether a message asks nothing, and takes the place of none that does."""
    return command.call is None and not command.original_id


def _foresee(own: Conversation, events: Iterable[e.Event]) -> None:
    """Apply events that the writer has not given positions and times yet: decisions only check whether there is one."""
    versions = enumerate(events, own.version + 1)
    apply(own, (e.Recorded(_TO_COME, "", version, 0, event) for version, event in versions))


def _caused(draft: e.Draft) -> e.Draft:
    """Remove a cause that has no position yet; the writer sets it."""
    return draft._replace(causation=None) if draft.causation == _TO_COME else draft


def _receive(state: Conversation, command: c.Receive) -> e.Drafts:
    event = command.event
    if state.turn(event.message_id) is not None:
        return ()
    received = e.Draft(event, command.body, subject_id=event.author_id)
    if not command.original_id:
        return (received, *_asked(state, command))
    original = state.pending(command.original_id)
    if original is None or original.may_be_sent:
        # The original was answered meanwhile: this is the same question.
        return (received,)
    return (received, _joined(original, event.message_id), *_asked(state, command))


def _asked(state: Conversation, command: c.Receive) -> e.Drafts:
    """Return what follows from a message beside its recording: the decision whether to answer it."""
    if command.call is None:
        return ()
    event, refusal = command.event, _refusal(state, command)
    if refusal is None:
        requested = _requested(command, command.call, command.responder)
        if command.thread:
            starter_id = 0 if event.via in ASKED else event.message_id
            return requested, e.Draft(e.ThreadIntended(message_id=event.message_id, starter_id=starter_id))
        # Behind other replies it is sent later, and its question may be edited until then.
        answer = command.answer
        if answer is None or state.outbox or answer.event.message_id != event.message_id:
            return (requested,)
        return (requested, e.Draft(answer.event, answer.body, subject_id=event.author_id))
    skipped = e.Draft(e.MessageSkipped(message_id=event.message_id, reason=refusal))
    if not command.notice or command.stale or state.paused:
        return (skipped,)
    return (skipped, _requested(command, command.call, command.notice))


def _requested(command: c.Receive, call: e.Call, responder: str) -> e.Draft:
    event = command.event
    return e.Draft(
        e.ReplyRequested(
            message_id=event.message_id,
            author_id=event.author_id,
            responder=responder,
            call=call,
            via=event.via,
        )
    )


def _refusal(state: Conversation, command: c.Receive) -> e.SkipReason | None:
    if command.refusal is not None:
        return command.refusal
    if state.paused:
        return e.SkipReason.PAUSED
    if command.stale:
        return e.SkipReason.TOO_OLD
    if command.event.author is not e.Author.PERSON and state.bots_in_a_row >= command.bots:
        return e.SkipReason.BOTS_IN_A_ROW
    return e.SkipReason.QUEUE_FULL if len(state.outbox) >= command.room else None


def _delete(state: Conversation, command: c.Delete) -> e.Drafts:
    entry = state.pending(command.message_id)
    deleted = e.Draft(e.MessageDeleted(message_id=command.message_id, via=command.via))
    if entry is None or entry.may_be_sent:
        # Such a reply may be on its way. The sender checks before each part.
        return (deleted,)
    return (deleted, _abandoned(entry, e.AbandonReason.TRIGGER_DELETED))


def _delete_channel(state: Conversation) -> e.Drafts:
    if state.deleted:
        return ()
    left = (_abandoned(entry, e.AbandonReason.CHANNEL_DELETED) for entry in state.outbox)
    return (e.Draft(e.ChannelDeleted()), *left)


def _begin(state: Conversation, message_id: int) -> e.Drafts:
    entry = state.pending(message_id)
    # If an older question was recorded while this answer was written, the answer is shown only when it is complete.
    begun = entry is None or entry.composed or (entry.begun and not entry.awaited)
    if entry is None or begun or not is_first(state.outbox, message_id):
        return ()
    return (_about(entry, e.ReplyBegun(message_id=entry.message_id, generation=entry.generation)),)


def _note_thread(
    state: Conversation, event: e.ThreadIntended | e.ThreadOpened | e.ThreadRefused | e.ReplyMoved
) -> e.Drafts:
    entry = state.pending(event.message_id)
    opened = entry is not None and entry.thread_id > 0 and not entry.opening
    waits = opened if type(event) is e.ReplyMoved else entry is not None and entry.opening
    return (_about(entry, event),) if waits else ()


def _complete(entry: Pending | None) -> e.Drafts:
    if entry is None or not entry.composed or entry.next_part is not None:
        return ()
    return (_about(entry, e.ReplyCompleted(message_id=entry.message_id, generation=entry.generation)),)


def _delay(entry: Pending | None, command: c.Delay) -> e.Drafts:
    if entry is None:
        return ()
    delayed = e.ReplyDelayed(
        message_id=command.message_id,
        part=command.part,
        reason=command.reason,
        attempt=command.attempt,
        retry_at=command.retry_at,
        plain=command.plain,
        **command.spent._asdict(),
    )
    return (_about(entry, delayed),)


def _press(entry: Pending | None, command: c.Press) -> e.Drafts:
    if command.retried is not None:
        return () if entry else (e.Draft(command.event), e.Draft(command.retried))
    if entry is None or entry.composed or entry.stopped or entry.generation != command.event.generation:
        return ()
    return (_about(entry, command.event),)


def _compose(state: Conversation, command: c.Compose) -> e.Drafts:
    entry = state.pending(command.event.message_id)
    if entry is None or entry.composed or entry.generation != command.event.generation:
        return ()
    composed = e.Draft(command.event, command.body, subject_id=entry.author_id, causation=entry.cause_position)
    others = (state.pending(message_id) for message_id in command.together_ids)
    return (composed, *(_joined(other, entry.message_id) for other in others if other and not other.composed))


def _use_tool(entry: Pending | None, command: c.UseTool) -> e.Drafts:
    event = command.event
    if entry is None or entry.composed or entry.generation != event.generation:
        return ()
    if entry.trigger_deleted:
        # Nothing more is done for a message that is gone, and nothing of it is kept.
        return (e.Draft(event, causation=command.cause_position),) if isinstance(event, e.ToolReturned) else ()
    cause = entry.cause_position if command.cause_position is None else command.cause_position
    return (e.Draft(event, command.body, subject_id=entry.author_id, causation=cause),)


def _confirm(state: Conversation, command: c.Confirm) -> e.Drafts:
    message_id, part, sent_id = command.message_id, command.part, command.sent_id
    turn, entry = state.turn(sent_id), state.pending(message_id)
    known = turn is not None and turn.role is e.Role.BOT and not turn.author_id and turn.part == part
    if known or (entry is not None and sent_id in (*entry.sent_ids, *entry.surplus_ids)):
        # The response or the echo came first. The log's keys would notice, too, but that costs a commit.
        return ()
    sent = e.ReplySent(
        message_id=message_id, part=part, sent_id=sent_id, proof=command.proof, generation=command.generation
    )
    return (_about(entry, sent),)


def _note_foreign(state: Conversation, command: c.NoteForeign) -> e.Drafts:
    entry = state.pending(command.message_id)
    seen = _about(entry, e.ForeignReplySeen(message_id=command.message_id, sent_id=command.sent_id))
    if entry is None or entry.may_be_sent:
        # Such a reply goes on: the other process uses the same nonce, so Discord drops the second copy.
        return (seen,)
    return (seen, _abandoned(entry, e.AbandonReason.ANSWERED_ELSEWHERE))


def _summarise(state: Conversation, command: c.Summarise) -> e.Drafts:
    event = command.event
    newest = event.previous == state.summary_position and event.upto > state.summary_upto_id
    # Words that it was made of may be erased by now. The next answer asks for another one.
    erased = state.erased_version > command.version
    if not newest or erased or state.turn(event.upto) is None:
        return ()
    return (e.Draft(event, command.body),)


def _record(state: Conversation, fact: e.PlainEvent) -> e.Drafts:
    known = (
        (isinstance(fact, e.HistoryForbidden) and state.history_forbidden)
        or (isinstance(fact, e.RepliesPaused) and state.paused)
        or (isinstance(fact, e.RepliesResumed) and not state.paused)
    )
    return () if known else (e.Draft(fact),)


def _abandoned(entry: Pending, reason: e.AbandonReason, detail: str = "", spent: c.Spent = c.NOTHING) -> e.Draft:
    for_whom = entry.author_id if spent != c.NOTHING else 0
    abandoned = e.ReplyAbandoned(
        message_id=entry.message_id, reason=reason, detail=detail, author_id=for_whom, **spent._asdict()
    )
    return _about(entry, abandoned)


def _joined(entry: Pending, together_with: int) -> e.Draft:
    reason = e.AbandonReason.TOGETHER
    return _about(entry, e.ReplyAbandoned(message_id=entry.message_id, reason=reason, together_with=together_with))


def _about(entry: Pending | None, event: e.Event) -> e.Draft:
    return e.Draft(event, causation=entry.cause_position if entry else None)
