"""The consumer ``activity``: counts what goes on, so that ``/stats`` and ``echoless stats`` need not read the log."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bot.consumers.activity.tables import TABLES, write
from bot.consumers.consumer import Batch, Consumer
from bot.core.activity import TYPES
from bot.eventlog.database import Connection
from bot.own_tables import Settings, read

NAME = "activity"


class ActivityConsumer(Consumer):
    """Counts events into the tables of :mod:`bot.consumers.activity.tables`. No words and no ids of people."""

    name = NAME
    types = TYPES
    batch_size = 2000

    async def prepare(self, database: Connection) -> None:
        """Make the tables that are not there yet."""
        for table in TABLES:
            await database.execute(table)

    async def handle(self, batch: Batch) -> None:
        """Count the events, on the thread of the database."""
        await batch.database.submit(partial(write, log_id=batch.history.log_id, events=batch.events))


def activity(name: str, settings: Mapping[str, object], folder: Path) -> ActivityConsumer:
    """Return the consumer; it has no settings of its own. Raise ConfigError for any."""
    read(Settings, name, settings, folder)
    return ActivityConsumer()
