"""Posts: messages that code of the process has the bot post, beside the answers of responders. Pure.

A post goes the way of a reply through the outbox. Its words are recorded with it, so it is composed from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.core import commands as c
from bot.core import events as e
from bot.core.conversation import Conversation
from bot.core.outbox import Pending, inserted, place_of


def post(state: Conversation, command: c.Post) -> e.Drafts:
    """Return the events of a post. Its id is behind those of all waiting replies, so that it is sent after them.

    The state does not know which keys are recorded; the log does, and then it appends nothing.
    """
    behind = max((entry.message_id + 1 for entry in state.outbox), default=0)
    chosen = {"message_id": max(command.event.message_id, behind)}
    requested = e.Draft(command.event.model_copy(update=chosen))
    composed, subject_id = command.answer.event.model_copy(update=chosen), command.event.author_id or None
    return requested, e.Draft(composed, command.answer.body, subject_id=subject_id)


def _posted(state: Conversation, recorded: e.Recorded, event: e.PostRequested) -> None:
    if place_of(state.outbox, event.message_id) >= 0:
        return
    entry = Pending(
        message_id=event.message_id,
        author_id=event.author_id,
        requested_at=recorded.recorded_at,
        cause_position=recorded.position,
        plain=not event.reply_to,
        posted=True,
        reply_to_id=event.reply_to,
    )
    state.outbox = inserted(state.outbox, entry)


CHANGES: Mapping[type[e.Event], Callable[[Conversation, e.Recorded, Any], None]] = {e.PostRequested: _posted}
"""What the events change, as in :mod:`bot.core.fold`."""
