"""When a log began, or a backup took its place: what the bot did before, only Discord knows. Pure.

Answers from before are found in Discord and count as sent. A question from before of which no answer is found is left:
the answer may have been deleted by a moderator, or sent without a reference to the question. So nothing is answered
twice, and a person can still have it answered.

A restored log leaves such questions in every channel. A new log does so where Discord shows messages of the bot's own
account: then a log was there before, and is gone. Elsewhere it is simply new, and answers what was asked just before.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.events import Via
from bot.core.outbox import Pending

FROM_BEFORE = "asked before this log began or was restored"
"""The detail of a reply that is left, whose fate is unknown."""

_FROM_HISTORY = frozenset((Via.CATCHUP, Via.AUDIT))


@dataclass(frozen=True, slots=True)
class Beginning:
    """The moment from which on a log knows everything: ``at`` in microseconds, ``first_id`` the first id of that time.

    ``restored`` tells whether a backup took the log's place then.
    """

    at: int = 0
    first_id: int = 0
    restored: bool = False

    def is_after(self, entry: Pending) -> bool:
        """Tell whether a reply was asked for before; not if a person has asked for it again since then."""
        return entry.requested_at < self.at or (entry.via in _FROM_HISTORY and entry.message_id < self.first_id)


ALWAYS = Beginning()
"""The beginning of a log that knows everything."""
