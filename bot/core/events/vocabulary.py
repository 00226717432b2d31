"""The types of the fields of events."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict


class KeyKind(IntEnum):
    """The subject of a dedupe key. The numbers are stored and never reused."""

    RECEIVED = 1
    EDITED = 2
    DELETED = 3
    REQUESTED = 4
    COMPOSED = 5
    SENT = 6
    FOREIGN = 7
    DM_OPENED = 8
    BEGUN = 9
    RESTORED = 10
    THREAD = 11
    TOOL_CALLED = 12
    TOOL_RETURNED = 13
    PRESSED = 14
    POSTED = 15
    EFFECT = 16
    EFFECT_ENDED = 17
    OWN = 18


class Key(NamedTuple):
    """The identity of an event within its stream: an event with a recorded key is not recorded again."""

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
    at once, and the watermark waits for the catch-up. ``ASK`` is a question by the command ``/ask``, whose id is the
    interaction's; ``WHISPER`` the same for the asker's eyes alone, so that it and its answer stay out of the window.
    """

    LIVE = "live"
    AHEAD = "ahead"
    CATCHUP = "catchup"
    AUDIT = "audit"
    ASK = "ask"
    WHISPER = "whisper"


class Source(StrEnum):
    """The kind of file that a message was imported from."""

    EXPORTER = "DiscordChatExporter"
    PACKAGE = "Discord data package"


class Call(StrEnum):
    """What addressed a message to the bot.

    ``ROLE`` is a mention of the role that only the bot has, ``CHANNEL`` a place where no mention is needed, ``THREAD``
    a thread in which somebody spoke to it before.
    """

    MENTION = "mention"
    REPLY = "reply"
    DM = "dm"
    RULE = "rule"
    ASK = "ask"
    ROLE = "role"
    NAME = "name"
    CHANNEL = "channel"
    THREAD = "thread"


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
    PERSON_BUDGET = "person budget"
    CHANNEL_BUDGET = "channel budget"
    SERVER_BUDGET = "server budget"
    DAY_BUDGET = "day budget"
    OPTED_OUT = "opted out"
    BOTS_IN_A_ROW = "bots in a row"


class Feeling(StrEnum):
    """What a reaction says about an answer. The emoji itself counts as a person's word and is in the body."""

    UP = "up"
    DOWN = "down"
    OTHER = "other"


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


class ToolOutcome(StrEnum):
    """What became of the call of a tool.

    ``CUT``: only the beginning of the result was kept. ``UNKNOWN``: nobody knows whether the call took effect, because
    the process or the tool's server ended meanwhile.
    """

    RETURNED = "returned"
    CUT = "cut"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    UNKNOWN = "unknown fate"


class EffectKind(StrEnum):
    """What a declared effect does."""

    ADD_ROLE = "add role"
    REMOVE_ROLE = "remove role"
    START_THREAD = "start thread"
    ADD_REACTION = "add reaction"
    DIRECT_MESSAGE = "direct message"
    HTTP_CALL = "HTTP call"


class EffectEnd(StrEnum):
    """Why an effect was given up. Only of ``UNKNOWN_FATE`` nobody knows whether it was made; the others were not.

    ``RAISED``: the caller's own code raised an exception.
    """

    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    EXPIRED = "expired"
    ERASED = "erased"
    RAISED = "raised"
    UNKNOWN_FATE = "unknown fate"


class Button(StrEnum):
    """A button under an answer."""

    STOP = "stop"
    GO_ON = "go_on"
    AGAIN = "again"
    WHY = "why"


class ErasureReason(StrEnum):
    """Why words were erased. The deletion of a message or a channel is an event of its own.

    ``DELETED`` is for what goes along with a message that was deleted in Discord. ``EARLIER``: they were gone already
    when this log began to keep receipts.
    """

    DELETED = "deleted in Discord"
    PERSON = "asked by the person"
    OPTED_OUT = "opted out"
    MODERATOR = "asked by a moderator"
    COMMAND_LINE = "command line"
    RETENTION = "retention"
    ARCHIVED = "archived"
    EARLIER = "erased before receipts were kept"


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


class ShownKind(StrEnum):
    """What a message shows besides the text that its author typed.

    ``SYSTEM`` is what Discord says in place of a text (somebody joined, pinned, ...), ``COMMAND`` the command that a
    bot's message responds to, ``PARTS`` what buttons, menus and texts laid out by a bot say, ``FILE`` what an author
    says of a picture for those who don't see it, ``VOICE`` the length of a voice message.
    """

    FORWARD = "forward"
    EMBED = "embed"
    POLL = "poll"
    STICKER = "sticker"
    VOICE = "voice"
    FILE = "file"
    PARTS = "parts"
    COMMAND = "command"
    SYSTEM = "system"


class Attachment(BaseModel):
    """An attached file. Its name counts as a person's word and is in the body. ``length_ms``: how long it plays."""

    model_config = ConfigDict(frozen=True)

    id: int
    size: int
    content_type: str = ""
    length_ms: int = 0
