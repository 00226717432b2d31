"""What the bot knows of a channel: the state that :mod:`bot.core.fold` rebuilds from its events.

It holds ids and numbers only; words stay in the vault. A name's ending says what a number is: ``_id`` one of Discord's,
``_position`` a place in the log, ``_version`` one in the channel's stream, ``_at`` a time in microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.core.outbox import Outbox, Pending, place_of
from bot.core.window import Turn, Window

_EMPTY_BYTES, _TURN_BYTES, _ENTRY_BYTES = 304, 44, 420
"""Bytes of memory, measured: of an empty state, of each turn and of each entry of the outbox."""


@dataclass(slots=True)
class Conversation:
    """What the bot knows of one channel, thread or DM.

    ``window`` is ordered by message id, because a catch-up brings older messages after newer ones. ``outbox`` is in the
    order in which its replies are sent. ``watermark_id`` is the newest message up to which the channel is known to be
    complete. ``rewound_version`` is that of the rewind or reset that the next undo takes back (0: none); the state just
    before that version names the undo after it. ``persona_position`` is that of the channel's own persona (0: none),
    and ``persona_changed_version`` that of its last setting or clearing; ``model_position`` and
    ``model_changed_version`` are the same for the channel's own choice of a model. ``summary_position`` is that of the
    summary of everything up to message ``summary_upto_id`` (0: none). ``erased_version`` is that of the newest event
    with which words of the channel were erased. ``unreadable`` counts the events that could not be read, and of which
    nothing here tells; ``imported`` the messages that came from files, which are not among ``received``.
    ``bots_in_a_row`` counts the answers to bots since a person wrote.
    """

    version: int = 0
    window: Window = field(default_factory=Window)
    outbox: Outbox = ()
    watermark_id: int = 0
    rewound_version: int = 0
    persona_position: int = 0
    persona_changed_version: int = 0
    model_position: int = 0
    model_changed_version: int = 0
    summary_position: int = 0
    summary_upto_id: int = 0
    erased_version: int = 0
    paused: bool = False
    deleted: bool = False
    history_forbidden: bool = False
    received: int = 0
    sent: int = 0
    skipped: int = 0
    abandoned: int = 0
    foreign: int = 0
    unreadable: int = 0
    imported: int = 0
    bots_in_a_row: int = 0

    @property
    def size(self) -> int:
        """Return about how many bytes of memory the state takes."""
        return _EMPTY_BYTES + _TURN_BYTES * len(self.window) + _ENTRY_BYTES * len(self.outbox)

    def pending(self, message_id: int) -> Pending | None:
        """Return the unfinished reply to ``message_id``, if there is one."""
        at = place_of(self.outbox, message_id)
        return self.outbox[at] if at >= 0 else None

    def turn(self, message_id: int) -> Turn | None:
        """Return the window's turn of ``message_id``, if it is still there."""
        return self.window.find(message_id)
