"""The commands to a conversation, in the imperative.

A command holds everything that its decision needs and the state does not have: the time, values from settings, results
of look-ups. Times are microseconds since the epoch, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bot.core import events as e
from bot.core.place_settings import PlaceSetting
from bot.core.window import Turn


@dataclass(slots=True)
class Receive:
    """Record a message and decide whether to answer it.

    ``body`` is None if its author opted out. ``call`` is what addressed it to the bot (None: nothing did). ``refusal``
    is the reason for which settings or limits forbid an answer, and ``notice`` the responder that tells the person so
    ("": none does). ``stale``: it is too old for an answer. ``room`` is how many replies of the channel may be
    unfinished at once, ``bots`` how many answers bots get there in a row. ``answer`` is the composed reply if it needed
    only the question. ``original_id`` is the unanswered message that this one, a proxy's copy, replaces (0: none).
    ``thread``: the answer is to stand in a thread of its own.
    """

    event: e.MessageReceived
    body: e.Body | None
    call: e.Call | None = None
    responder: str = ""
    refusal: e.SkipReason | None = None
    notice: str = ""
    stale: bool = False
    room: int = 1000
    bots: int = 3
    answer: Compose | None = None
    original_id: int = 0
    thread: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """Record new words of a message, or what it shows now; ``body`` is None if its author opted out.

    ``asks`` is the message as if it were received now, if these words address it to the bot and those before did not.
    """

    event: e.MessageEdited | e.MessagePreviewed
    body: e.Body | None
    asks: Receive | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Record that a message was deleted, and give up its reply if that is not written yet."""

    message_id: int
    via: e.Via = e.Via.LIVE


@dataclass(frozen=True, slots=True)
class DeleteChannel:
    """Record that the channel was deleted, and give up all unfinished replies."""


class Spent(NamedTuple):
    """The usage of a model: tokens read and written, and cost in millionths of a dollar (unknown if not ``priced``)."""

    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    priced: bool = True


NOTHING = Spent()


@dataclass(frozen=True, slots=True)
class Begin:
    """Record that a reply will be shown while it is written. This comes before any of its parts is sent."""

    message_id: int


@dataclass(frozen=True, slots=True)
class NoteThread:
    """Record how far a reply has come on its way to a thread, unless it has come further."""

    event: e.ThreadIntended | e.ThreadOpened | e.ThreadRefused | e.ReplyMoved


@dataclass(frozen=True, slots=True)
class BeginThread:
    """Record in a thread that it was opened for an answer, which is requested there; both once.

    ``asked_position`` is that of the question's words.
    """

    request: e.ReplyRequested
    event: e.ThreadBegun
    asked_position: int


@dataclass(frozen=True, slots=True)
class Complete:
    """Record that Discord shows all of a reply that was shown while it was written."""

    message_id: int


@dataclass(frozen=True, slots=True)
class Compose:
    """Record the text of a reply; ``together_ids`` are further messages that it answers."""

    event: e.ReplyComposed
    body: e.Body
    together_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UseTool:
    """Record the call of a tool before it is made, or what became of one; ``cause_position`` is that of the call."""

    event: e.ToolCalled | e.ToolReturned
    body: e.Body
    cause_position: int | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """Have a message posted that code of the process asks for, unless its key is recorded already.

    ``answer`` holds its parts. Both get another id if one that is not behind all waiting replies was chosen.
    """

    event: e.PostRequested
    answer: Compose


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
    """Record that the bot's account answered a message without this log; that answer is left alone."""

    message_id: int
    sent_id: int


@dataclass(frozen=True, slots=True)
class Delay:
    """Record a failed attempt and the time of the next; ``plain``: that goes without a reference to the question."""

    message_id: int
    part: int
    reason: str
    attempt: int
    retry_at: int
    spent: Spent = NOTHING
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Abandon:
    """Record that the rest of a reply will not come."""

    message_id: int
    reason: e.AbandonReason
    detail: str = ""
    spent: Spent = NOTHING


@dataclass(frozen=True, slots=True)
class Retry:
    """Put a reply back into the outbox: an abandoned one, or one that is to be composed anew."""

    event: e.ReplyRetried


@dataclass(frozen=True, slots=True)
class Press:
    """Record that a button was pressed, with what follows: the writing ends, or a reply is asked for again."""

    event: e.ButtonPressed
    retried: e.ReplyRetried | None = None


class Remembered(NamedTuple):
    """The parts of a state that a rewind brings back; turns that were deleted since are left out."""

    window: tuple[Turn, ...] = ()
    persona_position: int = 0
    summary_position: int = 0
    summary_upto_id: int = 0
    model_position: int = 0


@dataclass(frozen=True, slots=True)
class Rewind:
    """Bring back what was known at version ``to_version``.

    ``next_undo_version`` is that of the rewind or reset that the next undo takes back (None: this one).
    """

    by: str
    to_version: int
    then: Remembered
    next_undo_version: int | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """Take back the rewind or reset at version ``undone_version``, if it is the newest that was not taken back.

    ``before`` is what was known just before it, ``after`` just after it. ``next_undo_version`` is that of the one that
    the next undo takes back (0: none).
    """

    by: str
    undone_version: int
    before: Remembered
    after: Remembered
    next_undo_version: int = 0


@dataclass(frozen=True, slots=True)
class Reset:
    """Empty the window."""

    by: str


@dataclass(frozen=True, slots=True)
class Summarise:
    """Record a summary, unless the window was rewound or words were erased while it was written.

    ``version`` is that of the state that it was written from.
    """

    event: e.ConversationSummarised
    body: e.Body
    version: int = 0


@dataclass(frozen=True, slots=True)
class React:
    """Record that somebody added a reaction to a message of the bot, or removed it; no ``body``: they opted out."""

    event: e.ReactionAdded | e.ReactionRemoved
    body: e.Body | None


@dataclass(frozen=True, slots=True)
class Choose:
    """Set a setting of this channel; an empty ``value`` clears it. ``subject_id``: whose words the value is."""

    setting: PlaceSetting
    by: str
    value: str
    subject_id: int | None = None


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
    | NoteThread
    | BeginThread
    | Compose
    | Post
    | UseTool
    | Complete
    | Confirm
    | NoteForeign
    | Delay
    | Abandon
    | Retry
    | Press
    | Rewind
    | Undo
    | Reset
    | Choose
    | Summarise
    | React
    | Record
)
