"""Topics of Kafka: bytes are added at their end, and read again from an offset on.

With sending.py and admin.py the only module that speaks to the driver, aiokafka, whose errors do not leave them. There
are no transactions and no consumer group here: chain.py tells by the order of a topic what counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from bot.engines.kafka.sending import CLOSING, Options, Sending, speaking, started

WAIT_MS = 20
"""How long a broker holds a question that it can't answer yet: the next one, from another offset, waits for it."""
PAGE_BYTES = 4_000_000


class Found(NamedTuple):
    """What stands at an offset."""

    offset: int
    key: bytes
    value: bytes | None
    headers: Mapping[str, bytes]


class Topic:
    """One partition of a topic, with a connection to write and one to read, made when they are needed."""

    def __init__(self, options: Options, name: str, part: int) -> None:
        self._options = options
        self._place = TopicPartition(name, part)
        self._turn = asyncio.Lock()
        self._sending = Sending(options, self._place)
        self._consumer: AIOKafkaConsumer | None = None
        self._at = -1

    async def ends(self) -> tuple[int, int]:
        """Return the first offset and the one after the last, of what all replicas in sync have. Raises Unsure."""
        async with self._turn, speaking(self._drop_consumer):
            consumer = await self._reading()
            first = await consumer.beginning_offsets([self._place])
            return first[self._place], (await consumer.end_offsets([self._place]))[self._place]

    async def page(self, start: int, end: int) -> tuple[list[Found], int]:
        """Return the next that there is from ``start`` on, before ``end``, and where to go on. Raises Unsure."""
        async with self._turn, speaking(self._drop_consumer):
            consumer = await self._reading()
            if self._at != start:
                consumer.seek(self._place, start)
            consumer.resume(self._place)
            self._at = -1  # unknown to whoever comes after a caller that goes away
            found: list[Found] = []
            at = start
            while not found and at < end:
                records = (await consumer.getmany(self._place, timeout_ms=200)).get(self._place, [])
                at = await consumer.position(self._place)
                found = [
                    Found(each.offset, each.key or b"", each.value, dict(each.headers))
                    for each in records
                    if start <= each.offset < end
                ]
            # Nothing is asked for while nobody reads.
            consumer.pause(self._place)
            self._at = at
            return found, min(at, end)

    async def add(self, key: bytes, value: bytes | None, **headers: bytes) -> int:
        """Add bytes at the end; see :meth:`bot.engines.kafka.sending.Sending.add`."""
        return await self._sending.add(key, value, **headers)

    async def close(self) -> None:
        """Let go of the connections, without waiting for what is on its way."""
        await self._sending.drop()
        await self._drop_consumer()

    async def _drop_consumer(self, _error: Exception | None = None) -> None:
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            with suppress(Exception):
                await asyncio.wait_for(consumer.stop(), CLOSING)

    async def _reading(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **self._options,
                enable_auto_commit=False,
                auto_offset_reset="none",
                fetch_max_wait_ms=WAIT_MS,
                max_partition_fetch_bytes=PAGE_BYTES,
            )
            await started(consumer)
            consumer.assign([self._place])
            consumer.pause(self._place)
            self._consumer, self._at = consumer, -1
        return self._consumer
