"""A broker that speaks Kafka's protocol, started by a test: ``noida-db``, or the one that ECHOLESS_TEST_KAFKA names.

Of what PyPI, npm and Debian have it is the one with transactions, control records and fencing. It has a fault that
Kafka has not: a reader of what is committed gets nothing from an offset behind an aborted transaction, so tests read
topics from their first offset on.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bot.sandbox.child_process import tethered
from tests.ports import free_port

VARIABLE = "ECHOLESS_TEST_KAFKA"
GIVEN = os.environ.get(VARIABLE, "")
MISSING = f"needs aiokafka and noida-db, or a broker in {VARIABLE}"


def startable() -> bool:
    """Tell whether a broker of our own can be started."""
    return bool(find_spec("aiokafka") and find_spec("noida_db"))


def available() -> bool:
    """Tell whether there can be a broker."""
    return bool(find_spec("aiokafka") and GIVEN) or startable()


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Run a broker that keeps its data in a folder; yield its address."""
    if GIVEN:
        yield GIVEN
        return
    port = free_port()
    with serving(folder, port) as address:
        yield address


@contextmanager
def serving(folder: Path, port: int) -> Iterator[str]:
    """Run a broker of our own at a port."""
    found = find_spec("noida_db")
    assert found is not None
    assert found.origin is not None
    program = Path(found.origin).with_name("noida-db")
    program.chmod(0o755)
    command = (program, "start", "--data-dir", folder, "--only", "kafka", "--kafka-port", port)
    process = subprocess.Popen(tethered(*map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert process.poll() is None
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()  # it saves what it has only then
        process.wait()


async def committed(address: str, topic: str) -> list[Any]:
    """Return the records of a topic that a reader of what is committed gets, partition by partition, in order."""
    from aiokafka import AIOKafkaConsumer, TopicPartition  # noqa: PLC0415 - it may be missing

    consumer = AIOKafkaConsumer(bootstrap_servers=address, isolation_level="read_committed", enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = await consumer._client._wait_on_metadata(topic)
        found = []
        for partition in sorted(TopicPartition(topic, each) for each in partitions):
            consumer.assign([partition])
            consumer.seek(partition, 0)
            end = (await consumer.end_offsets([partition]))[partition]
            while await consumer.position(partition) < end:
                found += (await consumer.getmany(partition, timeout_ms=50)).get(partition, [])
        return found
    finally:
        await consumer.stop()
