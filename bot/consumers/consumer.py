"""What a consumer is: a class that is handed every event of the log, in batches, from the first one on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.core.events import Body, Event, Part, Recorded
from bot.eventlog.database import Connection
from bot.eventlog.pages import History
from bot.moderation.text import Line

Rebuild = Literal["beside", "in place", "by hand", "in memory"]
"""How a consumer begins anew; see :class:`Consumer`."""


class Away(Exception):
    """What a consumer writes to can't be reached: it waits, and no event is to blame.

    ``retry_after`` are seconds (None: pauses that grow).
    """

    def __init__(self, reason: str = "what it writes to is away", retry_after: float | None = None) -> None:
        """Say why, without people's words: log lines and /healthz show it."""
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class Refused(Exception):
    """What a consumer writes to does not take these events: they are to blame, and ``reason`` is noted with each."""

    def __init__(self, reason: str) -> None:
        """Say why, without people's words: log lines and ``echoless consumers parked`` show it."""
        super().__init__(reason)
        self.reason = reason


class Stop(Exception):
    """It makes no sense to go on until somebody corrects something: the consumer rests until the bot's next start.

    Its words say what to correct, without people's words: log lines and /healthz show them.
    """


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in the order of the log, and the consumer's own database inside a transaction.

    What is written into ``database`` is committed together with the consumer's place in the log: exactly once. The
    transaction can't be ended from within. ``words`` are by position, and empty unless the consumer wants words. An
    event whose words were erased has none. ``unreadable`` are the positions of events in this stretch of the log that
    are not handed over, because this release can't read them: they are parked.
    """

    events: Sequence[Recorded]
    words: Mapping[int, Body]
    database: Connection
    history: History
    unreadable: Sequence[int] = ()

    def key(self, recorded: Recorded) -> str:
        """Return the key of an event for writes elsewhere: the same however often the event is handed over.

        A restored log records other events at positions that were there before, so the key begins with the incarnation.
        Events that an older release recorded as one share a position, and their key ends with their type.
        """
        key = f"{self.history.incarnation_at(recorded.position)}:{recorded.position}"
        return f"{key}:{recorded.event.TYPE}" if isinstance(recorded, Part) else key

    def line(self, recorded: Recorded) -> dict[str, Any]:
        """Return an event as ``echoless log export`` has it, with its key and the incarnation that it is of."""
        position = recorded.position
        about = {"key": self.key(recorded), "incarnation": self.history.incarnation_at(position)}
        return about | Line(recorded, self.words.get(position)).to_json()


class Consumer(ABC):
    """Something that follows the log, in a task of its own beside the bot. It has no hand on Discord.

    ``name`` is the one in the settings. ``types``: the events it wants (none: all). ``timeout``: seconds for a batch.
    ``version``: raise it when it would make something else of the same events, and it begins anew.

    ``rebuild`` says how it begins anew, when somebody asks for it, when ``version`` was raised, or when a restored
    backup took away events that it has seen:

    - "beside": all it makes is in its own database. A new one is made beside, and takes the old one's name when it has
      caught up.
    - "in place": it makes something else that its database describes, such as files. The database is emptied first.
    - "by hand": what it did can't be undone, such as messages to others. It goes on where it can, and is handed events
      again only when somebody asks for that.
    - "in memory": its database is in memory and nowhere else, and it begins anew whenever that is opened: at each start
      of the bot, and after trouble with the log.
    """

    name: str = ""
    types: tuple[type[Event], ...] = ()
    wants_words: bool = False
    batch_size: int = 500
    timeout: float = 60.0
    version: int = 1
    rebuild: Rebuild = "beside"

    def begins_at(self) -> int:
        """Return the moment (microseconds) of the first event that it wants where it has no place yet (0: the first).

        Those before it are never handed over.
        """
        return 0

    async def prepare(self, database: Connection) -> None:  # noqa: B027 - most need none
        """Make the tables that are not there yet. Called whenever ``database`` is opened, inside a transaction."""

    @abstractmethod
    async def handle(self, batch: Batch) -> None:
        """Do something with the events.

        It must not block: the bot waits meanwhile. Where it raises, what it wrote into the database is taken back; the
        events are then handed over one by one, and one that fails again and again is parked. Raise :class:`Away` when
        no event is to blame, :class:`Refused` to note why they are, and :class:`Stop` to rest until the next start.
        """

    async def close(self) -> None:  # noqa: B027 - most need none
        """Let go of connections and files. Called when the bot stops."""
