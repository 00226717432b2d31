"""The next step of a reply: the part of delivery that needs no Discord, no clock and no log. Pure.

A reply is *certain* while this process knows that its unsent parts are not in Discord: it was requested just now, or a
look did not find them. From the beginning of a send until the outcome is recorded, it is not certain. After a restart
no reply is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import TypeAlias

from bot.core.conversation import Conversation
from bot.core.events import EVENT_UNREADABLE, AbandonReason
from bot.core.outbox import Outbox, Pending
from bot.core.parts import split
from bot.times import MINUTE, SECOND

TOKEN_MICROSECONDS = 14 * MINUTE + 45 * SECOND
"""How long a command can be answered: Discord's fifteen minutes, minus the time of a request."""
CUT = "\n-# The answer is longer than one message: this is its beginning."


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often a reply is tried, and how long consecutive messages are collected."""

    max_age_us: int
    max_attempts: int
    together_us: int = 0


@dataclass(frozen=True, slots=True)
class LookFirst:
    """Look into the channel's history for parts that may be there already."""


@dataclass(frozen=True, slots=True)
class WriteText:
    """Ask the responder and record its answer."""


@dataclass(frozen=True, slots=True)
class TakeShown:
    """Record what Discord shows of an answer as the answer, because its writing was stopped."""


@dataclass(frozen=True, slots=True)
class OpenThread:
    """Open the thread in which the answer is to stand."""


@dataclass(frozen=True, slots=True)
class MoveToThread:
    """Hand the reply over to its thread."""


@dataclass(frozen=True, slots=True)
class SendPart:
    """Send part ``part``."""

    part: int


@dataclass(frozen=True, slots=True)
class EditPart:
    """Edit message ``sent_id`` to the text of part ``part``; it may still show an earlier state of the answer."""

    part: int
    sent_id: int


@dataclass(frozen=True, slots=True)
class RemovePart:
    """Delete message ``sent_id``, which the complete answer does not need, or whose question was deleted."""

    sent_id: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Record that all messages show what was composed."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Record that the rest will not come."""

    reason: AbandonReason
    detail: str = ""


Step: TypeAlias = (
    LookFirst | OpenThread | MoveToThread | WriteText | TakeShown | SendPart | EditPart | RemovePart | Finish | GiveUp
)


def next_in_line(outbox: Outbox, certain: Collection[int]) -> Pending:
    """Return the reply of an outbox to go on with; ``certain`` are the ids of the certain replies.

    See :mod:`bot.core.outbox` for the order. A composed reply that may have been sent comes before others that are not
    under way, because only a look can tell whether it is.
    """
    first = outbox[0]
    if first.under_way:
        return first
    return next(
        (entry for entry in outbox if entry.composed and not entry.asked and entry.message_id not in certain), first
    )


def still_next(outbox: Outbox, entry: Pending, certain: Collection[int]) -> bool:
    """Tell whether a reply that is about to be sent is still next, after what was recorded meanwhile."""
    return bool(outbox) and next_in_line(outbox, {*certain, entry.message_id}).message_id == entry.message_id


def next_step(entry: Pending, *, certain: bool, now: int, patience: Patience, settled: Collection[int] = ()) -> Step:
    """Return the next step of an unfinished reply; ``now`` is in microseconds since the epoch.

    ``settled`` are the ids of messages that are known to show what was composed, or to be deleted if they have to go:
    surplus ones, and all of an answer whose question is deleted. The answer to a command goes into its response, which
    only the process that took the command can edit. So there is nothing to look for. But the thread for such an answer
    any process can open, once its first message is known.
    """
    if entry.unreadable:
        return GiveUp(AbandonReason.UNKNOWN_FATE, EVENT_UNREADABLE)
    if entry.thread_id and not entry.opening:
        return MoveToThread()
    if entry.asked and not (certain or entry.thread_id):
        return GiveUp(AbandonReason.UNKNOWN_FATE if entry.composed else AbandonReason.EXPIRED)
    if not (certain or entry.asked):
        return LookFirst()
    reason = _given_up(entry, now, patience)
    if reason is not None:
        return GiveUp(reason)
    if entry.trigger_deleted:
        return _removed(entry, settled)
    if entry.opening:
        return OpenThread()
    if not entry.composed:
        return TakeShown() if entry.stopped else WriteText()
    return _delivered(entry, settled)


def _delivered(entry: Pending, settled: Collection[int]) -> Step:
    """Return the next step of a reply whose text is composed."""
    for part, sent_id in enumerate(entry.sent_ids):
        if not sent_id:
            return SendPart(part)
        if entry.begun and sent_id not in settled:
            return EditPart(part, sent_id)
    left = next((sent_id for sent_id in entry.surplus_ids if sent_id not in settled), None)
    return Finish() if left is None else RemovePart(left)


def _removed(entry: Pending, settled: Collection[int]) -> Step:
    """Return the next step of a reply whose question is deleted. An earlier answer, which was complete, stays."""
    there = (*entry.sent_ids, *entry.surplus_ids) if entry.generation == 1 or entry.partly_shown else ()
    left = next((sent_id for sent_id in there if sent_id and sent_id not in settled), None)
    return GiveUp(AbandonReason.TRIGGER_DELETED) if left is None else RemovePart(left)


def in_a_row(state: Conversation, entry: Pending) -> tuple[Pending, ...]:
    """Return ``entry`` and the replies right behind it in the outbox that are for the same person.

    Commands are left out: each has a response of its own.
    """
    if entry.asked or entry.begun:
        return (entry,)
    waiting = dropwhile(lambda other: other.message_id != entry.message_id, state.outbox)
    return tuple(
        takewhile(
            lambda other: (
                other.author_id == entry.author_id
                and other.responder == entry.responder
                and not (other.composed or other.asked or other.begun or other.opening)
            ),
            waiting,
        )
    )


def collecting(entries: Sequence[Pending], now: int, patience: Patience) -> int:
    """Return the microseconds to wait for more messages of this person.

    Each new message starts the time again, up to five times the setting in all.
    """
    # A catch-up may request the answer to an older message later.
    requested = [entry.requested_at for entry in entries]
    quiet_at = max(requested) + patience.together_us
    latest_at = min(requested) + 5 * patience.together_us
    # A clock that was set back must not make the wait longer.
    return min(quiet_at - now, latest_at - now, patience.together_us)


def in_one_part(text: str, limit: int = 2000) -> tuple[str, ...]:
    """Return a text as the single message that answers a command; a text over ``limit`` units is cut, with a note.

    A follow-up carries no nonce, so nobody could tell after a failure whether it is there (docs/discord-facts.md, 1.4).
    """
    parts = split(text, limit)
    return parts if len(parts) < 2 else (f"{split(text, limit - len(CUT))[0].rstrip()}{CUT}",)  # noqa: PLR2004


def _given_up(entry: Pending, now: int, patience: Patience) -> AbandonReason | None:
    if entry.attempts >= patience.max_attempts:
        return AbandonReason.GAVE_UP
    if not entry.untouched:
        return None
    if entry.trigger_deleted:
        return AbandonReason.TRIGGER_DELETED
    max_age_us = min(patience.max_age_us, TOKEN_MICROSECONDS) if entry.asked else patience.max_age_us
    return AbandonReason.EXPIRED if now - entry.requested_at > max_age_us else None
