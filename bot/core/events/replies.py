"""Events of the bot's answers, from the decision to the last part."""

from __future__ import annotations

from pydantic import Field

from bot.core.events.base import MessageEvent
from bot.core.events.vocabulary import AbandonReason, Button, Call, Key, KeyKind, Proof, Via
from bot.core.named_keys import Digest, numbers_of

MOST_PARTS = 9999


def slot_of(part: int, generation: int) -> int:
    """Return the number of a message among all messages of all generations of a reply."""
    return part + (generation - 1) * (MOST_PARTS + 1)


class ReplyRequested(MessageEvent):
    """The bot decided to answer a message. Version 2 has more ways in ``call``."""

    TYPE = "reply.requested"
    V = 2
    OPENS = True

    author_id: int
    responder: str
    call: Call
    via: Via = Via.LIVE

    def key(self) -> Key:
        """Return ``requested:<message id>``."""
        return Key(KeyKind.REQUESTED, self.message_id)


class PostRequested(MessageEvent):
    """Code of the process that is no responder has the bot post a message. What it says is recorded along with this.

    ``message_id`` stands for the post: an id of its moment, and of no message of Discord's. ``reply_to`` is the message
    that it is a reply to (0: none), ``author_id`` who wrote that (0: it is nobody's), ``key_digest`` the caller's key.
    """

    TYPE = "post.requested"
    OPENS = True

    author_id: int = 0
    reply_to: int = 0
    key_digest: Digest

    def key(self) -> Key:
        """Return ``posted:<the two halves of the digest>``."""
        return Key(KeyKind.POSTED, *numbers_of(self.key_digest))


class ReplyBegun(MessageEvent):
    """The answer will be shown while it is written: parts of it may be in Discord before it is composed."""

    TYPE = "reply.begun"

    generation: int = 1

    def key(self) -> Key:
        """Return ``begun:<message id>:<generation>``."""
        return Key(KeyKind.BEGUN, self.message_id, self.generation)


class ReplyComposed(MessageEvent):
    """The answer is written; no part of it is sent yet unless it had begun. Body: the text of its parts.

    ``persona`` is the position of the event that set the persona it was written in (0: that of the settings),
    ``summary`` that of the summary it built on (0: none), ``model_set`` that of the event that chose its model (0: none
    did; the model that answered may still be a fallback).
    ``attachments`` are the ids of the question's files that were read for it: their addresses expire. ``cut`` counts
    the oldest turns that were left out, ``finish`` says why the model ended ("": nothing could end it early),
    ``estimated`` that its tokens are estimates; ``priced`` is False where no price is known, so that the cost is not.
    """

    TYPE = "reply.composed"
    V = 2
    WORDED = True

    parts: int = Field(ge=1, le=MOST_PARTS)
    responder: str
    rule: str = ""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    settings: str = ""
    generation: int = 1
    persona: int = 0
    summary: int = 0
    attachments: tuple[int, ...] = ()
    cut: int = 0
    finish: str = ""
    estimated: bool = False
    priced: bool = True
    model_set: int = 0

    def key(self) -> Key:
        """Return ``composed:<message id>:<generation>``."""
        return Key(KeyKind.COMPOSED, self.message_id, self.generation)


class ReplySent(MessageEvent):
    """A part of the reply is in Discord, as message ``sent_id``.

    ``generation`` is the answer for which the message was made; a later one is written into the same message.
    """

    TYPE = "reply.sent"

    part: int
    sent_id: int
    proof: Proof
    generation: int = 1

    def key(self) -> Key:
        """Return ``sent:<message id>:<slot>``."""
        return Key(KeyKind.SENT, self.message_id, slot_of(self.part, self.generation))


class ReplyCompleted(MessageEvent):
    """Every part of a reply that had begun shows what was composed."""

    TYPE = "reply.completed"

    generation: int = 1


class ReplyDelayed(MessageEvent):
    """An attempt failed and another one follows at ``retry_at``; tokens and cost are those of the failed attempt.

    ``plain``: Discord refused the reference to the question, so the rest is sent without it.
    """

    TYPE = "reply.delayed"

    part: int
    reason: str
    attempt: int
    retry_at: int
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    priced: bool = True
    plain: bool = False


class ReplyAbandoned(MessageEvent):
    """The reply, or the rest of it, will not come.

    ``together_with`` is the message whose answer is for this one, too (0: none, unless ``reason`` is ``TOGETHER``).
    ``tokens_in``, ``tokens_out`` and ``cost_micros`` are those of the last attempt, for the person ``author_id``.
    """

    TYPE = "reply.abandoned"
    V = 2

    reason: AbandonReason
    detail: str = ""
    together_with: int = 0
    author_id: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    priced: bool = True


class ReplyRetried(MessageEvent):
    """A person asked for a reply again.

    An abandoned reply keeps its composed text, if there is one, and ``finish`` is that of the text. A new
    ``generation`` is composed anew and written into the messages of the one before. ``continues`` is the position of
    the answer that the new one goes on with (0: it begins anew). ``plain``: what is sent has no reference to the
    question. Version 2 has ``finish``, ``continues`` and ``plain``.
    """

    TYPE = "reply.retried"
    V = 2
    OPENS = True

    author_id: int
    by: str
    asked_at: int
    responder: str = ""
    composed_at: int = 0
    sent_ids: tuple[int, ...] = ()
    begun: bool = False
    surplus: tuple[int, ...] = ()
    generation: int = 1
    finish: str = ""
    continues: int = 0
    plain: bool = False

    @property
    def own(self) -> bool:
        """Tell whether the person who asked the question asks again."""
        return self.by == str(self.author_id)


class ButtonPressed(MessageEvent):
    """A person pressed a button under the answer to a message; what follows from that is recorded along with it.

    ``press_id`` is the interaction's, ``sent_id`` the message of the button, ``generation`` that of the answer.
    """

    TYPE = "button.pressed"

    button: Button
    user_id: int
    sent_id: int
    press_id: int
    generation: int = 1

    def key(self) -> Key:
        """Return ``pressed:<press id>``."""
        return Key(KeyKind.PRESSED, self.press_id)


class ForeignReplySeen(MessageEvent):
    """The bot's own account posted ``sent_id`` in answer to a message, and this log did not send it."""

    TYPE = "reply.foreign"

    sent_id: int

    def key(self) -> Key:
        """Return ``foreign:<sent id>``."""
        return Key(KeyKind.FOREIGN, self.sent_id)
