"""Adding to the end of a topic of Kafka; see bot/engines/kafka/topics.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bot.eventlog.remote.port import Unsure

TIMEOUT = 5.0
"""Seconds for one question, and for connecting."""
CLOSING = 1.5
"""Seconds."""

Options = Mapping[str, Any]
"""With what every client of aiokafka is made: addresses, TLS, and how to log in."""


class Sending:
    """A connection that adds to a topic, made when it is needed."""

    def __init__(self, options: Options, place: TopicPartition) -> None:
        self._options = options
        self._place = place
        self._producer: AIOKafkaProducer | None = None
        self._asked: tuple[object, ...] = ()
        self._answer: asyncio.Future[Any] | None = None

    async def add(self, key: bytes, value: bytes | None, **headers: bytes) -> int:
        """Add bytes at the end; return their offset. They are durable on return.

        Raises Unsure. The same bytes are not sent again while the driver, which drops repeats, still tries to.
        """
        async with speaking(self.drop):
            if self._producer is None:
                producer = AIOKafkaProducer(**self._options, enable_idempotence=True, retry_backoff_ms=50)
                await started(producer)
                self._producer = producer
            asked = (key, value, headers)
            if self._asked != asked or self._answer is None:
                self._answer = await self._producer.send(
                    self._place.topic, value, key, partition=self._place.partition, headers=list(headers.items())
                )
                self._asked = asked
                self._answer.add_done_callback(_seen)
            sent = await asyncio.shield(self._answer)
            self._answer = None
            return int(sent.offset)

    async def drop(self, error: Exception | None = None) -> None:
        """Let go of the connection, without waiting for what is on its way.

        After an ``error`` that says only that it takes long, the driver goes on: it would be there twice otherwise.
        """
        if self._producer is not None and not (self._answer and isinstance(error, TimeoutError)):
            producer, self._producer, self._answer = self._producer, None, None
            await _end(producer)


@asynccontextmanager
async def speaking(drop: Callable[[Exception], Awaitable[None]]) -> AsyncIterator[None]:
    """Raise Unsure whatever goes wrong, without the driver's words; ``drop`` is for connections that may be broken."""
    try:
        async with asyncio.timeout(TIMEOUT):
            yield
    except Exception as error:  # noqa: BLE001 - the driver raises errors of many kinds, AssertionError among them
        await drop(error)
        raise Unsure(type(error).__name__) from None


def _seen(answer: asyncio.Future[Any]) -> None:
    """Look at an answer for which nobody waits any more, so that asyncio does not complain."""
    if not answer.cancelled():
        answer.exception()


async def started(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Start a client, or leave nothing of it."""
    try:
        await client.start()
    except BaseException:
        with suppress(Exception):
            await asyncio.wait_for(client.stop(), CLOSING)
        raise


async def _end(producer: AIOKafkaProducer) -> None:
    """Close a producer. Its own stop() would first wait until all is sent, which may never be."""
    with suppress(Exception):
        async with asyncio.timeout(CLOSING):
            producer._closed = True  # noqa: SLF001
            await producer._sender.close()  # noqa: SLF001
    with suppress(Exception):
        await producer.client.close()
