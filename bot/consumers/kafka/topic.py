"""The consumer ``kafka``: each event is in a topic once for those who read what is committed, each channel's in order.

The transaction that adds events adds a mark too, which says what is there. Whatever happens to the bot, or to this
consumer's own database, what the mark speaks of is not added again.
"""

from __future__ import annotations

import json

from bot.consumers.consumer import Batch, Consumer, Stop
from bot.consumers.kafka.link import PATIENCE, Fact, Link
from bot.consumers.kafka.mark import Mark
from bot.consumers.kafka.settings import Place
from bot.consumers.store import read_parked
from bot.core.events import Event, Recorded
from bot.eventlog.database import Connection
from bot.eventlog.pages import History


class KafkaTopic(Consumer):
    """Adds events to the topic of a place; ``transactional_id`` "" is one of the log."""

    name = "kafka"
    rebuild = "by hand"
    timeout = 3 * PATIENCE

    def __init__(
        self, place: Place, transactional_id: str = "", *, types: tuple[type[Event], ...] = (), words: bool = False
    ) -> None:
        self.types = types
        self.wants_words = words
        self._place = place
        self._id = transactional_id
        self._link: Link | None = None
        self._found: tuple[Mark, Mark] | None = None

    async def prepare(self, database: Connection) -> None:
        """Forget what is known of the topic: the log may be another one by now."""
        del database
        self._found = None
        await self.close()

    async def handle(self, batch: Batch) -> None:
        """Add the events that are not there, and the mark that they are, in one transaction."""
        try:
            await self._add(batch)
        except Stop:
            await self.close()
            raise

    async def _add(self, batch: Batch) -> None:
        link = await self._linked(batch.history)
        mark = self._standing(link.mark, batch.history)
        added = [each for each in batch.events if not mark.covers(each)]
        if added:
            parked = [each.position for each in await batch.database.submit(read_parked)]
            after = mark.after(added, batch.events[-1], [*parked, *batch.unreadable], batch.history)
            await link.write([_fact(batch, each) for each in added], after)

    async def _linked(self, history: History) -> Link:
        """Return a link with the mark that Kafka has: after whatever went wrong, it alone knows what is there."""
        if self._link is None or not self._link.usable:
            await self.close()
            self._link = Link(self._place, self._id or f"echoless-{history.log_id}")
            await self._link.open()
        return self._link

    def _standing(self, mark: Mark, history: History) -> Mark:
        """Return what a mark says of the log: the first one is of another life, and a later one was written in this."""
        if self._found is None:
            self._found = mark, mark.of_log(history)
        first, of_log = self._found
        return of_log if mark == first else mark

    async def close(self) -> None:
        """Let go of the connections."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()


def _fact(batch: Batch, recorded: Recorded) -> Fact:
    form = recorded.event.form
    about = {
        "type": form.type,
        "v": form.v,
        "position": recorded.position,
        "incarnation": batch.history.incarnation_at(recorded.position),
        "log": batch.history.log_id,
    }
    value = json.dumps(batch.line(recorded), separators=(",", ":")).encode()
    return Fact(recorded.stream.encode(), value, [(name, str(value).encode()) for name, value in about.items()])
