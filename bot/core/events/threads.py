"""Events of threads that the bot opens for its answers.

In the channel of the question: intended, then opened or refused, then moved. In the thread: begun.
"""

from __future__ import annotations

from bot.core.events.base import MessageEvent
from bot.core.events.vocabulary import Key, KeyKind, Proof


class ThreadIntended(MessageEvent):
    """The answer to a message is to stand in a thread of its own, which is opened before anything is written.

    ``starter_id`` is the message that the thread is started from, whose id it takes (docs/discord-facts.md, 1.5). For a
    question by a command that is the response, which is not known at first (0); then a second event names it.
    """

    TYPE = "thread.intended"

    starter_id: int = 0


class ThreadOpened(MessageEvent):
    """The thread for an answer is there; ``proof``: Discord's response to the request, or a look that found it."""

    TYPE = "thread.opened"

    thread_id: int
    proof: Proof


class ThreadRefused(MessageEvent):
    """No thread can be opened for an answer, which comes in the channel instead; ``reason`` says why."""

    TYPE = "thread.refused"

    reason: str


class ReplyMoved(MessageEvent):
    """The thread has the question now, and goes on with the reply: here it is finished."""

    TYPE = "reply.moved"

    thread_id: int


class ThreadBegun(MessageEvent):
    """In the stream of a thread: it was opened for the answer to a message of channel ``parent_id``.

    It comes right behind the request for that answer. The message is the first turn of the conversation, and its words
    stay where it was posted.
    """

    TYPE = "thread.begun"

    parent_id: int

    def key(self) -> Key:
        """Return ``thread:<message id>``."""
        return Key(KeyKind.THREAD, self.message_id)
