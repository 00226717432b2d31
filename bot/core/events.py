"""What can happen in a conversation: facts, in the past tense.

An event is a frozen model with a stored type name and a schema version of its own, both independent of class and
module names, so that code can move and old logs still load (see :mod:`bot.eventlog.codec` for old versions). Events
carry ids, numbers and reasons; the words and names that people wrote travel beside them in a :class:`Body`, which the
log seals and can erase.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict


class KeyKind(IntEnum):
    """What a dedupe key speaks of; the numbers are stored and never reused."""

    RECEIVED = 1
    EDITED = 2
    DELETED = 3
    REQUESTED = 4
    COMPOSED = 5
    SENT = 6
    FOREIGN = 7
    DM_OPENED = 8


class Key(NamedTuple):
    """A fact's identity within its stream: recording it twice records it once."""

    kind: KeyKind
    id: int
    part: int = 0


class Author(StrEnum):
    """Who wrote a message."""

    PERSON = "person"
    BOT = "bot"
    WEBHOOK = "webhook"
    SELF = "self"


class Via(StrEnum):
    """How a message reached the log.

    ``AHEAD`` is live, but before the catch-up of its channel has closed the gap behind it: it is recorded and answered
    at once, and the watermark waits for the catch-up.
    """

    LIVE = "live"
    AHEAD = "ahead"
    CATCHUP = "catchup"
    AUDIT = "audit"


class Call(StrEnum):
    """What addressed a message to the bot."""

    MENTION = "mention"
    REPLY = "reply"
    DM = "dm"
    RULE = "rule"


class Proof(StrEnum):
    """How it is known that a part of a reply is in Discord."""

    RESPONSE = "response"
    ECHO = "echo"
    HISTORY = "history"


class SkipReason(StrEnum):
    """Why a message addressed to the bot got no reply."""

    TOO_OLD = "too old"
    NO_ANSWER = "no answer"
    MUTED = "muted"
    PAUSED = "paused"
    AUTHOR = "author is a bot"
    CHANNEL_LIMIT = "channel limit"
    PERSON_LIMIT = "person limit"
    QUEUE_FULL = "queue full"


class AbandonReason(StrEnum):
    """Why a requested reply will not come."""

    EXPIRED = "expired"
    TRIGGER_DELETED = "trigger deleted"
    CHANNEL_DELETED = "channel deleted"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    GONE_AFTER_SEND = "gone after send"
    NO_ANSWER = "no answer"
    POISON = "poison"
    ERASED = "erased"
    GAVE_UP = "gave up"
    UNKNOWN_FATE = "unknown fate"
    ANSWERED_ELSEWHERE = "answered elsewhere"
    TOGETHER = "answered together"


class Role(IntEnum):
    """Whose turn it was."""

    PERSON = 0
    BOT = 1
    OTHER_BOT = 2


class StoredTurn(NamedTuple):
    """A turn of a window as an event keeps it."""

    message_id: int
    author_id: int
    role: Role
    position: int
    part: int


class Attachment(BaseModel):
    """What is known of an attached file; its name is a person's word and stays in the body."""

    model_config = ConfigDict(frozen=True)

    id: int
    size: int
    content_type: str = ""


class Event(BaseModel):
    """A fact. Subclasses state their stored ``TYPE`` and schema version ``V``.

    ``OPENS`` marks facts that leave work which a restart must find again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    TYPE: ClassVar[str]
    V: ClassVar[int] = 1
    OPENS: ClassVar[bool] = False

    def key(self) -> Key | None:
        """Return the dedupe key, or None where a repetition is a fact of its own."""
        return None


class MessageEvent(Event):
    """A fact about one message, or about the reply to it."""

    message_id: int


class MessageReceived(MessageEvent):
    """Somebody posted a message. Body: the author's name, the text, the attachments' names."""

    TYPE = "message.received"

    author_id: int
    author: Author = Author.PERSON
    sent_at: int
    via: Via = Via.LIVE
    reply_to: int | None = None
    guild_id: int | None = None
    kind: int = 0
    attachments: tuple[Attachment, ...] = ()

    def key(self) -> Key:
        """Return ``received:<message id>``."""
        return Key(KeyKind.RECEIVED, self.message_id)


class MessageEdited(MessageEvent):
    """The author changed a message. Body: the name and text as they are now."""

    TYPE = "message.edited"

    author_id: int
    edited_at: int

    def key(self) -> Key:
        """Return ``edited:<message id>:<edited at>``."""
        return Key(KeyKind.EDITED, self.message_id, self.edited_at)


class MessageDeleted(MessageEvent):
    """A message is gone from Discord."""

    TYPE = "message.deleted"

    via: Via = Via.LIVE

    def key(self) -> Key:
        """Return ``deleted:<message id>``."""
        return Key(KeyKind.DELETED, self.message_id)


class ChannelDeleted(Event):
    """The channel or thread is gone from Discord, or the bot was removed from its server."""

    TYPE = "channel.deleted"


class ReplyRequested(MessageEvent):
    """The bot decided to answer a message."""

    TYPE = "reply.requested"
    OPENS = True

    author_id: int
    responder: str
    call: Call
    via: Via = Via.LIVE

    def key(self) -> Key:
        """Return ``requested:<message id>``."""
        return Key(KeyKind.REQUESTED, self.message_id)


class ReplyComposed(MessageEvent):
    """The answer is written and nothing of it is sent yet. Body: the text of its parts."""

    TYPE = "reply.composed"

    parts: int
    responder: str
    rule: str = ""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    settings: str = ""
    generation: int = 1

    def key(self) -> Key:
        """Return ``composed:<message id>:<generation>``."""
        return Key(KeyKind.COMPOSED, self.message_id, self.generation)


class ReplySent(MessageEvent):
    """A part of the reply is in Discord, as message ``sent_id``."""

    TYPE = "reply.sent"

    part: int
    sent_id: int
    proof: Proof

    def key(self) -> Key:
        """Return ``sent:<message id>:<part>``."""
        return Key(KeyKind.SENT, self.message_id, self.part)


class ReplyDelayed(MessageEvent):
    """An attempt failed and another one will follow at ``retry_at``."""

    TYPE = "reply.delayed"

    part: int
    reason: str
    attempt: int
    retry_at: int


class ReplyAbandoned(MessageEvent):
    """The reply, or what is left of it, will not come."""

    TYPE = "reply.abandoned"

    reason: AbandonReason
    detail: str = ""


class ReplyRetried(MessageEvent):
    """A person asked for an abandoned reply again; its composed text, where there is one, stays the same."""

    TYPE = "reply.retried"
    OPENS = True

    author_id: int
    by: str
    asked_at: int
    responder: str = ""
    composed_at: int = 0
    sent_ids: tuple[int, ...] = ()


class MessageSkipped(MessageEvent):
    """A message addressed to the bot gets no reply."""

    TYPE = "message.skipped"

    reason: SkipReason


class ForeignReplySeen(MessageEvent):
    """The bot's own account posted ``sent_id`` in answer to a message, and this log did not send it."""

    TYPE = "reply.foreign"

    sent_id: int

    def key(self) -> Key:
        """Return ``foreign:<sent id>``."""
        return Key(KeyKind.FOREIGN, self.sent_id)


class ConversationRewound(Event):
    """The window is what it was at version ``to``, or, with ``undoes``, what it was before that rewind.

    ``window`` holds the turns, so that a fold needs no look-up. The outbox, the watermark and dedupe stay as they are:
    rewinding never re-sends and never re-reads.
    """

    TYPE = "conversation.rewound"

    by: str
    to: int
    window: tuple[StoredTurn, ...]
    undoes: int = 0


class ConversationReset(Event):
    """The window is empty; everything else stays."""

    TYPE = "conversation.reset"

    by: str


class CommandUsed(Event):
    """Somebody used an admin command. Body: its options as they were given."""

    TYPE = "command.used"

    user_id: int
    channel_id: int
    command: str
    outcome: str


class RepliesPaused(Event):
    """Answers stop in this channel; messages are recorded as before."""

    TYPE = "replies.paused"

    by: str


class RepliesResumed(Event):
    """Answers go on in this channel."""

    TYPE = "replies.resumed"

    by: str


class CatchupStarted(Event):
    """Reading the channel's history began after message ``after`` (0: from its beginning)."""

    TYPE = "catchup.started"

    after: int


class CatchupCompleted(Event):
    """The channel is complete up to message ``upto``; ``count`` messages were new."""

    TYPE = "catchup.completed"

    after: int
    upto: int
    count: int
    truncated: bool = False


class HistoryForbidden(Event):
    """The bot may not read this channel's history, so messages missed while away stay missed."""

    TYPE = "history.forbidden"


class BotStarted(Event):
    """A process took the log."""

    TYPE = "bot.started"

    release: str
    host: str
    pid: int


class BotStopped(Event):
    """A process let go of the log in good order."""

    TYPE = "bot.stopped"

    reason: str


class DirectChannelOpened(Event):
    """Somebody wrote to the bot in private for the first time: a channel that no server's list names."""

    TYPE = "dm.opened"

    channel_id: int

    def key(self) -> Key:
        """Return ``dm opened:<channel id>``."""
        return Key(KeyKind.DM_OPENED, self.channel_id)


class GatewayReady(Event):
    """A new gateway session began."""

    TYPE = "gateway.ready"

    session: str
    guilds: int


class GatewayResumed(Event):
    """The gateway session went on after a break; Discord replayed what was missed."""

    TYPE = "gateway.resumed"

    session: str


class GatewayLost(Event):
    """The connection to the gateway broke."""

    TYPE = "gateway.lost"

    reason: str = ""


class GapFound(Event):
    """An audit found what neither the gateway nor a catch-up had brought, and healed it."""

    TYPE = "gap.found"

    channel_id: int
    missing: int
    deleted: int


class Body(BaseModel):
    """The words and names that people wrote: sealed in the vault, erasable, never part of an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    parts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return all parts as one text."""
        return "\n".join(self.parts)


@dataclass(frozen=True, slots=True)
class Draft:
    """An event about to be appended.

    ``subject`` is the id of the person whose words ``body`` holds; ``causation`` the position of the event that caused
    this one, by default the first one of the same append.
    """

    event: Event
    body: Body | None = None
    subject: int | None = None
    causation: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the log holds it.

    ``position`` is its place in the whole log, ``version`` its place in ``stream`` (from 1, no gaps), ``recorded_at``
    microseconds since the epoch, UTC.
    """

    position: int
    stream: str
    version: int
    recorded_at: int
    event: Event
    correlation: int | None = None
    causation: int | None = None
