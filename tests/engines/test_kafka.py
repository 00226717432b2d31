"""What is Kafka's own: which records of a topic count, what becomes of words, and topics that lose records."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from bot.engines.kafka import sending
from bot.engines.kafka.partition import KafkaPartition
from bot.engines.kafka.topics import Topic
from bot.errors import LogUnwritable
from bot.eventlog.remote.port import NOTHING, Entry, Fenced, Partition, Unsure, digest_of
from bot.sandbox.child_process import tethered
from tests.engines.conftest import Made
from tests.engines.emulators import kafka_command
from tests.engines.keeper import wait_for
from tests.ports import free_port


@pytest.fixture
def engine_name() -> str:
    """Name the engine."""
    return "kafka"


@pytest.fixture
async def partition(made: Made) -> AsyncIterator[Partition]:
    """Return an empty partition."""
    made_partition = made()
    await made_partition.open()
    yield made_partition
    await made_partition.close()


@pytest.fixture
async def admin(address: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """Return what changes topics."""
    client = AIOKafkaAdminClient(bootstrap_servers=urlsplit(address).netloc)
    await client.start()
    yield client
    await client.close()


@pytest.fixture
async def words(address: str) -> AsyncIterator[Topic]:
    """Return the topic of the words, as anybody sees it."""
    parts = urlsplit(address)
    topic = Topic({"bootstrap_servers": parts.netloc}, f"{parts.path[1:]}-words", 0)
    yield topic
    await topic.close()


async def read(partition: Partition) -> list[Entry]:
    """Return all records that count."""
    return [entry async for entry in partition.read(0, NOTHING, "")]


async def kept(words: Topic) -> dict[bytes, bytes | None]:
    """Return what Kafka keeps of the words once it has compacted them."""
    first, end = await words.ends()
    found: dict[bytes, bytes | None] = {}
    while first < end:
        page, first = await words.page(first, end)
        found |= {each.key: each.value for each in page}
    return found


async def test_what_was_sent_twice_or_too_late_does_not_count(made: Made, partition: Partition) -> None:
    """The topic holds it, and everybody reads the same records."""
    late = made()
    await partition.append(1, b"one", None)
    assert len(await read(late)) == 1
    await partition.append(2, b"two", None)
    with pytest.raises(Fenced):
        await late.append(2, b"late", b"words of a record that does not count")
    place = await partition.append(3, b"three", b"words")

    assert [b"one", b"two", b"three"] == [entry.facts for entry in await read(partition)]
    assert await read(late) == await read(partition)
    assert place == (await read(late))[-1].place
    await late.close()


async def test_words_without_a_record_go(made: Made, partition: Partition, words: Topic) -> None:
    """Their owner died before the record, or was too late; the next record that counts takes them away."""
    await partition.append(1, b"one", b"first words")
    await words.add(digest_of(b"never"), b"of one who died")
    late = made()
    assert len(await read(late)) == 1
    await partition.append(2, b"two", None)
    with pytest.raises(Fenced):
        await late.append(2, b"late", b"of one who was too late")
    assert sum(value is not None for value in (await kept(words)).values()) == 3
    await partition.append(3, b"three", b"third words")

    left = {digest_of(b"one"): b"first words", digest_of(b"three"): b"third words"}
    assert left == {key: value for key, value in (await kept(words)).items() if value is not None}
    assert [b"first words", None, b"third words"] == [entry.words for entry in await read(late)]
    await late.close()


async def test_words_that_kafka_has_forgotten_are_found_further_on(
    made: Made, partition: Partition, admin: AIOKafkaAdminClient, address: str
) -> None:
    """Others took their place, and compaction deleted the first ones."""
    places = [await partition.append(seq, b"%d" % seq, b"words %d" % seq) for seq in (1, 2, 3)]
    assert await partition.rewrite(1, places[0], b"words 1", b"fewer")
    assert await partition.rewrite(2, places[1], b"words 2", None)
    name = f"{urlsplit(address).path[1:]}-words"
    # Compaction deletes them at some time of its own choice.
    policy = ConfigResource(ConfigResourceType.TOPIC, name, configs={"cleanup.policy": "delete"})
    await admin.alter_configs([policy])
    await admin.delete_records({TopicPartition(name, 0): RecordsToDelete(2)})

    other = made()
    assert [b"fewer", None, b"words 3"] == [entry.words for entry in await read(other)]
    assert [b"fewer", None, b"words 3"] == [await other.words(seq, place) for seq, place in enumerate(places, 1)]
    await other.close()


async def test_who_may_have_lost_the_log_rewrites_nothing(made: Made, partition: Partition) -> None:
    """Its words may be those that the new owner has erased."""
    place = await partition.append(1, b"one", b"words")
    other = made()
    assert len(await read(other)) == 1
    await other.append(2, b"a claim", None)

    with pytest.raises(Unsure, match="another process"):
        await partition.rewrite(1, place, b"words", b"fewer")
    assert await other.rewrite(1, place, b"words", None)
    await other.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Return the address and the process of a broker that can be stopped."""
    port = free_port()
    command = kafka_command(tmp_path, port)
    if command is None:
        pytest.skip("noida-db is not installed here, and a broker of somebody else is not to be stopped")
    with subprocess.Popen(tethered(*command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(port)
        yield f"127.0.0.1:{port}", process.pid
        process.kill()


async def test_an_answer_that_takes_long_is_waited_for(
    broker: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver still tries, and drops repeats; what is sent anew would be there twice."""
    address, pid = broker
    options = {"bootstrap_servers": address}
    partition, facts, words = KafkaPartition(options, "log"), Topic(options, "log", 0), Topic(options, "log-words", 0)
    await partition.open()
    await partition.append(1, b"one", b"words of one")
    os.kill(pid, signal.SIGSTOP)
    os.waitpid(pid, os.WUNTRACED)  # else it may answer once more
    with monkeypatch.context() as patched:
        patched.setattr(sending, "TIMEOUT", 0.1)
        for _ in range(3):
            with pytest.raises(Unsure, match="TimeoutError"):
                await partition.append(2, b"two", b"words of two")
    os.kill(pid, signal.SIGCONT)
    await partition.append(2, b"two", b"words of two")

    assert [(b"one", b"words of one"), (b"two", b"words of two")] == [(x.facts, x.words) for x in await read(partition)]
    assert [(0, 2), (0, 2)] == [await facts.ends(), await words.ends()]
    for each in (partition, facts, words):
        await each.close()


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [("retention.ms", "604800000", "set it to -1"), ("cleanup.policy", "compact", "set it to delete")],
)
async def test_topics_that_lose_records_are_refused(
    made: Made, admin: AIOKafkaAdminClient, address: str, setting: str, value: str, told: str
) -> None:
    """Also where somebody else made them."""
    name = urlsplit(address).path[1:]
    await admin.create_topics([NewTopic(name, 1, 1, topic_configs={setting: value})])
    partition = made()

    for asking in (partition.open, partition.faults):
        with pytest.raises(LogUnwritable, match=f"has {setting} = {value} and would lose records: {told}"):
            await asking()
    await partition.close()


async def test_weak_settings_are_told(partition: Partition, admin: AIOKafkaAdminClient, address: str) -> None:
    """Each topic, once; what is not made yet is none."""
    assert isinstance(partition, KafkaPartition)
    faults = await partition.faults()
    brokers = len((await admin.describe_cluster())["brokers"])
    assert len(faults) == (3 if brokers == 1 else 0)
    assert all("min.insync.replicas = 1" in fault and urlsplit(address).path[1:] in fault for fault in faults)
    unmade = KafkaPartition({"bootstrap_servers": urlsplit(address).netloc}, f"{urlsplit(address).path[1:]}-unmade")
    assert await asyncio.wait_for(unmade.faults(), 10) == []
    await unmade.close()
