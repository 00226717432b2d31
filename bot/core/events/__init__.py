"""What can happen in a conversation: facts, in the past tense.

An event is a frozen model with a stored type name and a schema version of its own, both independent of class and
module names, so that code can move and old logs still load (see :mod:`bot.eventlog.codec` for old versions). Events
carry ids, numbers and reasons; the words and names that people wrote travel beside them in a :class:`Body`, which the
log seals and can erase.
"""

from bot.core.events.admin import (
    CommandUsed,
    ConversationReset,
    ConversationRewound,
    PersonaCleared,
    PersonaRestored,
    PersonaSet,
    RepliesPaused,
    RepliesResumed,
)
from bot.core.events.base import Body, Draft, Event, MessageEvent, Recorded
from bot.core.events.messages import ChannelDeleted, MessageDeleted, MessageEdited, MessageReceived, MessageSkipped
from bot.core.events.replies import (
    ForeignReplySeen,
    ReplyAbandoned,
    ReplyComposed,
    ReplyDelayed,
    ReplyRequested,
    ReplyRetried,
    ReplySent,
)
from bot.core.events.system import (
    BotStarted,
    BotStopped,
    CatchupCompleted,
    CatchupStarted,
    DirectChannelOpened,
    GapFound,
    GatewayLost,
    GatewayReady,
    GatewayResumed,
    HistoryForbidden,
)
from bot.core.events.vocabulary import (
    AbandonReason,
    Attachment,
    Author,
    Call,
    Key,
    KeyKind,
    Proof,
    Role,
    SkipReason,
    StoredTurn,
    Via,
)

__all__ = [
    "AbandonReason",
    "Attachment",
    "Author",
    "Body",
    "BotStarted",
    "BotStopped",
    "Call",
    "CatchupCompleted",
    "CatchupStarted",
    "ChannelDeleted",
    "CommandUsed",
    "ConversationReset",
    "ConversationRewound",
    "DirectChannelOpened",
    "Draft",
    "Event",
    "ForeignReplySeen",
    "GapFound",
    "GatewayLost",
    "GatewayReady",
    "GatewayResumed",
    "HistoryForbidden",
    "Key",
    "KeyKind",
    "MessageDeleted",
    "MessageEdited",
    "MessageEvent",
    "MessageReceived",
    "MessageSkipped",
    "PersonaCleared",
    "PersonaRestored",
    "PersonaSet",
    "Proof",
    "Recorded",
    "RepliesPaused",
    "RepliesResumed",
    "ReplyAbandoned",
    "ReplyComposed",
    "ReplyDelayed",
    "ReplyRequested",
    "ReplyRetried",
    "ReplySent",
    "Role",
    "SkipReason",
    "StoredTurn",
    "Via",
]
