"""Which partition of the log keeps a server, and which shard of Discord's brings its events. Pure.

Discord gives the events of a server to shard ``(guild_id >> 22) % total``, and those of direct messages to shard 0
(docs/discord-facts.md, 1.2). The log divides servers by the same rule into partitions, whose number is a multiple of
``total``. So the events of one partition all come by one shard, and another ``total`` moves no history.
"""

from __future__ import annotations

from dataclasses import dataclass

TIME_SHIFT = 22
"""The bits of an id below its time."""


@dataclass(frozen=True, slots=True)
class Sharding:
    """The number of partitions, a power of two, and the number of shards, which divides it."""

    partitions: int = 1
    total: int = 1

    def partition_of(self, guild_id: int | None) -> int:
        """Return the partition of a server; direct messages (None) are in partition 0."""
        return (guild_id >> TIME_SHIFT) % self.partitions if guild_id else 0

    def shard_of(self, partition: int) -> int:
        """Return the shard that brings the events of a partition."""
        return partition % self.total

    def owned_by(self, shard: int) -> tuple[int, ...]:
        """Return the partitions of a shard, in their order."""
        return tuple(range(shard, self.partitions, self.total))
