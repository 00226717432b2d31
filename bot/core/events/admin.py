"""Events of what moderators do."""

from __future__ import annotations

from bot.core.events.base import Event, PlainEvent
from bot.core.events.vocabulary import StoredTurn


class ConversationRewound(Event):
    """The window is what it was at version ``to``, or, with ``undoes``, what it was before that rewind.

    ``window`` holds the turns, so a fold needs no look-up. ``summary_at`` is the position of the summary at that time,
    and ``summary_upto`` the newest message in it. ``next_undo`` is the version of the rewind or reset that the next
    undo takes back (0: there is none; None: this one, or none after an undo). The outbox, the watermark and the dedupe
    keys stay as they are: a rewind never sends again and never reads again.
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
    """The window and its summary were emptied; everything else stays."""

    TYPE = "conversation.reset"

    by: str


class PlaceSettingSet(Event):
    """A setting of a channel or, in a server's stream, of all its channels was set."""

    by: str


class PlaceSettingCleared(Event):
    """A setting of this channel or server was cleared."""

    by: str


class PlaceSettingRestored(Event):
    """A rewind or its undo brought back what was set at position ``at`` (0: nothing was)."""

    by: str
    at: int


class PersonaSet(PlaceSettingSet):
    """The persona was set. Body: the text."""

    TYPE = "persona.set"
    WORDED = True


class PersonaCleared(PlaceSettingCleared):
    """The persona was cleared."""

    TYPE = "persona.cleared"


class PersonaRestored(PlaceSettingRestored):
    """The persona was brought back."""

    TYPE = "persona.restored"


class ModelSet(PlaceSettingSet):
    """The model was chosen: ``model`` is its name in the settings."""

    TYPE = "model.set"

    model: str


class ModelCleared(PlaceSettingCleared):
    """The choice of a model was cleared."""

    TYPE = "model.cleared"


class ModelRestored(PlaceSettingRestored):
    """The choice of a model was brought back."""

    TYPE = "model.restored"


class CommandUsed(Event):
    """Somebody used a command. Body: its options as they were given; of a command about privacy none."""

    TYPE = "command.used"

    user_id: int
    channel_id: int
    command: str
    outcome: str


class AnswerRehearsed(PlainEvent):
    """Models were asked what they would answer to a message now; nothing of it was sent.

    Recorded for its tokens and cost, which are as in ``reply.composed``. ``model`` is "" if none answered.
    """

    TYPE = "answer.rehearsed"

    message_id: int
    by: str
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    estimated: bool = False
    priced: bool = True

    @property
    def moderator_id(self) -> int:
        """Return the person who asked in Discord, 0 for a command line."""
        return int(self.by) if self.by.isascii() and self.by.isdecimal() else 0

    def about(self) -> int:
        """Return the message's id."""
        return self.message_id


class RepliesPaused(PlainEvent):
    """Answers stop in this channel; messages are recorded as before."""

    TYPE = "replies.paused"

    by: str


class RepliesResumed(PlainEvent):
    """Answers go on in this channel."""

    TYPE = "replies.resumed"

    by: str
