"""What the log says about each message: where it was recorded, and how its reply ended."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from bot.core import events as e
from bot.core.reply_record import ReplyRecord
from bot.eventlog.query import Query
from bot.eventlog.reader import Reader


@dataclass
class Trail(ReplyRecord):
    """The record of the reply to a message.

    ``recorded`` are the streams that hold the message. ``turns`` are the positions at which a reply was requested and,
    as negative numbers, given up. ``sent_after_position`` is that of the newest event after which the first part was
    certainly sent: the event by which it began to be shown or was composed, or a later delay (``tried_position``).
    """

    recorded: list[str] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    sent_after_position: int = 0
    tried_position: int = 0

    @property
    def interrupted(self) -> bool:
        """Tell whether the reply was given up or composed anew meanwhile."""
        return len(self.turns) > 1

    def waited(self, position: int) -> bool:
        """Tell whether the reply was requested and not given up just before a position of the log."""
        return next((turn > 0 for turn in reversed(self.turns) if abs(turn) < position), False)

    def follow(self, recorded: e.Recorded) -> None:
        """Take one more event about the message."""
        match recorded.event:
            case e.MessageReceived():
                self.recorded.append(recorded.stream)
            case e.ReplyRequested() | e.ReplyRetried():
                self.turns.append(recorded.position)
                self.tried_position = recorded.position
            case e.ReplyBegun():
                self.sent_after_position = self.sent_after_position or recorded.position
            case e.ReplyComposed():
                self.sent_after_position = self.sent_after_position or recorded.position
                self.tried_position = recorded.position
            case e.ReplyDelayed():
                self.tried_position = recorded.position
            case e.ReplySent(proof=e.Proof.RESPONSE) if not (self.sent or self.begun_position):
                # A part that an echo or a look confirms may have been sent by any attempt.
                self.sent_after_position = self.tried_position
            case e.ReplyAbandoned():
                self.turns.append(-recorded.position)
        super().follow(recorded)


async def read_trails(reader: Reader) -> dict[int, Trail]:
    """Return the trail of each message by its id."""
    trails: defaultdict[int, Trail] = defaultdict(Trail)
    async for recorded in reader.events(Query()):
        if isinstance(recorded.event, e.MessageEvent):
            trails[recorded.event.message_id].follow(recorded)
    return dict(trails)
