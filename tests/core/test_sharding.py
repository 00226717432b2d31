"""Which partition keeps a server, and which shard brings its events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.sharding import Sharding

GUILDS = st.integers(min_value=1, max_value=2**63 - 1)


@st.composite
def shardings(draw: st.DrawFn) -> Sharding:
    """Return any number of partitions, and any number of shards that divides it."""
    partitions = draw(st.integers(0, 10))
    return Sharding(2**partitions, 2 ** draw(st.integers(0, partitions)))


@given(shardings(), GUILDS)
def test_the_shard_that_brings_a_servers_events_owns_its_partition(sharding: Sharding, guild_id: int) -> None:
    """By Discord's own formula (docs: gateway, "Sharding")."""
    shard = (guild_id >> 22) % sharding.total

    assert sharding.partition_of(guild_id) in sharding.owned_by(shard)
    assert sharding.shard_of(sharding.partition_of(guild_id)) == shard


@given(shardings())
def test_each_partition_has_one_shard(sharding: Sharding) -> None:
    """None is forgotten, none is owned twice."""
    owned = [partition for shard in range(sharding.total) for partition in sharding.owned_by(shard)]

    assert sorted(owned) == list(range(sharding.partitions))


@given(shardings(), st.integers(0, 10), GUILDS)
def test_another_number_of_shards_moves_no_history(sharding: Sharding, power: int, guild_id: int) -> None:
    """A server's partition does not depend on it."""
    other = Sharding(sharding.partitions, min(2**power, sharding.partitions))

    assert sharding.partition_of(guild_id) == other.partition_of(guild_id)


@given(shardings())
def test_direct_messages_are_of_shard_0(sharding: Sharding) -> None:
    """Discord gives them to that shard, and the log to the first partition."""
    assert sharding.shard_of(sharding.partition_of(None)) == 0


def test_a_log_that_is_not_divided_has_one_partition() -> None:
    """Which the one shard owns."""
    assert Sharding().owned_by(0) == (0,)
    assert Sharding().partition_of(41771983423143937) == 0
