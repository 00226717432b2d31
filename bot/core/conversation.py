"""A channel's conversation: the state, and the fold that rebuilds it from events.

``evolve`` is total: it never raises, never validates, and ignores what does not apply, because what it is given has
already happened. State holds ids and numbers only; words stay in the vault. Raise ``FOLD`` whenever the same events
would give another state: snapshots of the older fold are then forgotten and folded anew.

A state is a value: nobody changes one that somebody else may hold. ``evolve`` changes a copy; ``fold`` makes one copy
for all events, since a long replay is most of what a cold channel costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from bot.core import events as e
from bot.core.changes import CHANGES
from bot.core.outbox import Outbox, Pending, place_of
from bot.core.window import SIZE, Turn, Window

__all__ = ["FOLD", "WINDOW", "Conversation", "Turn", "Window", "apply", "copy", "evolve", "fold"]

FOLD = 6
WINDOW = SIZE

_EMPTY_BYTES, _TURN_BYTES, _ENTRY_BYTES = 280, 44, 420
"""What a state takes, as measured: by itself, and for each turn and each entry."""


@dataclass(slots=True)
class Conversation:
    """What the bot knows of one channel, thread or DM.

    ``window`` is ordered by message id, not by arrival, since a catch-up brings older messages after newer ones;
    ``outbox`` by request; ``watermark`` is the newest message id up to which the channel is known complete;
    ``rewound_at`` is the version of the rewind or reset that an undo would take back (0: none); ``persona_at`` the
    position of the words that say who the bot is here (0: nothing does), and ``persona_changed_at`` the version at
    which somebody set or cleared them. ``summary_at`` is the position of the words that sum up what was said up to
    message ``summary_upto`` (0: nothing does).
    """

    version: int = 0
    window: Window = field(default_factory=Window)
    outbox: Outbox = ()
    watermark: int = 0
    rewound_at: int = 0
    persona_at: int = 0
    persona_changed_at: int = 0
    summary_at: int = 0
    summary_upto: int = 0
    paused: bool = False
    deleted: bool = False
    history_forbidden: bool = False
    received: int = 0
    sent: int = 0
    skipped: int = 0
    abandoned: int = 0
    foreign: int = 0

    @property
    def size(self) -> int:
        """Return about how many bytes of memory it takes."""
        return _EMPTY_BYTES + _TURN_BYTES * len(self.window) + _ENTRY_BYTES * len(self.outbox)

    def pending(self, message_id: int) -> Pending | None:
        """Return the unfinished reply to ``message_id``, if there is one."""
        at = place_of(self.outbox, message_id)
        return self.outbox[at] if at >= 0 else None

    def turn(self, message_id: int) -> Turn | None:
        """Return the window's turn of ``message_id``, if it is still there."""
        return self.window.find(message_id)


def fold(recorded: Iterable[e.Recorded], start: Conversation | None = None) -> Conversation:
    """Return the state after ``recorded``, beginning from ``start`` or from nothing."""
    state = copy(start) if start else Conversation()
    for one in recorded:
        apply(state, one)
    return state


def evolve(state: Conversation, recorded: e.Recorded) -> Conversation:
    """Return the state after one more event."""
    after = copy(state)
    apply(after, recorded)
    return after


_fields_of_state = attrgetter(*Conversation.__slots__)


def copy(state: Conversation) -> Conversation:
    """Return a state of its own, for :func:`apply`."""
    own = Conversation(*_fields_of_state(state))
    own.window = own.window.copy()
    return own


def apply(state: Conversation, recorded: e.Recorded) -> None:
    """Change ``state``, a copy that nobody else holds, as an event says."""
    change = CHANGES.get(type(recorded.event))
    if change is not None:
        change(state, recorded, recorded.event)
    state.version = recorded.version
