"""What the log says about each message: where it was recorded, and what became of the reply to it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from bot.core import events as e
from bot.core.outbox import ASKED
from bot.eventlog.reader import Query, Reader

_TYPES = tuple(
    event.TYPE
    for event in (
        e.MessageReceived,
        e.MessageSkipped,
        e.ReplyRequested,
        e.ReplyRetried,
        e.ReplyBegun,
        e.ReplyComposed,
        e.ReplyDelayed,
        e.ReplySent,
        e.ReplyAbandoned,
    )
)


@dataclass(slots=True)
class Trail:
    """What the log says about one message and the reply to it.

    ``asked``: it is a question by a command; ``plain``: its reply goes on without a reference. ``turns`` are the
    positions at which a reply was requested, and those at which it was given up, negative. ``began`` is the position of
    the newest event after which the first part was certainly sent: the one by which it began to be shown (``shown``) or
    was composed, or ``tried``, a later delay.
    """

    recorded: list[str] = field(default_factory=list)
    asked: bool = False
    turns: list[int] = field(default_factory=list)
    began: int = 0
    tried: int = 0
    shown: bool = False
    parts: int = 0
    sent: dict[int, int] = field(default_factory=dict)
    skipped: str = ""
    abandoned: str = ""
    plain: bool = False

    @property
    def requested(self) -> bool:
        """Tell whether the bot decided to answer."""
        return bool(self.turns)

    @property
    def asked_again(self) -> bool:
        """Tell whether the reply was given up or composed anew in between."""
        return len(self.turns) > 1

    def waited(self, position: int) -> bool:
        """Tell whether the reply was requested, and not given up, just before a position of the log."""
        return next((turn > 0 for turn in reversed(self.turns) if abs(turn) < position), False)


async def read_trails(reader: Reader) -> dict[int, Trail]:
    """Return what the log says about each message, by its id."""
    trails: defaultdict[int, Trail] = defaultdict(Trail)
    async for recorded in reader.events(Query(types=_TYPES)):
        event = recorded.event
        if isinstance(event, e.MessageEvent):
            _follow(trails[event.message_id], recorded, event)
    return dict(trails)


def _follow(trail: Trail, recorded: e.Recorded, event: e.MessageEvent) -> None:
    match event:
        case e.MessageReceived(via=via):
            trail.recorded.append(recorded.stream)
            trail.asked = via in ASKED
        case e.MessageSkipped(reason=reason):
            trail.skipped = reason
        case e.ReplyRequested() | e.ReplyRetried():
            trail.turns.append(recorded.position)
            trail.tried, trail.abandoned = recorded.position, ""
        case e.ReplyBegun():
            trail.shown = True
            trail.began = trail.began or recorded.position
        case e.ReplyComposed(parts=parts):
            trail.parts = parts
            trail.began = trail.began or recorded.position
            trail.tried = recorded.position
        case e.ReplyDelayed(plain=plain):
            trail.tried = recorded.position
            trail.plain = trail.plain or plain
        case e.ReplySent(part=part, sent_id=sent_id, proof=proof):
            if not trail.sent and not trail.shown and proof is e.Proof.RESPONSE:
                # What an echo or a look tells of may have been sent by any attempt.
                trail.began = trail.tried
            trail.sent[part] = sent_id
        case e.ReplyAbandoned(reason=reason):
            trail.turns.append(-recorded.position)
            trail.abandoned = reason
