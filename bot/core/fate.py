"""What happened to a reply in Discord, judged by the result of a send and by what a look found. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.core.addressing import Nonce
from bot.core.beginning import ALWAYS, FROM_BEFORE, Beginning
from bot.core.buttons import ButtonId, Row
from bot.core.commands import Abandon, Confirm, Delay, Delete, NoteForeign
from bot.core.conversation import Conversation
from bot.core.events import AbandonReason, Button, Proof, Role, Via
from bot.core.outbox import Outbox, Pending
from bot.times import MINUTE

NONCE_MICROSECONDS = MINUTE
"""How long Discord surely remembers a nonce: it documents "a few minutes" (docs/discord-facts.md, 1.1)."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The part is in Discord as message ``message_id``, which shows ``text`` (None: unknown) and under it ``row``.

    If the nonce was used before, that is what the earlier send shows.
    """

    message_id: int
    text: str | None = None
    row: Row = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Discord refused the part for good."""

    reason: AbandonReason
    detail: str


@dataclass(frozen=True, slots=True)
class Unreferenced:
    """Discord refused the part because of its reference; it may take it without one."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """The part was certainly not sent; the next attempt comes after ``after_seconds`` (None: the caller chooses)."""

    reason: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The part waited and was not sent, because another reply of its channel has to go first now."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The part may have been sent; only a look can tell. ``after_seconds`` is as in :class:`NotYet`."""

    reason: str
    after_seconds: float | None = None


Outcome: TypeAlias = Sent | Refused | Unreferenced | NotYet | Overtaken | Unknown


@dataclass(frozen=True, slots=True)
class Sighting:
    """A message of the bot's account; ``reply_to`` is None when it references no message, ``row`` are its buttons."""

    message_id: int
    reply_to: int | None
    text: str
    row: Row = ()


@dataclass(frozen=True, slots=True)
class Look:
    """The result of a look into a channel's history: the bot's messages, oldest first, and the ids of all messages.

    ``readable`` is False when the history could not be read completely.
    """

    sightings: tuple[Sighting, ...]
    present: frozenset[int] = frozenset()
    readable: bool = True


Finding: TypeAlias = Confirm | NoteForeign | Abandon | Delay | Delete | NotYet | Unknown
"""A finding to record: a command, or a failed attempt after which another one follows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The conclusion: ``findings`` are recorded in their order.

    ``certain``: nothing else of the reply is in Discord (see :mod:`bot.core.delivery`). ``shown`` holds the texts that
    messages are known to show, by their ids, and ``rows`` their buttons, where they have any.
    """

    findings: tuple[Finding, ...] = ()
    certain: bool = False
    shown: Mapping[int, str] = field(default_factory=dict)
    rows: Mapping[int, Row] = field(default_factory=dict)


def judge_send(entry: Pending, part: int, text: str, outcome: Outcome, row: Row = ()) -> Verdict:
    """Judge the outcome of the send of a part with a row of buttons."""
    message_id = entry.message_id
    match outcome:
        case Sent(sent_id) if sent_id in entry.sent_ids:
            # A look took the message of this nonce for another part, because somebody had deleted one before it.
            return Verdict((taken_for_another(message_id),))
        case Sent(sent_id, seen, seen_row):
            sent = Confirm(message_id, part, sent_id, Proof.RESPONSE, entry.generation)
            shown = (text, row) if seen is None else (seen, seen_row)
            return Verdict((sent,), certain=True, shown={sent_id: shown[0]}, rows=_rows({sent_id: shown[1]}))
        case Refused(reason, detail):
            return Verdict((Abandon(message_id, reason, detail),))
        case Unreferenced(reason):
            # Record this before the send without a reference, because later looks depend on it.
            delay = Delay(message_id, entry.next_part or 0, reason, entry.attempts, entry.retry_at, plain=True)
            return Verdict((delay,), certain=True)
        case Overtaken():
            return Verdict(certain=True)
        case NotYet() | Unknown():
            return Verdict((outcome,), certain=isinstance(outcome, NotYet))


def judge_shown(entry: Pending, part: int, text: str, outcome: Outcome, row: Row = ()) -> Verdict:
    """Judge the outcome of a send while the answer is still written; only a part that is in Discord is recorded."""
    verdict = judge_send(entry, part, text, outcome, row)
    there = tuple(finding for finding in verdict.findings if isinstance(finding, Confirm | Delay))
    return Verdict(there, verdict.certain or isinstance(outcome, Refused), verdict.shown, verdict.rows)


def judge_edit(entry: Pending, sent_id: int, text: str, outcome: Outcome, row: Row = ()) -> Verdict:
    """Judge the outcome of an edit to ``text`` and ``row``, or of a deletion if that is empty. Both can be repeated."""
    if isinstance(outcome, Sent):
        return Verdict(shown={sent_id: text}, rows=_rows({sent_id: row}))
    return judge_send(entry, 0, text, outcome)


def taken_for_another(message_id: int) -> Abandon:
    """Return the command that gives up a reply whose part counts as another one; it would be sent for ever."""
    return Abandon(message_id, AbandonReason.GONE_AFTER_SEND, "taken for another part")


def judge_unrecorded(entry: Pending | None, command: Confirm) -> Abandon | None:
    """Judge a confirmation that recorded nothing. Usually the part was known; if the reply still lacks it, give up."""
    lacks = entry is not None and command.part < len(entry.sent_ids) and not entry.sent_ids[command.part]
    return taken_for_another(command.message_id) if lacks else None


def judge_echo(entry: Pending, sent_id: int, about: Nonce | None) -> Confirm | None:
    """Judge a message of the bot that belongs to a pending reply; ``about`` is the content of its nonce.

    A history has no nonces, so the part is unknown here. The look before the next send finds it.
    """
    if about is None or not (entry.begun or about.part < len(entry.sent_ids)):
        return None
    return Confirm(entry.message_id, about.part, sent_id, Proof.ECHO, about.generation)


def doubtful(outbox: Outbox, certain: Collection[int]) -> list[Pending]:
    """Return the replies of unknown fate, which one look serves."""
    return [entry for entry in outbox if entry.message_id not in certain and not (entry.asked or entry.awaited)]


def judge_look(
    state: Conversation, entry: Pending, texts: Sequence[str], look: Look, now: int, beginning: Beginning = ALWAYS
) -> Verdict:
    """Judge a reply of unknown fate by a look; ``texts`` are its parts, ``now`` microseconds since the epoch."""
    message_id = entry.message_id
    left = beginning.is_after(entry) and (beginning.restored or _was_here_before(beginning, state, look))
    if not entry.may_be_sent:
        answers = _answers_to(state, entry, look)
        foreign = tuple(NoteForeign(message_id, sent_id) for sent_id in answers)[:1]
        if left:
            return Verdict(foreign or (_from_before(entry),))
        return Verdict(foreign or _deletion(entry, look), certain=True)
    complete = entry.composed and entry.next_part is None
    if not look.readable and not complete:
        holds = nonce_holds(entry, now) and not left
        return Verdict(() if holds else (Abandon(message_id, AbandonReason.UNKNOWN_FATE),), certain=holds)
    there = entry.reference_id in look.present
    found = found_parts(entry, texts, look.sightings, trigger_there=there, taken=parts_of_others(state, entry))
    confirmed = tuple(
        Confirm(message_id, part, sent_id, Proof.HISTORY, entry.generation) for part, sent_id in found.items()
    )
    if left:
        ends = not entry.begun and all(sent or part in found for part, sent in enumerate(entry.sent_ids))
        return Verdict(confirmed if ends else (*confirmed, _from_before(entry)))
    # Once the deletion is recorded, the parts that are known are deleted, as if the gateway had told of it.
    seen = look.sightings if entry.begun else ()
    shown, rows = {each.message_id: each.text for each in seen}, {each.message_id: each.row for each in seen}
    return Verdict((*confirmed, *_deletion(entry, look)), certain=True, shown=shown, rows=_rows(rows))


def _deletion(entry: Pending, look: Look) -> tuple[Delete, ...]:
    """Return the deletion of a question that a channel's history lacks: nobody told of it while the bot was away."""
    gone = look.readable and entry.here and entry.message_id not in look.present
    return (Delete(entry.message_id, Via.AUDIT),) if gone else ()


def _rows(rows: Mapping[int, Row]) -> Mapping[int, Row]:
    """Return the rows that have buttons."""
    return {message_id: row for message_id, row in rows.items() if row}


def _answers_to(state: Conversation, entry: Pending, look: Look) -> Iterator[int]:
    """Yield the messages of the bot's account that answer a message for which this log sent nothing.

    In a thread that was opened for the answer nothing references the question, and whatever the bot says there answers.
    """
    others = parts_of_others(state, entry) if entry.plain else ()
    for seen in look.sightings:
        if seen.reply_to == entry.message_id or (entry.plain and seen.message_id not in others):
            yield seen.message_id


def _was_here_before(beginning: Beginning, state: Conversation, look: Look) -> bool:
    """Tell whether a channel shows that the bot wrote there before the log began."""
    own = [seen.message_id for seen in look.sightings]
    own += [turn.message_id for turn in state.window if turn.role is Role.BOT]
    return any(message_id < beginning.first_id for message_id in own)


def _from_before(entry: Pending) -> Abandon:
    return Abandon(entry.message_id, AbandonReason.UNKNOWN_FATE, FROM_BEFORE)


def found_parts(
    entry: Pending, texts: Sequence[str], sightings: Sequence[Sighting], *, trigger_there: bool, taken: Collection[int]
) -> Mapping[int, int]:
    """Return the message id of each part of ``entry`` that is in Discord and not known to be sent.

    Parts are sent in order and each references the trigger, so the n-th unknown message that references it is the n-th
    unsent part. A message has no reference if the trigger was deleted first or if Discord refused the reference; then
    it is recognized by its text or, if it was sent while the answer was written, by the button that stops the writing.
    Other replies may have the same text. So this counts only if the trigger is gone or the log says that the reply goes
    on without a reference, and each message counts once (``taken``: ids of messages that are parts of other replies).
    The number of parts of an answer that was shown while it was written is not known, and ``texts`` may be empty. A
    message may have several posts as replies, and others of the bot's own code, so that those are recognized by their
    texts alone.
    """
    known = {*entry.sent_ids, *entry.surplus_ids, *taken}
    unsent = [part for part, sent in enumerate(entry.sent_ids) if not sent]
    if entry.begun:
        unsent += range(len(entry.sent_ids), len(entry.sent_ids) + len(sightings))
    referencing = [seen for seen in sightings if _references(seen, entry) and seen.message_id not in known]
    found: dict[int, int] = {}
    loose: Iterable[Sighting] = [seen for seen in sightings if seen.reply_to is None]
    if entry.posted:
        loose = sorted((*referencing, *loose), key=lambda seen: seen.message_id)
    else:
        found |= {part: seen.message_id for part, seen in zip(unsent, referencing, strict=False)}
        loose = () if trigger_there and not entry.plain else loose
    for seen in loose:
        if seen.message_id > entry.since_id and seen.message_id not in (*known, *found.values()):
            missing = (part for part in unsent if part not in found and part < len(texts))
            part = next((part for part in missing if same(texts[part], seen.text)), None)
            if part is not None:
                found[part] = seen.message_id
    return found


def _references(seen: Sighting, entry: Pending) -> bool:
    """Tell whether a message references the question of a reply, or has the button that stops the reply's writing."""
    stop = ButtonId(Button.STOP, entry.message_id, entry.generation)
    return seen.reply_to == entry.reference_id or (entry.plain and stop in seen.row)


def nonce_holds(entry: Pending, now: int) -> bool:
    """Tell whether a plain reply that can't be looked for may be sent again, because its nonce keeps it single.

    That needs a recorded text, because Discord returns the first message of a nonce whatever the text is. And it needs
    a request so young that Discord still remembers the nonce of each of its sends (docs/discord-facts.md, 1.1).
    """
    return entry.plain and entry.composed and 0 <= now - entry.requested_at < NONCE_MICROSECONDS


def parts_of_others(state: Conversation, entry: Pending) -> frozenset[int]:
    """Return the ids of the messages in the window that are parts of other replies (turns without an author's id)."""
    return frozenset(
        turn.message_id for turn in state.window if not turn.author_id and turn.position != entry.composed_position
    )


def same(sent: str, seen: str) -> bool:
    """Tell whether two texts look the same in Discord, which strips white space around a message."""
    return sent.strip() == seen.strip()
