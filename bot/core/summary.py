"""When turns have waited long enough to be folded into a summary. Pure."""

from __future__ import annotations

from bot.core.conversation import Conversation
from bot.core.window import Turn

KEEP = 24
"""Turns that a summary leaves as they are: what was said just now is answered by its words."""
DUE = 48
"""Turns without a summary that are enough for one: three quarters of the window, so that few leave it unseen."""


def outgrown(state: Conversation) -> tuple[Turn, ...]:
    """Return the turns that a summary has to take in now, none where it is not yet worth one."""
    fresh = [turn for turn in state.window if turn.message_id > state.summary_upto]
    return tuple(fresh[:-KEEP]) if len(fresh) >= DUE else ()
