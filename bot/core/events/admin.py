"""Facts about what moderators do."""

from __future__ import annotations

from bot.core.events.base import Event, PlainEvent
from bot.core.events.vocabulary import StoredTurn


class ConversationRewound(Event):
    """The window is what it was at version ``to``, or, with ``undoes``, what it was before that rewind.

    ``window`` holds the turns, so that a fold needs no look-up; ``summary_at`` is the position of the summary of then,
    and ``summary_upto`` the newest message in it. ``next_undo`` is the version of the rewind or reset that an undo
    takes back from then on (0: there is none; None: this one, or none after an undo). The outbox, the watermark and
    dedupe stay as they are: rewinding never re-sends and never re-reads.
    """

    TYPE = "conversation.rewound"

    by: str
    to: int
    window: tuple[StoredTurn, ...]
    undoes: int = 0
    summary_at: int = 0
    summary_upto: int = 0
    next_undo: int | None = None


class ConversationReset(Event):
    """The window is empty, and there is no summary of what was in it; everything else stays."""

    TYPE = "conversation.reset"

    by: str


class PersonaSet(Event):
    """Who the bot is here from now on, in a channel or, in a server's stream, in all of them. Body: the text."""

    TYPE = "persona.set"
    WORDED = True

    by: str


class PersonaCleared(Event):
    """The bot has no persona of this place any more."""

    TYPE = "persona.cleared"

    by: str


class PersonaRestored(Event):
    """A rewind or its undo brought back the persona that was set at position ``at`` (0: there was none)."""

    TYPE = "persona.restored"

    by: str
    at: int


class CommandUsed(Event):
    """Somebody used an admin command. Body: its options as they were given."""

    TYPE = "command.used"

    user_id: int
    channel_id: int
    command: str
    outcome: str


class RepliesPaused(PlainEvent):
    """Answers stop in this channel; messages are recorded as before."""

    TYPE = "replies.paused"

    by: str


class RepliesResumed(PlainEvent):
    """Answers go on in this channel."""

    TYPE = "replies.resumed"

    by: str
