"""The way to Kafka: a transactional producer, and the mark in a topic of its own that says what is there already.

The only importer of aiokafka, whose errors do not leave it. A mark is written in the transaction of the events that it
speaks of, so both are there or neither. It is a record of a compacted topic, and no offset of a consumer group: those
expire (``offsets.retention.minutes``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from bot.consumers.consumer import Away, Refused, Stop
from bot.consumers.kafka.mark import Mark
from bot.consumers.kafka.settings import Place

PATIENCE = 30.0
"""Seconds to open a link, and for a transaction."""
TRANSACTION_MS = 60_000
"""After this Kafka aborts a transaction by itself, and its readers go on. Longer than PATIENCE."""
BATCH_BYTES = 256 * 1024
"""Bytes that go into a partition at once: more than the driver's 16 KiB, because a transaction is sent at its end."""
RETRY_MS = 200
LOOKS = 20
"""For a topic that was made just now, so many pauses long."""
MARKS = {"cleanup.policy": "compact", "segment.bytes": "10485760"}
"""How the topic of the marks is kept. Only segments that are full are compacted."""
CLOSING = 1.5
"""Seconds."""
TAILS = (100, 10_000)
"""How many of the newest offsets of the marks are read first: the newest mark is usually among them."""
REPLICAS = 3
"""Of a topic that has to be made, where there are so many brokers."""

_SETTLING = frozenset((errors.UnknownTopicOrPartitionError.errno, errors.LeaderNotAvailableError.errno))
_FENCED = (errors.ProducerFenced, errors.InvalidProducerEpoch, errors.TransactionCoordinatorFenced)
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordTooLargeError, errors.RecordListTooLargeError)
_FORBIDDEN = (
    errors.TopicAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.TransactionalIdAuthorizationFailed,
)
_UNREACHED = (errors.KafkaConnectionError, errors.NoBrokersAvailable, errors.NodeNotReadyError, OSError)
_UNKNOWN_USER = (
    errors.SaslAuthenticationFailed,
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
)


class Fact(NamedTuple):
    """A record of the topic."""

    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class Link:
    """An open producer with the mark that it found; it is of no more use once :meth:`write` has failed."""

    def __init__(self, place: Place, transactional_id: str) -> None:
        self.mark = Mark()
        self.usable = False
        self._place = place
        self._id = transactional_id
        # It writes a line for each try, and raises what it has to say.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        self._producer = AIOKafkaProducer(
            **place.options,
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_MS,
            max_batch_size=BATCH_BYTES,
            retry_backoff_ms=RETRY_MS,
        )

    async def open(self) -> None:
        """Make the topics that are not there, end what others of this id have begun, and read the newest mark."""
        async with self._speaking():
            await _prepare_topics(self._place)
            # It ends the open transaction of whoever had this id, and waits for one that is being committed.
            await self._producer.start()
            self.mark = await _newest_mark(self._place, self._id.encode())
        self.usable = True

    async def write(self, facts: Sequence[Fact], mark: Mark) -> None:
        """Add records and the mark that speaks of them: all of them or none. Raises Away, Refused or Stop."""
        self.usable = False
        async with self._speaking():
            await self._producer.begin_transaction()
            sent: list[asyncio.Future[object]] = []
            try:
                for each in facts:
                    sent.append(await self._send(self._place.topic, each))  # noqa: PERF401 - kept where one fails
                sent.append(await self._send(self._place.marks, Fact(self._id.encode(), mark.to_bytes(), ())))
                # The driver does not keep a transaction from being committed whose records were refused.
                await asyncio.gather(*sent)
                await self._producer.commit_transaction()
            except Exception as error:  # noqa: BLE001 - it is raised, or what is behind it
                raise _cause(sent, error) from None
        self.mark, self.usable = mark, True

    async def _send(self, topic: str, fact: Fact) -> asyncio.Future[object]:
        sent: asyncio.Future[object] = await self._producer.send(topic, fact.value, fact.key, headers=fact.headers)
        return sent

    async def close(self) -> None:
        """Let go of the connections; a transaction that is open is aborted by the next link, or by Kafka in time."""
        self.usable = False
        with suppress(Exception):
            async with asyncio.timeout(CLOSING):
                # Its own stop() would first wait until all is sent, and leave a task behind where that can't be.
                self._producer._closed = True  # noqa: SLF001
                await self._producer._sender.close()  # noqa: SLF001
        with suppress(Exception):
            await self._producer.client.close()

    @asynccontextmanager
    async def _speaking(self) -> AsyncIterator[None]:
        with _in_our_words(self._place, self._id):
            async with asyncio.timeout(PATIENCE):
                yield


def _cause(sent: Sequence[asyncio.Future[object]], error: Exception) -> BaseException:
    """Return what went wrong: once a record has failed, the driver says only that it is in no transaction."""
    failed = [found for each in sent if each.done() and not each.cancelled() and (found := each.exception())]
    return failed[0] if failed else error


@contextmanager
def _in_our_words(place: Place, transactional_id: str) -> Iterator[None]:
    """Turn what the driver raises into what a consumer may raise; its words may hold a record, so they are left out."""
    try:
        yield
    except (Away, Refused, Stop):
        raise
    except _FENCED:
        raise Stop(
            f"another producer has taken its id {transactional_id}: see that one bot alone uses it, or set another "
            "consumers.kafka.transactional_id, and restart the bot"
        ) from None
    except _TOO_LARGE:
        raise Refused("its record is larger than Kafka or this producer takes") from None
    except _FORBIDDEN as error:
        raise Away(
            f"Kafka does not allow it ({type(error).__name__}): allow its user to write and describe the topic "
            f"{place.topic}, to read, write and describe {place.marks}, and the transactional id {transactional_id}"
        ) from None
    except _UNKNOWN_USER as error:
        raise Away(
            f"Kafka does not let it in ({type(error).__name__}): check sasl, username and password of [consumers.kafka]"
        ) from None
    except TimeoutError:
        raise Away(f"Kafka took longer than {PATIENCE:g} s") from None
    except _UNREACHED as error:
        raise Away(f"Kafka can't be reached ({type(error).__name__})") from None
    except Exception as error:  # noqa: BLE001 - the driver raises errors of many kinds, AssertionError among them
        raise Away(f"Kafka can't be used ({type(error).__name__})") from None


async def _prepare_topics(place: Place) -> None:
    """Make the topics that are not there, and see that each keeps what it has to; raise Stop where one does not."""
    admin = AIOKafkaAdminClient(**place.options)
    try:
        await admin.start()
        replicas = min(REPLICAS, len((await admin.describe_cluster())["brokers"]))
        marks = NewTopic(place.marks, 1, replicas, topic_configs=MARKS)
        await admin.create_topics([NewTopic(place.topic, place.partitions, replicas), marks])
        missing = await _missing(admin, place)
        policies = [await _policy(admin, topic) for topic in (place.topic, place.marks)]
    finally:
        await admin.close()
    if missing:
        raise Away(
            f"the topics {place.topic} and {place.marks} are not there, and it may not make or see them (Kafka's error "
            f"{missing[0]}): make the second with one partition and cleanup.policy=compact"
        )
    if "compact" in policies[0]:
        raise Stop(f"the topic {place.topic} is compacted, and would lose events: set its cleanup.policy to delete")
    if policies[1] and "compact" not in policies[1]:
        raise Stop(f"the topic {place.marks} would lose its place: set its cleanup.policy to compact")


async def _missing(admin: AIOKafkaAdminClient, place: Place) -> list[int]:
    """Return the errors of topics that can't be used; a new one takes the brokers a moment."""
    found: list[int] = []
    for _ in range(LOOKS):
        topics = await admin.describe_topics([place.topic, place.marks])
        found = [each["error_code"] for each in topics if each["error_code"]]
        if not set(found) & _SETTLING:
            break
        await asyncio.sleep(RETRY_MS / 1000)
    return found


async def _policy(admin: AIOKafkaAdminClient, topic: str) -> str:
    """Return how a topic is cleaned up; "" where nobody tells."""
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    entries = [entry for resource in answer.resources for entry in resource[4]]
    return next((str(entry[1]) for entry in entries if entry[0] == "cleanup.policy"), "")


async def _newest_mark(place: Place, key: bytes) -> Mark:
    """Return the newest committed mark under a key."""
    marks = TopicPartition(place.marks, 0)
    consumer = AIOKafkaConsumer(
        **place.options, isolation_level="read_committed", enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        consumer.assign([marks])
        first = (await consumer.beginning_offsets([marks]))[marks]
        end = (await consumer.end_offsets([marks]))[marks]
        for start in (*(end - tail for tail in TAILS if end - tail > first), first):
            consumer.seek(marks, start)
            found = await _newest(consumer, marks, key)
            if found is not None:
                return Mark.of(found)
        return Mark()
    finally:
        await consumer.stop()


async def _newest(consumer: AIOKafkaConsumer, marks: TopicPartition, key: bytes) -> bytes | None:
    """Return the newest value under a key from the consumer's position on.

    It reads up to the high watermark of the first answer, and not to the last stable offset: another bot's open
    transaction may hide a mark of ours until it ends.
    """
    newest, goal = None, None
    while goal is None or await consumer.position(marks) < goal:
        records = (await consumer.getmany(marks, timeout_ms=100)).get(marks, [])
        newest = next((record.value for record in reversed(records) if record.key == key), newest)
        goal = consumer.highwater(marks) if goal is None else goal
    return newest
