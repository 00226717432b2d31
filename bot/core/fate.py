"""What became of a reply in Discord, by what a send came to and by what a look found. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.core.addressing import Nonce
from bot.core.commands import Abandon, Confirm, Delay, NoteForeign
from bot.core.conversation import Conversation
from bot.core.events import AbandonReason, Proof
from bot.core.outbox import Outbox, Pending

NONCE_MICROSECONDS = 60 * 1_000_000
"""How long Discord surely remembers a nonce: it documents "a few minutes" (docs/discord-facts.md, 1.1)."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The part is in Discord, as message ``message_id``; ``text`` is what that shows, as far as Discord told.

    Where a nonce was used before, that is the text of then.
    """

    message_id: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Discord will never take it."""

    reason: AbandonReason
    detail: str


@dataclass(frozen=True, slots=True)
class Unreferenced:
    """Discord did not take it because of its reference; it may take it without."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """It was certainly not sent; ``after`` seconds may pass before the next attempt (None: the caller chooses)."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Overtaken:
    """It waited for its turn and was not sent: something else of its channel goes first now."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have been sent: nobody can tell without looking; ``after`` as in :class:`NotYet`."""

    reason: str
    after: float | None = None


Outcome: TypeAlias = Sent | Refused | Unreferenced | NotYet | Overtaken | Unknown


@dataclass(frozen=True, slots=True)
class Sighting:
    """A message that the bot's own account sent; ``reply_to`` is None where it references nothing."""

    message_id: int
    reply_to: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Look:
    """What a look into a channel's history found: the bot's own messages, oldest first, and the ids of all.

    ``readable`` is False where it may not be read.
    """

    sightings: tuple[Sighting, ...]
    present: frozenset[int] = frozenset()
    readable: bool = True


Finding: TypeAlias = Confirm | NoteForeign | Abandon | Delay | NotYet | Unknown
"""What is recorded: a command's facts, or that an attempt failed and another one follows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows: the ``findings`` are recorded in their order.

    ``certain``: nothing else of the reply is in Discord (see :mod:`bot.core.delivery`); ``shown`` is what messages are
    known to show, by their ids.
    """

    findings: tuple[Finding, ...] = ()
    certain: bool = False
    shown: Mapping[int, str] = field(default_factory=dict)


def judge_send(entry: Pending, part: int, text: str, outcome: Outcome) -> Verdict:
    """Judge how the send of a part ended."""
    message_id = entry.message_id
    match outcome:
        case Sent(sent_id) if sent_id in entry.sent_ids:
            # Its nonce was used for what a look took for another part, since somebody deleted one before it.
            return Verdict((taken_for_another(message_id),))
        case Sent(sent_id, seen):
            sent = Confirm(message_id, part, sent_id, Proof.RESPONSE, entry.generation)
            return Verdict((sent,), certain=True, shown={sent_id: text if seen is None else seen})
        case Refused(reason, detail):
            return Verdict((Abandon(message_id, reason, detail),))
        case Unreferenced(reason):
            # Before it is sent without a reference: later looks go by that.
            delay = Delay(message_id, entry.next_part or 0, reason, entry.attempts, entry.retry_at, plain=True)
            return Verdict((delay,), certain=True)
        case Overtaken():
            return Verdict(certain=True)
        case NotYet() | Unknown():
            return Verdict((outcome,), certain=isinstance(outcome, NotYet))


def judge_shown(entry: Pending, part: int, text: str, outcome: Outcome) -> Verdict:
    """Judge how a send ended whose answer is still being written: until it is, only what is there is recorded."""
    verdict = judge_send(entry, part, text, outcome)
    there = tuple(finding for finding in verdict.findings if isinstance(finding, Confirm | Delay))
    return Verdict(there, verdict.certain or isinstance(outcome, Refused), verdict.shown)


def judge_edit(entry: Pending, sent_id: int, text: str, outcome: Outcome) -> Verdict:
    """Judge how it ended to have a message show ``text``, or be gone where that is empty: neither harms twice."""
    return Verdict(shown={sent_id: text}) if isinstance(outcome, Sent) else judge_send(entry, 0, text, outcome)


def taken_for_another(message_id: int) -> Abandon:
    """Return what gives a reply up whose part counts as another one: it would be sent again and again."""
    return Abandon(message_id, AbandonReason.GONE_AFTER_SEND, "taken for another part")


def judge_unrecorded(entry: Pending | None, command: Confirm) -> Abandon | None:
    """Judge a part of which nothing was recorded: as a rule it was known, but not where the reply still lacks it."""
    lacks = entry is not None and command.part < len(entry.sent_ids) and not entry.sent_ids[command.part]
    return taken_for_another(command.message_id) if lacks else None


def judge_echo(entry: Pending, sent_id: int, about: Nonce | None) -> Confirm | None:
    """Judge a message of the bot about a reply that may be sent at present; ``about`` is what its nonce says.

    Without a nonce (a history) the part can't be told here: the look before a repeat finds it.
    """
    if about is None or not (entry.begun or about.part < len(entry.sent_ids)):
        return None
    return Confirm(entry.message_id, about.part, sent_id, Proof.ECHO, about.generation)


def doubtful(outbox: Outbox, certain: Collection[int]) -> list[Pending]:
    """Return the replies that one look is for: of each of them nobody knows what is in Discord."""
    return [entry for entry in outbox if entry.message_id not in certain and not (entry.asked or entry.awaited)]


def judge_look(state: Conversation, entry: Pending, texts: Sequence[str], look: Look, now: int) -> Verdict:
    """Judge a reply of unknown fate by a look; ``texts`` are its parts, ``now`` microseconds since the epoch."""
    message_id = entry.message_id
    if not entry.may_be_sent:
        answers = (seen.message_id for seen in look.sightings if seen.reply_to == message_id)
        return Verdict(tuple(NoteForeign(message_id, sent_id) for sent_id in answers)[:1], certain=True)
    complete = entry.composed and entry.next_part is None
    if not look.readable and not complete:
        holds = nonce_holds(entry, now)
        return Verdict(() if holds else (Abandon(message_id, AbandonReason.UNKNOWN_FATE),), certain=holds)
    there = message_id in look.present
    found = found_parts(entry, texts, look.sightings, trigger_there=there, taken=parts_of_others(state, entry))
    if entry.begun and not (there or complete or found):
        # One that was sent after its trigger was deleted shows no reference, and nobody knows how far it had come.
        return Verdict((Abandon(message_id, AbandonReason.TRIGGER_DELETED),))
    shown = {seen.message_id: seen.text for seen in look.sightings} if entry.begun else {}
    confirmed = (Confirm(message_id, part, sent_id, Proof.HISTORY, entry.generation) for part, sent_id in found.items())
    return Verdict(tuple(confirmed), certain=True, shown=shown)


def found_parts(
    entry: Pending, texts: Sequence[str], sightings: Sequence[Sighting], *, trigger_there: bool, taken: Collection[int]
) -> Mapping[int, int]:
    """Return for each part of ``entry`` found in Discord, and not known to be sent, its message id.

    Parts are sent in order and each references the trigger, so the n-th unknown message that references it is the n-th
    unsent part. A message without a reference, because the trigger was deleted first or Discord refused it, is known by
    its text; other replies may have the same text, so it counts only where the trigger is gone or the log says that the
    reply goes on without, and only once (``taken``: ids of messages known as parts of other replies). Of an answer that
    was shown while it was written nobody knows how many parts there are, and ``texts`` may be empty.
    """
    known = {*entry.sent_ids, *entry.surplus, *taken}
    unsent = [part for part, sent in enumerate(entry.sent_ids) if not sent]
    if entry.begun:
        unsent += range(len(entry.sent_ids), len(entry.sent_ids) + len(sightings))
    referencing = [seen for seen in sightings if seen.reply_to == entry.message_id and seen.message_id not in known]
    found = {part: seen.message_id for part, seen in zip(unsent, referencing, strict=False)}
    loose = () if trigger_there and not entry.plain else (seen for seen in sightings if seen.reply_to is None)
    for seen in loose:
        if seen.message_id > entry.message_id and seen.message_id not in known:
            missing = (part for part in unsent if part not in found and part < len(texts))
            part = next((part for part in missing if same(texts[part], seen.text)), None)
            if part is not None:
                found[part] = seen.message_id
    return found


def nonce_holds(entry: Pending, now: int) -> bool:
    """Tell whether a plain reply may be sent once more where nobody can look for it: its nonce alone keeps it single.

    That takes a recorded text, since Discord returns what it knows of the nonce whatever is sent under it, and a
    request so young that no send of it can be older than the nonces that Discord remembers.
    """
    return entry.plain and entry.composed and 0 <= now - entry.requested_at < NONCE_MICROSECONDS


def parts_of_others(state: Conversation, entry: Pending) -> frozenset[int]:
    """Return the ids of the window's messages that are parts of other replies; a reply's turn has no author's id."""
    return frozenset(
        turn.message_id for turn in state.window if not turn.author_id and turn.position != entry.composed_at
    )


def same(sent: str, seen: str) -> bool:
    """Tell whether a text shows as another: Discord strips white space around a message."""
    return sent.strip() == seen.strip()
