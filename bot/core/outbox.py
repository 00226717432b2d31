"""The outbox: the unfinished replies of a channel, in the order in which they are sent.

**The order of answers.** In each channel, waiting answers are sent in the order of the messages that they answer:

- An answer is *under way* from when it begins to be shown, or a part of it is in Discord, until it is finished or given
  up. An answer that is under way goes on to its end before another one of its channel begins.
- Of the answers that wait, the one to the message with the smallest id is next. It does not matter when or how it was
  requested (live, by a catch-up, by an audit or by hand), or whether it is composed already.
- A send that has left can't be called back. Until its fate is known it counts as under way, and a message that is
  recorded meanwhile waits for it, even an older one.

The order holds within a channel, and not for answers to commands: each of these stands where its command was used. Only
recorded messages count: a live question is answered while a catch-up still reads older ones.

Entries are values: to change one, replace it with a changed copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TypeAlias

from bot.core.events import Via
from bot.core.sharding import TIME_SHIFT

ASKED = frozenset((Via.ASK, Via.WHISPER))

_AHEAD = 2 * 60_000 << TIME_SHIFT
"""Two minutes, as a distance of ids: by twice as much as a clock may be off unnoticed (gateway/discord_time.py)."""


@dataclass(slots=True)
class Pending:
    """A reply that was requested and is not finished: one entry of the outbox.

    ``responder`` is the name of the one that answers. ``asked_position`` is that of the question's words,
    ``composed_position`` that of the answer's words (0: not composed yet), ``cause_position`` that of the newest event
    about the reply. ``sent_ids`` holds the Discord id of each part (0: not known to be sent). ``begun``: parts are
    shown while the answer is written, so Discord may show another text than the composed one until the reply is
    completed. ``surplus_ids`` are those of such parts that the complete answer does not need. ``generation`` counts the
    answers composed for one message, from 1. ``plain``: the rest is sent without a reference to the question, because
    Discord refused that. ``unreadable``: an event about it can't be read, so nobody knows what has become of it.
    ``finish`` is why the composed text ended, ``stopped``: somebody had its writing stopped, ``continues_position`` is
    that of the answer's words that it goes on with (0: none). ``own``: whoever asked had it composed anew. ``opening``:
    a thread is opened for it first, started from message ``thread_id`` (0: not known yet), whose id it takes. If it is
    there, and the reply has to be moved to it, only ``thread_id`` is set. ``posted``: it answers no question, code of
    the process asked for it; ``message_id`` stands for it then, and ``reply_to_id`` is the message that it is a reply
    to (0: none).
    """

    message_id: int
    author_id: int
    requested_at: int
    cause_position: int
    responder: str = ""
    asked_position: int = 0
    via: Via = Via.LIVE
    composed_position: int = 0
    sent_ids: tuple[int, ...] = ()
    attempts: int = 0
    retry_at: int = 0
    trigger_deleted: bool = False
    begun: bool = False
    surplus_ids: tuple[int, ...] = ()
    generation: int = 1
    plain: bool = False
    unreadable: bool = False
    finish: str = ""
    stopped: bool = False
    continues_position: int = 0
    opening: bool = False
    thread_id: int = 0
    own: bool = False
    posted: bool = False
    reply_to_id: int = 0

    @property
    def asked(self) -> bool:
        """Tell whether it answers a command, by editing the response that Discord holds for it."""
        return self.via in ASKED

    @property
    def here(self) -> bool:
        """Tell whether its question stands in its channel, as far as is known.

        In a thread that was opened for the answer it does not, and a plain reply may be one of those. A post answers no
        question: what it references may go.
        """
        return not (self.trigger_deleted or self.plain or self.posted)

    @property
    def reference_id(self) -> int:
        """Return the message that its parts are replies to, 0 for none."""
        return self.reply_to_id if self.posted else self.message_id

    @property
    def since_id(self) -> int:
        """Return the smallest id that one of its parts can have: this machine's clock may be ahead of Discord's."""
        return max(1, self.message_id - _AHEAD) if self.posted else self.message_id

    @property
    def composed(self) -> bool:
        """Tell whether its text is recorded."""
        return self.composed_position > 0

    @property
    def may_be_sent(self) -> bool:
        """Tell whether anything of it may have been sent."""
        return self.composed or self.begun

    @property
    def next_part(self) -> int | None:
        """Return the first part not known to be sent, or None when nothing is left to send."""
        return next((part for part, sent in enumerate(self.sent_ids) if not sent), None)

    @property
    def untouched(self) -> bool:
        """Tell whether no part is known to be sent."""
        return not any(self.sent_ids)

    @property
    def under_way(self) -> bool:
        """Tell whether a part of it is in Discord or may be shown there at any moment."""
        return self.begun or not self.untouched

    def goes_before(self, other: Pending) -> bool:
        """Tell whether it is sent before another entry, which has its place already."""
        if self.under_way or other.under_way:
            return not other.under_way
        return self.message_id < other.message_id

    @property
    def awaited(self) -> bool:
        """Tell whether it is composed anew, and nothing of that is shown yet: all messages of the reply are known."""
        return self.generation > 1 and not self.composed and all(self.sent_ids)

    @property
    def partly_shown(self) -> bool:
        """Tell whether messages may show some of the answer that is being written, and not of an earlier one alone."""
        return not (self.composed or self.untouched or self.awaited)

    def shown(self, part: int, sent_id: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return ``sent_ids`` and ``surplus_ids`` once a part is in Discord as message ``sent_id``.

        An unknown part can only belong to an answer that is being written.
        """
        ids, surplus = self.sent_ids, self.surplus_ids
        if self.begun and not self.composed:
            # An answer composed anew that is shown keeps a place for a further part.
            further = self.generation > 1 and not self.awaited
            ids += (0,) * (part + 1 + further - len(ids))
        if part < len(ids):
            return (*ids[:part], sent_id, *ids[part + 1 :]), surplus
        return ids, (*surplus, sent_id) if self.begun and sent_id not in surplus else surplus

    def begin(self) -> None:
        """Note that it is shown while it is written, from now on.

        An answer composed anew gets a place for a further part, so that not all of its messages are known any more.
        """
        if self.awaited:
            self.sent_ids += (0,)
        self.begun = True

    def fit(self, parts: int) -> None:
        """Set the number of parts to that of the answer; further messages become surplus."""
        ids = self.sent_ids
        self.sent_ids = ids[:parts] + (0,) * (parts - len(ids))
        if len(ids) > parts:
            self.surplus_ids += tuple(sent_id for sent_id in ids[parts:] if sent_id)


Outbox: TypeAlias = tuple[Pending, ...]
"""Entries under way come first, in the order in which they began; then those that wait, by message id."""

_fields = attrgetter(*Pending.__slots__)


def place_of(outbox: Outbox, message_id: int) -> int:
    """Return an entry's place, -1 if it is not in the outbox."""
    for at, entry in enumerate(outbox):
        if entry.message_id == message_id:
            return at
    return -1


def without(outbox: Outbox, message_id: int) -> Outbox:
    """Return the outbox without an entry."""
    at = place_of(outbox, message_id)
    return outbox if at < 0 else outbox[:at] + outbox[at + 1 :]


def placed(outbox: Outbox, entry: Pending) -> Outbox:
    """Return the outbox with ``entry`` moved to its place."""
    return inserted(without(outbox, entry.message_id), entry)


def inserted(others: Outbox, entry: Pending) -> Outbox:
    """Return the outbox ``others`` with a new entry at its place."""
    at = len(others)
    while at and entry.goes_before(others[at - 1]):
        at -= 1
    return (*others[:at], entry, *others[at:]) if others else (entry,)


def is_first(outbox: Outbox, message_id: int) -> bool:
    """Tell whether no other message's answer is sent before the one to ``message_id``."""
    first = next((entry for entry in outbox if not entry.asked), None)
    return first is None or first.message_id == message_id


def changeable(outbox: Outbox, message_id: int) -> tuple[Outbox, Pending | None]:
    """Return the outbox with an entry replaced by a copy, and the copy, for the caller to change."""
    at = place_of(outbox, message_id)
    if at < 0:
        return outbox, None
    own = Pending(*_fields(outbox[at]))
    return ((*outbox[:at], own, *outbox[at + 1 :]) if len(outbox) > 1 else (own,)), own
