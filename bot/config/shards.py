"""The settings of partitions and shards."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from bot.config.section import Section
from bot.config.values import Positive, Whole
from bot.core.sharding import Sharding

PARTITIONS = "a power of two from 1 to 1024; it is chosen when the log begins"
TOTAL = "a number of shards that divides shards.partitions: 1, 2, 4 and so on up to it"
SHARD_IDS = "a list of numbers of shards, each from 0 on and below shards.total"
MOST = 1024


def _power_of_two(value: int) -> int:
    if value & (value - 1) or value > MOST:
        raise ValueError
    return value


def _divides(value: int, info: ValidationInfo) -> int:
    if info.data.get("partitions", value) % value:
        raise ValueError
    return value


def _below_total(value: int, info: ValidationInfo) -> int:
    if not 0 <= value < info.data.get("total", value + 1):
        raise ValueError
    return value


def _as_number(value: object) -> object:
    """Read a number from a variable, in which lists are texts."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value


ShardId: TypeAlias = Annotated[Whole, BeforeValidator(_as_number), AfterValidator(_below_total)]


class ShardsSettings(Section):
    """Into how many partitions the log is divided, among how many shards, and which of these this process runs."""

    partitions: Annotated[Positive, AfterValidator(_power_of_two)] = Field(1, description=PARTITIONS)
    total: Annotated[Positive, AfterValidator(_divides)] = Field(1, description=TOTAL)
    ids: tuple[ShardId, ...] = Field((), description=SHARD_IDS)

    @property
    def sharding(self) -> Sharding:
        """Return the rule that says where a server belongs."""
        return Sharding(self.partitions, self.total)

    @property
    def here(self) -> tuple[int, ...]:
        """Return the shards of this process: all, unless ``ids`` names some."""
        return tuple(sorted(set(self.ids))) or tuple(range(self.total))
