"""When turns are to be folded into a summary. Pure."""

from __future__ import annotations

from bot.core.conversation import Conversation
from bot.core.window import Turn

KEEP = 24
"""The newest turns are left out of a summary, so that an answer reads their own words."""
DUE = 48
"""The number of turns that makes a summary due: three quarters of the window, so that few turns leave it before."""


def outgrown(state: Conversation) -> tuple[Turn, ...]:
    """Return the turns that a summary has to take in now; none if it is too early."""
    fresh = [turn for turn in state.window if turn.message_id > state.summary_upto_id]
    return tuple(fresh[:-KEEP]) if len(fresh) >= DUE else ()
