"""What comes next for a reply: the part of delivery that needs no Discord, no clock and no log. Pure.

A reply is *certain* while this process knows that its unsent parts are not in Discord: it was requested just now, or a
look has just not found them. Once a send begins it is not, until the outcome is recorded; after a restart none is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import TypeAlias

from bot.core.conversation import Conversation
from bot.core.events import AbandonReason
from bot.core.outbox import Outbox, Pending
from bot.core.parts import split

TOKEN_MICROSECONDS = (14 * 60 + 45) * 1_000_000
"""How long a command may be answered: Discord's fifteen minutes, less what a request takes."""
CUT = "\n-# The answer is longer than one message: this is its beginning."


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often a reply is tried, and how long messages in a row are collected; times in microseconds."""

    max_age: int
    max_attempts: int
    together: int = 0


@dataclass(frozen=True, slots=True)
class LookFirst:
    """Look into the channel's history for what may be there already."""


@dataclass(frozen=True, slots=True)
class WriteText:
    """Ask the responder and record what it says."""


@dataclass(frozen=True, slots=True)
class SendPart:
    """Send part ``part``."""

    part: int


@dataclass(frozen=True, slots=True)
class EditPart:
    """Let message ``sent_id`` say what part ``part`` says: it may still show the answer as it was being written."""

    part: int
    sent_id: int


@dataclass(frozen=True, slots=True)
class RemovePart:
    """Delete message ``sent_id``, which the answer turned out not to need."""

    sent_id: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Record that everything shows what was composed."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Record that the rest will not come."""

    reason: AbandonReason


Step: TypeAlias = LookFirst | WriteText | SendPart | EditPart | RemovePart | Finish | GiveUp


def next_in_line(outbox: Outbox, certain: Collection[int]) -> Pending:
    """Return the reply of an outbox to go on with; ``certain`` are the ids of those of which nothing unknown is there.

    See :mod:`bot.core.outbox` for the order. What was composed and may have been sent is looked for before anything
    else begins: only then it is known whether it is under way.
    """
    first = outbox[0]
    if first.under_way:
        return first
    return next(
        (entry for entry in outbox if entry.composed and not entry.asked and entry.message_id not in certain), first
    )


def still_next(outbox: Outbox, entry: Pending, certain: Collection[int]) -> bool:
    """Tell whether nothing that was recorded meanwhile goes before a reply that is about to be sent."""
    return bool(outbox) and next_in_line(outbox, {*certain, entry.message_id}).message_id == entry.message_id


def next_step(entry: Pending, *, certain: bool, now: int, patience: Patience, settled: Collection[int] = ()) -> Step:
    """Return what to do next about an unfinished reply; ``now`` in microseconds since the epoch.

    ``settled`` are the ids of messages that are known to show what was composed, or to be gone where nothing was.
    The answer to a command is written into the response that the process which took it holds: nobody else can, and
    there is nothing to look for.
    """
    if entry.asked and not certain:
        return GiveUp(AbandonReason.UNKNOWN_FATE if entry.composed else AbandonReason.EXPIRED)
    if not certain:
        return LookFirst()
    reason = _given_up(entry, now, patience)
    if reason is not None:
        return GiveUp(reason)
    if not entry.composed:
        return WriteText()
    for part, sent_id in enumerate(entry.sent_ids):
        if not sent_id:
            return SendPart(part)
        if entry.begun and sent_id not in settled:
            return EditPart(part, sent_id)
    left = next((sent_id for sent_id in entry.surplus if sent_id not in settled), None)
    return Finish() if left is None else RemovePart(left)


def in_a_row(state: Conversation, entry: Pending) -> tuple[Pending, ...]:
    """Return ``entry`` and the replies right behind it in the outbox that the same person waits for.

    Each command has a response of its own to be answered by.
    """
    if entry.asked or entry.begun:
        return (entry,)
    waiting = dropwhile(lambda other: other.message_id != entry.message_id, state.outbox)
    return tuple(
        takewhile(
            lambda other: (
                other.author_id == entry.author_id
                and other.responder == entry.responder
                and not (other.composed or other.asked or other.begun)
            ),
            waiting,
        )
    )


def collecting(entries: Sequence[Pending], now: int, patience: Patience) -> int:
    """Return the microseconds for which more messages of this person are waited for.

    Each new one starts the time again, but nobody waits longer than five times the setting.
    """
    # A catch-up requests the answer to an earlier message later.
    requested = [entry.requested_at for entry in entries]
    quiet_at = max(requested) + patience.together
    latest = min(requested) + 5 * patience.together
    # A clock set back must not make it longer.
    return min(quiet_at - now, latest - now, patience.together)


def in_one_part(text: str) -> tuple[str, ...]:
    """Return a text as the one message that may answer a command, cut with a note where it is longer.

    A follow-up carries no nonce, so nobody could tell after a failure whether it is there (docs/discord-facts.md, 1.4).
    """
    parts = split(text)
    return parts if len(parts) < 2 else (f"{split(text, 2000 - len(CUT))[0].rstrip()}{CUT}",)  # noqa: PLR2004


def _given_up(entry: Pending, now: int, patience: Patience) -> AbandonReason | None:
    if entry.attempts >= patience.max_attempts:
        return AbandonReason.GAVE_UP
    if not entry.untouched:
        return None
    if entry.trigger_deleted:
        return AbandonReason.TRIGGER_DELETED
    max_age = min(patience.max_age, TOKEN_MICROSECONDS) if entry.asked else patience.max_age
    return AbandonReason.EXPIRED if now - entry.requested_at > max_age else None
