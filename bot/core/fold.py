"""The fold that rebuilds a channel's conversation from its events.

``evolve`` is total: it never raises, never validates, and ignores events that do not apply, because an event has
already happened. Raise ``FOLD`` whenever the same events give another state: then older snapshots are ignored. A state
that somebody else may hold is never changed: ``evolve`` changes a copy, and ``fold`` makes one for all events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, TypeAlias

from bot.core import events as e
from bot.core import posts, threads
from bot.core.addressing import RESPONSES
from bot.core.conversation import Conversation
from bot.core.outbox import ASKED, Pending, changeable, inserted, place_of, placed, without
from bot.core.place_settings import PLACE_SETTINGS
from bot.core.window import ROLES, Window

FOLD = 11


def fold(recorded: Iterable[e.Recorded], start: Conversation | None = None) -> Conversation:
    """Return the state after ``recorded``, beginning from ``start`` or from nothing."""
    state = copy(start) if start else Conversation()
    apply(state, recorded)
    return state


def evolve(state: Conversation, recorded: e.Recorded) -> Conversation:
    """Return the state after one more event."""
    return fold((recorded,), state)


_fields = attrgetter(*Conversation.__slots__)


def copy(state: Conversation) -> Conversation:
    """Return a copy of a state, for :func:`apply`."""
    own = Conversation(*_fields(state))
    own.window = own.window.copy()
    return own


def apply(state: Conversation, recorded: Iterable[e.Recorded]) -> None:
    """Apply events to ``state``, a copy that nobody else holds, each as soon as it comes."""
    for one in recorded:
        event = one.event
        change = _CHANGES.get(type(event))
        if change is not None:
            change(state, one, event)
        state.version = one.version


_Change: TypeAlias = Callable[[Conversation, e.Recorded, Any], None]
"""Changes a state that nobody else holds, ignores what does not apply, and never raises."""


def _received(state: Conversation, recorded: e.Recorded, event: e.MessageReceived) -> None:
    message_id, via = event.message_id, event.via
    # A command is not a message. Its question becomes a turn with its request, its response with the answer.
    if via not in ASKED and not (event.kind in RESPONSES and event.author is e.Author.SELF):
        state.window.put(message_id, event.author_id, ROLES[event.author], recorded.position)
    if message_id > state.watermark_id and via in _GAPLESS:
        state.watermark_id = message_id
    if event.author is e.Author.PERSON:
        state.bots_in_a_row = 0
    state.received += 1
    state.deleted = False


def _imported(state: Conversation, recorded: e.Recorded, event: e.MessageImported) -> None:
    state.imported += 1
    # What a rewind or reset took out of the window must not come back.
    if not state.rewound_version:
        state.window.put(event.message_id, event.author_id, ROLES[event.author], recorded.position)


def _edited(state: Conversation, recorded: e.Recorded, event: e.MessageEdited | e.MessagePreviewed) -> None:
    state.window.move(event.message_id, recorded.position)
    if (entry := _own(state, event.message_id)) is not None:
        entry.asked_position = recorded.position


def _deleted(state: Conversation, recorded: e.Recorded, event: e.MessageDeleted) -> None:
    state.window.drop(event.message_id)
    state.erased_version = recorded.version
    if (entry := _own(state, event.message_id)) is not None:
        entry.trigger_deleted = True


def _skipped(state: Conversation, _recorded: e.Recorded, _event: e.MessageSkipped) -> None:
    state.skipped += 1


def _requested(state: Conversation, recorded: e.Recorded, event: e.ReplyRequested) -> None:
    if place_of(state.outbox, event.message_id) >= 0:
        return
    entry = Pending(
        message_id=event.message_id,
        author_id=event.author_id,
        requested_at=recorded.recorded_at,
        cause_position=recorded.position,
        responder=event.responder,
        asked_position=recorded.causation or 0,
        via=event.via,
    )
    state.outbox = inserted(state.outbox, entry)
    if state.window.is_of(event.message_id, e.Role.OTHER_BOT):
        state.bots_in_a_row += 1
    if event.via is e.Via.ASK:
        state.window.put(event.message_id, event.author_id, e.Role.PERSON, entry.asked_position)


def _retried(state: Conversation, recorded: e.Recorded, event: e.ReplyRetried) -> None:
    entry = Pending(
        message_id=event.message_id,
        author_id=event.author_id,
        requested_at=recorded.recorded_at,
        cause_position=recorded.position,
        responder=event.responder,
        asked_position=event.asked_at,
        composed_position=event.composed_at,
        sent_ids=event.sent_ids,
        begun=event.begun,
        surplus_ids=event.surplus,
        generation=event.generation,
        plain=event.plain,
        finish=event.finish,
        continues_position=event.continues,
        own=event.own,
    )
    state.outbox = placed(state.outbox, entry)


def _begun(state: Conversation, recorded: e.Recorded, event: e.ReplyBegun) -> None:
    if (entry := _own(state, event.message_id)) is not None:
        was_under_way, entry.cause_position = entry.under_way, recorded.position
        entry.begin()
        if not was_under_way:
            state.outbox = placed(state.outbox, entry)


def _composed(state: Conversation, recorded: e.Recorded, event: e.ReplyComposed) -> None:
    if (entry := _own(state, event.message_id)) is None:
        return
    entry.cause_position = entry.composed_position = recorded.position
    entry.attempts = entry.retry_at = 0
    entry.finish = event.finish
    entry.fit(event.parts)
    # From here on, messages that are in Discord already stand for the composed text.
    if not entry.untouched and _belongs(state, entry, entry.sent_ids + entry.surplus_ids):
        for part, sent_id in enumerate(entry.sent_ids):
            if sent_id:
                _say(state, entry, part, sent_id)
    for sent_id in entry.surplus_ids:
        state.window.drop(sent_id)


def _belongs(state: Conversation, entry: Pending, shown: tuple[int, ...]) -> bool:
    """Tell whether an answer belongs to the window; ``shown`` are the ids of all its messages.

    Composed anew, an answer that a rewind removed stays removed.
    """
    return entry.generation == 1 or any(state.turn(shown_id) for shown_id in (entry.message_id, *shown) if shown_id)


def _say(state: Conversation, entry: Pending, part: int, sent_id: int) -> None:
    """Make a part that is in Discord a turn of the window, unless the answer is private."""
    # A catch-up may have recorded it as an ordinary message, because it had lost its reference.
    state.window.drop(sent_id)
    if entry.via is not e.Via.WHISPER:
        state.window.put(sent_id, 0, e.Role.BOT, entry.composed_position, part)


def _sent(state: Conversation, recorded: e.Recorded, event: e.ReplySent) -> None:
    state.sent += 1
    entry, part = state.pending(event.message_id), event.part
    if entry is not None and entry.unreadable and not entry.may_be_sent:
        # It was composed by an event that can't be read, and has gone out.
        state.outbox = without(state.outbox, event.message_id)
        return
    if entry is None or part < 0 or (part >= len(entry.sent_ids) and not entry.begun):
        return
    sent_ids, surplus_ids = entry.shown(part, event.sent_id)
    if composed := entry.composed:
        if part < len(sent_ids) and _belongs(state, entry, sent_ids + surplus_ids):
            _say(state, entry, part, event.sent_id)
        if all(sent_ids) and not entry.begun:
            # Most replies end here, without a copy of their entry.
            state.outbox = without(state.outbox, event.message_id)
            return
    if (own := _own(state, event.message_id)) is not None:
        own.cause_position, own.sent_ids, own.surplus_ids = recorded.position, sent_ids, surplus_ids
        if composed:
            own.attempts = own.retry_at = 0
        if own.under_way and not entry.under_way:
            state.outbox = placed(state.outbox, own)


def _pressed(state: Conversation, recorded: e.Recorded, event: e.ButtonPressed) -> None:
    if event.button is e.Button.STOP and (entry := _own(state, event.message_id)) is not None:
        entry.cause_position, entry.stopped = recorded.position, True


def _completed(state: Conversation, _recorded: e.Recorded, event: e.ReplyCompleted) -> None:
    state.outbox = without(state.outbox, event.message_id)


def _delayed(state: Conversation, recorded: e.Recorded, event: e.ReplyDelayed) -> None:
    if (entry := _own(state, event.message_id)) is not None:
        entry.cause_position, entry.attempts, entry.retry_at = recorded.position, event.attempt, event.retry_at
        entry.plain = entry.plain or event.plain


def _abandoned(state: Conversation, _recorded: e.Recorded, event: e.ReplyAbandoned) -> None:
    entry = state.pending(event.message_id)
    if entry is not None and entry.asked and entry.untouched:
        state.window.drop(event.message_id)
    state.outbox = without(state.outbox, event.message_id)
    state.abandoned += 1


def _foreign(state: Conversation, _recorded: e.Recorded, _event: e.ForeignReplySeen) -> None:
    state.foreign += 1


def _caught_up(state: Conversation, _recorded: e.Recorded, event: e.CatchupCompleted) -> None:
    state.watermark_id = max(state.watermark_id, event.upto)
    state.history_forbidden = False


def _forbidden(state: Conversation, _recorded: e.Recorded, _event: e.HistoryForbidden) -> None:
    state.history_forbidden = True


def _rewound(state: Conversation, recorded: e.Recorded, event: e.ConversationRewound) -> None:
    state.window = Window()
    for turn in event.window:
        state.window.put(*turn)
    own = 0 if event.undoes else recorded.version
    state.rewound_version = own if event.next_undo is None else event.next_undo
    state.summary_position, state.summary_upto_id = event.summary_at, event.summary_upto


def _reset(state: Conversation, recorded: e.Recorded, _event: e.ConversationReset) -> None:
    state.window = Window()
    state.rewound_version = recorded.version
    state.summary_position = state.summary_upto_id = 0


def _summarised(state: Conversation, recorded: e.Recorded, event: e.ConversationSummarised) -> None:
    state.summary_position, state.summary_upto_id = recorded.position, event.upto


def _paused(state: Conversation, _recorded: e.Recorded, event: e.RepliesPaused | e.RepliesResumed) -> None:
    state.paused = type(event) is e.RepliesPaused


def _gone(state: Conversation, _recorded: e.Recorded, _event: e.ChannelDeleted) -> None:
    state.deleted = True


def _unreadable(state: Conversation, recorded: e.Recorded, _event: e.Unreadable) -> None:
    state.unreadable += 1
    if (entry := _own(state, recorded.correlation or 0)) is not None:
        entry.unreadable = True


def _several(state: Conversation, recorded: e.Recorded, _event: e.Several) -> None:
    apply(state, e.apart((recorded,)))


def _erased(state: Conversation, recorded: e.Recorded, _event: e.WordsErased) -> None:
    state.erased_version = recorded.version


def _own(state: Conversation, message_id: int) -> Pending | None:
    """Replace an entry with a copy, and return the copy for the caller to change."""
    state.outbox, own = changeable(state.outbox, message_id)
    return own


_GAPLESS = frozenset((e.Via.LIVE, e.Via.CATCHUP))

_CHANGES: Mapping[type[e.Event], _Change] = {
    e.MessageReceived: _received,
    e.MessageImported: _imported,
    e.MessageEdited: _edited,
    e.MessagePreviewed: _edited,
    e.MessageDeleted: _deleted,
    e.MessageSkipped: _skipped,
    e.ReplyRequested: _requested,
    **posts.CHANGES,
    e.ReplyRetried: _retried,
    e.ButtonPressed: _pressed,
    **threads.CHANGES,
    e.ReplyBegun: _begun,
    e.ReplyComposed: _composed,
    e.ReplyCompleted: _completed,
    e.ReplySent: _sent,
    e.ReplyDelayed: _delayed,
    e.ReplyAbandoned: _abandoned,
    e.ForeignReplySeen: _foreign,
    e.CatchupCompleted: _caught_up,
    e.HistoryForbidden: _forbidden,
    e.ConversationRewound: _rewound,
    e.ConversationReset: _reset,
    e.ConversationSummarised: _summarised,
    **{event: setting.fold for setting in PLACE_SETTINGS for event in setting.events},
    e.RepliesPaused: _paused,
    e.RepliesResumed: _paused,
    e.ChannelDeleted: _gone,
    e.Unreadable: _unreadable,
    e.Several: _several,
    e.WordsErased: _erased,
}
"""By type, since pydantic's ``isinstance`` takes as long as a change. All other events change only the version."""
