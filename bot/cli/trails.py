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
        e.ReplyComposed,
        e.ReplyDelayed,
        e.ReplySent,
        e.ReplyAbandoned,
    )
)


@dataclass(slots=True)
class Trail:
    """What the log says about one message and the reply to it.

    ``asked``: it is a question by a command; ``order`` is the position of its newest request; ``plain``: its reply goes
    on without a reference.
    """

    recorded: list[str] = field(default_factory=list)
    asked: bool = False
    order: int = 0
    parts: int = 0
    sent: dict[int, int] = field(default_factory=dict)
    skipped: str = ""
    abandoned: str = ""
    plain: bool = False

    @property
    def requested(self) -> bool:
        """Tell whether the bot decided to answer."""
        return self.order > 0


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
            trail.order, trail.abandoned = recorded.position, ""
        case e.ReplyComposed(parts=parts):
            trail.parts = parts
        case e.ReplyDelayed(plain=plain):
            trail.plain = trail.plain or plain
        case e.ReplySent(part=part, sent_id=sent_id):
            trail.sent[part] = sent_id
        case e.ReplyAbandoned(reason=reason):
            trail.abandoned = reason
