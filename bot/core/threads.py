"""The thread that the bot opens for an answer: its title, what an attempt to open it says, and its events' fold. Pure.

In the channel of the question, its reply waits in the outbox until the thread has it. There the question is the first
turn of the conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.fate import NotYet, Refused, Unknown
from bot.core.outbox import Pending, changeable, without
from bot.core.plain import plain_line

LONGEST_TITLE = 100
"""The most characters of a thread's title (docs: start thread from message)."""
UNTITLED = "Conversation"
OPENING_ATTEMPTS = 3
"""How often a thread is tried to be opened before the answer comes without one."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The thread is there; ``proof``: the request opened it, or it was there already."""

    thread_id: int
    proof: e.Proof


def judge_opening(
    entry: Pending, outcome: Opened | Refused | NotYet | Unknown
) -> e.ThreadOpened | e.ThreadRefused | NotYet | Unknown:
    """Return the event to record of an attempt to open the thread for a reply, or why it is to be tried again.

    After a rate limit, or some attempts of which nobody knows what became, the answer comes without a thread. One that
    is there nevertheless stays empty, so nothing is said twice.
    """
    match outcome:
        case Opened(thread_id, proof):
            return e.ThreadOpened(message_id=entry.message_id, thread_id=thread_id, proof=proof)
        case Refused(_, detail):
            return e.ThreadRefused(message_id=entry.message_id, reason=detail)
        case NotYet(reason, after) if after is not None:
            return e.ThreadRefused(message_id=entry.message_id, reason=reason)
        case Unknown(reason) if entry.attempts + 1 >= OPENING_ATTEMPTS:
            return e.ThreadRefused(message_id=entry.message_id, reason=reason)
    return outcome


def title_of(text: str) -> str:
    """Return the title of the thread for a question: its first words, without markup, mentions and spoilers."""
    return _shortened(plain_line(text)) or UNTITLED


def _shortened(title: str) -> str:
    """Return as many words as a title holds, with an ellipsis where some are left out.

    Characters are counted as UTF-16 does, which is the longest way in which Discord might count.
    """
    units = title.encode("utf-16-le")
    if len(units) <= 2 * LONGEST_TITLE:
        return title
    kept = units[: 2 * LONGEST_TITLE - 2].decode("utf-16-le", "ignore")
    return f"{(kept.rpartition(' ')[0] or kept).rstrip()}…"


def _thread(
    state: Conversation, recorded: e.Recorded, event: e.ThreadIntended | e.ThreadOpened | e.ThreadRefused
) -> None:
    state.outbox, entry = changeable(state.outbox, event.message_id)
    if entry is None:
        return
    entry.cause_position, entry.opening = recorded.position, type(event) is e.ThreadIntended
    match event:
        case e.ThreadIntended(starter_id=thread_id) | e.ThreadOpened(thread_id=thread_id):
            entry.thread_id = thread_id
        case e.ThreadRefused():
            entry.thread_id = entry.attempts = entry.retry_at = 0


def _moved(state: Conversation, _recorded: e.Recorded, event: e.ReplyMoved) -> None:
    entry = state.pending(event.message_id)
    if entry is not None and entry.asked:
        # A question by a command is a turn only with its answer, and that is the thread's.
        state.window.drop(event.message_id)
    state.outbox = without(state.outbox, event.message_id)


def _begun(state: Conversation, _recorded: e.Recorded, event: e.ThreadBegun) -> None:
    state.outbox, entry = changeable(state.outbox, event.message_id)
    if entry is not None:
        # Discord takes no reference to a message of another channel.
        entry.plain = True
        state.window.put(event.message_id, entry.author_id, e.Role.PERSON, entry.asked_position)


CHANGES: Mapping[type[e.Event], Callable[[Conversation, e.Recorded, Any], None]] = {
    e.ThreadIntended: _thread,
    e.ThreadOpened: _thread,
    e.ThreadRefused: _thread,
    e.ReplyMoved: _moved,
    e.ThreadBegun: _begun,
}
"""What the events change, as in :mod:`bot.core.fold`."""
