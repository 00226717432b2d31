"""What a conversation may be asked to do, in the imperative.

Commands bring everything a decision needs that state does not hold: the time, what the settings say, what was looked
up. Times are microseconds since the epoch, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bot.core import events as e
from bot.core.window import Turn


@dataclass(slots=True)
class Receive:
    """Record a message and decide whether to answer it.

    ``call`` says what addressed it to the bot (None: nothing did), ``refusal`` why the settings or the limits forbid an
    answer, ``notice`` the responder that tells the person so (empty: nobody does), ``stale`` that it is older than an
    answer may come, ``room`` how many replies of the channel may be unfinished at a time. ``answer`` is the composed
    reply where it needed nothing but the question.
    """

    event: e.MessageReceived
    body: e.Body
    call: e.Call | None = None
    responder: str = ""
    refusal: e.SkipReason | None = None
    notice: str = ""
    stale: bool = False
    room: int = 1000
    answer: Compose | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Record new words of a message."""

    event: e.MessageEdited
    body: e.Body


@dataclass(frozen=True, slots=True)
class Delete:
    """Record that a message is gone, and let go of a reply that is not yet written."""

    message_id: int
    via: e.Via = e.Via.LIVE


@dataclass(frozen=True, slots=True)
class DeleteChannel:
    """Record that the channel is gone, and let go of every unfinished reply."""


class Spent(NamedTuple):
    """What a model took: tokens read and written, and millionths of a dollar (not ``priced``: nobody knows)."""

    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    priced: bool = True


NOTHING = Spent()


@dataclass(frozen=True, slots=True)
class Begin:
    """Record that a reply will be shown while it is written, before anything of it is sent."""

    message_id: int


@dataclass(frozen=True, slots=True)
class Complete:
    """Record that a reply that had begun is in Discord as it was composed."""

    message_id: int


@dataclass(frozen=True, slots=True)
class Compose:
    """Record the text of a reply; ``together`` are the messages it answers as well."""

    event: e.ReplyComposed
    body: e.Body
    together: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirm:
    """Record that a part of a reply is in Discord as message ``sent_id``."""

    message_id: int
    part: int
    sent_id: int
    proof: e.Proof
    generation: int = 1


@dataclass(frozen=True, slots=True)
class NoteForeign:
    """Record that the bot's own account answered a message without this log, and leave that answer alone."""

    message_id: int
    sent_id: int


@dataclass(frozen=True, slots=True)
class Delay:
    """Record that an attempt failed and when the next one comes; ``plain``: without a reference to the question."""

    message_id: int
    part: int
    reason: str
    attempt: int
    retry_at: int
    spent: Spent = NOTHING
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Abandon:
    """Record that what is left of a reply will not come."""

    message_id: int
    reason: e.AbandonReason
    detail: str = ""
    spent: Spent = NOTHING


@dataclass(frozen=True, slots=True)
class Retry:
    """Put an abandoned reply back into the outbox, or one that is to be composed anew."""

    event: e.ReplyRetried


class Remembered(NamedTuple):
    """What a rewind brings back of a state, its turns without what was deleted since."""

    window: tuple[Turn, ...] = ()
    persona_at: int = 0
    summary_at: int = 0
    summary_upto: int = 0


@dataclass(frozen=True, slots=True)
class Rewind:
    """Bring back what was known at version ``to``.

    ``next_undo`` is the version of the rewind or reset that an undo takes back from then on (None: this one).
    """

    by: str
    to: int
    then: Remembered
    next_undo: int | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """Take the rewind or reset at version ``undoes`` back, where it is the newest that still stands.

    ``before`` is what was known just before it, and ``after`` just after it; ``next_undo`` is the version of the one
    that an undo takes back from then on (0: none).
    """

    by: str
    undoes: int
    before: Remembered
    after: Remembered
    next_undo: int = 0


@dataclass(frozen=True, slots=True)
class Reset:
    """Empty the window."""

    by: str


@dataclass(frozen=True, slots=True)
class Summarise:
    """Record a summary, unless the window was rewound while it was written."""

    event: e.ConversationSummarised
    body: e.Body


@dataclass(frozen=True, slots=True)
class React:
    """Record that somebody reacted to a message of the bot, or took that back."""

    event: e.ReactionAdded | e.ReactionRemoved
    body: e.Body


@dataclass(frozen=True, slots=True)
class SetPersona:
    """Say who the bot is in this channel; an empty ``text`` says that nothing of its own holds here."""

    by: str
    text: str
    subject: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Record an event as it is, unless the state says so already."""

    event: e.PlainEvent


Command: TypeAlias = (
    Receive
    | Edit
    | Delete
    | DeleteChannel
    | Begin
    | Compose
    | Complete
    | Confirm
    | NoteForeign
    | Delay
    | Abandon
    | Retry
    | Rewind
    | Undo
    | Reset
    | SetPersona
    | Summarise
    | React
    | Record
)
