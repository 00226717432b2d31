"""A channel's conversation: the state, and the fold that rebuilds it from events.

``evolve`` is total: it never raises, never validates, and ignores what does not apply, because what it is given has
already happened. State holds ids and numbers only; words stay in the vault. Raise ``FOLD`` whenever the same events
would give another state: snapshots of the older fold are then forgotten and folded anew.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeAlias

from bot.core import events as e
from bot.core.events import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

_Changes: TypeAlias = "dict[str, Any]"
"""New values of a state's fields, by name."""

FOLD = 1
WINDOW = 64


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the window; its words are part ``part`` of the body at ``position``."""

    message_id: int
    author_id: int
    role: Role
    position: int
    part: int = 0


@dataclass(frozen=True, slots=True)
class Pending:
    """A reply that was requested and is not finished: one entry of the outbox.

    ``responder`` is who answers, ``asked_at`` the position of the question's words, ``composed_at`` that of the
    answer's (0: not composed yet), ``cause`` that of the newest event about it; ``sent_ids`` holds each part's Discord
    id (0: not known to be sent).
    """

    message_id: int
    author_id: int
    requested_at: int
    cause: int
    responder: str = ""
    asked_at: int = 0
    via: e.Via = e.Via.LIVE
    composed_at: int = 0
    sent_ids: tuple[int, ...] = ()
    attempts: int = 0
    retry_at: int = 0
    trigger_deleted: bool = False

    @property
    def composed(self) -> bool:
        """Tell whether the text is in the log."""
        return self.composed_at > 0

    @property
    def next_part(self) -> int | None:
        """Return the first part not known to be sent, or None when nothing is left to send."""
        return next((part for part, sent in enumerate(self.sent_ids) if not sent), None)

    @property
    def untouched(self) -> bool:
        """Tell whether no part is known to be sent."""
        return not any(self.sent_ids)


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the bot knows of one channel, thread or DM.

    ``window`` is ordered by message id, not by arrival, since a catch-up brings older messages after newer ones;
    ``outbox`` by request; ``watermark`` is the newest message id up to which the channel is known complete;
    ``rewound_at`` is the version of the rewind or reset that an undo would take back (0: none).
    """

    version: int = 0
    window: tuple[Turn, ...] = ()
    outbox: tuple[Pending, ...] = ()
    watermark: int = 0
    rewound_at: int = 0
    paused: bool = False
    deleted: bool = False
    history_forbidden: bool = False
    received: int = 0
    sent: int = 0
    skipped: int = 0
    abandoned: int = 0
    foreign: int = 0

    def pending(self, message_id: int) -> Pending | None:
        """Return the unfinished reply to ``message_id``, if there is one."""
        return next((entry for entry in self.outbox if entry.message_id == message_id), None)

    def turn(self, message_id: int) -> Turn | None:
        """Return the window's turn of ``message_id``, if it is still there."""
        at = bisect_left(self.window, message_id, key=_turn_id)
        found = at < len(self.window) and self.window[at].message_id == message_id
        return self.window[at] if found else None


def fold(recorded: Iterable[e.Recorded], start: Conversation | None = None) -> Conversation:
    """Return the state after ``recorded``, beginning from ``start`` or from nothing."""
    return reduce(evolve, recorded, start or Conversation())


def evolve(state: Conversation, recorded: e.Recorded) -> Conversation:
    """Return the state after one more event."""
    changes = _of_message(state, recorded) or _of_reply(state, recorded) or _of_channel(state, recorded)
    return replace(state, version=recorded.version, **changes)


def _of_message(state: Conversation, recorded: e.Recorded) -> _Changes:
    """Return what a fact about a message changes."""
    match recorded.event:
        case e.MessageReceived() as event:
            return _received(state, recorded, event)
        case e.MessageEdited() as event:
            return {
                "window": _edited(state, event.message_id, recorded.position),
                "outbox": _changed(state, event.message_id, asked_at=recorded.position),
            }
        case e.MessageDeleted() as event:
            return {
                "window": _dropped(state.window, event.message_id),
                "outbox": _changed(state, event.message_id, trigger_deleted=True),
            }
        case e.MessageSkipped():
            return {"skipped": state.skipped + 1}
        case _:
            return {}


def _of_reply(state: Conversation, recorded: e.Recorded) -> _Changes:
    """Return what a fact about a reply changes."""
    position = recorded.position
    match recorded.event:
        case e.ReplyRequested() as event:
            return {"outbox": _requested(state, recorded, event)}
        case e.ReplyRetried() as event:
            return {"outbox": _retried(state, recorded, event)}
        case e.ReplyComposed(message_id=message_id, parts=parts):
            text = {"cause": position, "composed_at": position, "sent_ids": (0,) * parts, "attempts": 0, "retry_at": 0}
            return {"outbox": _changed(state, message_id, **text)}
        case e.ReplySent() as event:
            return _sent(state, recorded, event)
        case e.ReplyDelayed(message_id=message_id, attempt=attempt, retry_at=retry_at):
            return {"outbox": _changed(state, message_id, cause=position, attempts=attempt, retry_at=retry_at)}
        case e.ReplyAbandoned() as event:
            return {"outbox": _without(state, event.message_id), "abandoned": state.abandoned + 1}
        case e.ForeignReplySeen():
            return {"foreign": state.foreign + 1}
        case _:
            return {}


def _of_channel(state: Conversation, recorded: e.Recorded) -> _Changes:
    """Return what a fact about the channel as a whole changes."""
    match recorded.event:
        case e.CatchupCompleted() as event:
            return {"watermark": max(state.watermark, event.upto), "history_forbidden": False}
        case e.HistoryForbidden():
            return {"history_forbidden": True}
        case e.ConversationRewound() as event:
            return {"window": _window(event.window), "rewound_at": 0 if event.undoes else recorded.version}
        case e.ConversationReset():
            return {"window": (), "rewound_at": recorded.version}
        case e.RepliesPaused() | e.RepliesResumed() as event:
            return {"paused": isinstance(event, e.RepliesPaused)}
        case e.ChannelDeleted():
            return {"deleted": True}
        case _:
            return {}


def _turn_id(turn: Turn) -> int:
    return turn.message_id


def _placed(window: tuple[Turn, ...], turn: Turn) -> tuple[Turn, ...]:
    """Put a turn where its id belongs and let the oldest go when the window is full."""
    if not window or window[-1].message_id < turn.message_id:
        return (*window[1 - WINDOW :], turn) if len(window) >= WINDOW else (*window, turn)
    at = bisect_left(window, turn.message_id, key=_turn_id)
    if window[at].message_id == turn.message_id:
        return window
    return (*window[:at], turn, *window[at:])[-WINDOW:]


def _dropped(window: tuple[Turn, ...], message_id: int) -> tuple[Turn, ...]:
    return tuple(turn for turn in window if turn.message_id != message_id)


def _received(state: Conversation, recorded: e.Recorded, event: e.MessageReceived) -> _Changes:
    own = Role.BOT if event.author is e.Author.SELF else Role.OTHER_BOT
    role = Role.PERSON if event.author is e.Author.PERSON else own
    turn = Turn(event.message_id, event.author_id, role, recorded.position)
    moves = event.via in (e.Via.LIVE, e.Via.CATCHUP) and event.message_id > state.watermark
    return {
        "window": _placed(state.window, turn),
        "watermark": event.message_id if moves else state.watermark,
        "received": state.received + 1,
        "deleted": False,
    }


def _window(stored: Iterable[e.StoredTurn]) -> tuple[Turn, ...]:
    window: tuple[Turn, ...] = ()
    for turn in stored:
        window = _placed(window, Turn(*turn))
    return window


def _edited(state: Conversation, message_id: int, position: int) -> tuple[Turn, ...]:
    if state.turn(message_id) is None:
        return state.window
    return tuple(
        replace(turn, position=position, part=0) if turn.message_id == message_id else turn for turn in state.window
    )


def _requested(state: Conversation, recorded: e.Recorded, event: e.ReplyRequested) -> tuple[Pending, ...]:
    if state.pending(event.message_id) is not None:
        return state.outbox
    entry = Pending(
        message_id=event.message_id,
        author_id=event.author_id,
        requested_at=recorded.recorded_at,
        cause=recorded.position,
        responder=event.responder,
        asked_at=recorded.causation or 0,
        via=event.via,
    )
    return (*state.outbox, entry)


def _retried(state: Conversation, recorded: e.Recorded, event: e.ReplyRetried) -> tuple[Pending, ...]:
    entry = Pending(
        message_id=event.message_id,
        author_id=event.author_id,
        requested_at=recorded.recorded_at,
        cause=recorded.position,
        responder=event.responder,
        asked_at=event.asked_at,
        composed_at=event.composed_at,
        sent_ids=event.sent_ids,
    )
    return (*_without(state, event.message_id), entry)


def _without(state: Conversation, message_id: int) -> tuple[Pending, ...]:
    return tuple(entry for entry in state.outbox if entry.message_id != message_id)


def _changed(state: Conversation, message_id: int, **changes: Any) -> tuple[Pending, ...]:  # noqa: ANN401 - any field
    if state.pending(message_id) is None:
        return state.outbox
    return tuple(replace(entry, **changes) if entry.message_id == message_id else entry for entry in state.outbox)


def _sent(state: Conversation, recorded: e.Recorded, event: e.ReplySent) -> _Changes:
    entry = state.pending(event.message_id)
    outbox, window = state.outbox, state.window
    if entry is not None and 0 <= event.part < len(entry.sent_ids):
        sent_ids = (*entry.sent_ids[: event.part], event.sent_id, *entry.sent_ids[event.part + 1 :])
        # A catch-up may have recorded it before as a message like any other: it had lost its reference.
        others = window if state.turn(event.sent_id) is None else _dropped(window, event.sent_id)
        window = _placed(others, Turn(event.sent_id, 0, Role.BOT, entry.composed_at, event.part))
        outbox = (
            _changed(state, event.message_id, cause=recorded.position, sent_ids=sent_ids, attempts=0, retry_at=0)
            if 0 in sent_ids
            else _without(state, event.message_id)
        )
    return {"window": window, "outbox": outbox, "sent": state.sent + 1}
