"""What a client reports to: the parts of each partition of the log whose events its shard brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bot.conversations import Conversations
from bot.core.sharding import Sharding
from bot.eventlog.log import EventLog
from bot.gateway.after_deletion import AfterDeletion
from bot.gateway.audit import Audit
from bot.gateway.commands.tree import Commands
from bot.gateway.intake import Intake
from bot.gateway.sync import Sync


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far back a catch-up goes, and how many channels at a time; ``clock`` in microseconds."""

    max_age_us: int
    max_messages: int
    concurrency: int
    clock: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Wiring:
    """The parts of one partition that a client reports to; ``on_available`` is called when a server's outage ends."""

    log: EventLog
    conversations: Conversations
    intake: Intake
    sync: Sync
    audit: Audit | None
    after_deletion: AfterDeletion
    on_ready: Callable[[], None]
    on_lost: Callable[[], None]
    commands: Commands | None = None
    on_available: Callable[[], None] = lambda: None


class Wirings:
    """The wirings of a client, by the numbers of their partitions.

    ``bounds`` are those of its catch-ups (None: there are none), ``heard`` is called with the ``Date`` of each answer
    of Discord.
    """

    def __init__(
        self,
        wirings: Mapping[int, Wiring],
        sharding: Sharding,
        bounds: Bounds | None,
        heard: Callable[[str | None], None],
    ) -> None:
        self._wirings = wirings
        self._sharding = sharding
        self.bounds = bounds
        self.heard = heard

    def of(self, guild_id: int | None) -> Wiring:
        """Return the wiring for a server (None: direct messages); raise LookupError where it is another shard's."""
        return self._wirings[self._sharding.partition_of(guild_id)]

    def __iter__(self) -> Iterator[Wiring]:
        return iter(self._wirings.values())
