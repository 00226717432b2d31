"""Facts about the bot's answers, from the decision to the last part."""

from __future__ import annotations

from pydantic import Field

from bot.core.events.base import MessageEvent
from bot.core.events.vocabulary import AbandonReason, Call, Key, KeyKind, Proof, Via


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
    """The answer is written and nothing of it is sent yet. Body: the text of its parts.

    ``persona`` is the position of the event that set the persona it was written in (0: that of the settings).
    ``attachments`` are the ids of the question's files that were read for it: their addresses expire. ``cut`` counts
    the oldest turns that were left out, ``finish`` says why the model ended ("": nothing could end it early),
    ``estimated`` that its tokens are estimates; ``priced`` is False where no price is known, so that the cost is not.
    """

    TYPE = "reply.composed"

    parts: int = Field(ge=1, le=9999)
    responder: str
    rule: str = ""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    settings: str = ""
    generation: int = 1
    persona: int = 0
    attachments: tuple[int, ...] = ()
    cut: int = 0
    finish: str = ""
    estimated: bool = False
    priced: bool = True

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


class ForeignReplySeen(MessageEvent):
    """The bot's own account posted ``sent_id`` in answer to a message, and this log did not send it."""

    TYPE = "reply.foreign"

    sent_id: int

    def key(self) -> Key:
        """Return ``foreign:<sent id>``."""
        return Key(KeyKind.FOREIGN, self.sent_id)
