"""The engines that tests know by an address: a URI whose scheme is the engine's name.

DynamoDB is played by ``ministack``, Kafka by ``noida-db``, unless ECHOLESS_TEST_DYNAMODB names somebody's own endpoint
("https://dynamodb.eu-central-1.amazonaws.com", with AWS's own variables) and ECHOLESS_TEST_KAFKA a broker. An emulator
says nothing about how fast or how durable the real one is.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from bot.engines.dynamodb.partition import DynamodbPartition
from bot.engines.kafka.partition import KafkaPartition
from bot.engines.postgresql import PostgresqlPartition
from bot.eventlog.remote.port import Partition
from tests.engines.keeper import serving
from tests.engines.server import running as postgresql
from tests.ports import free_port

GIVEN = {name: os.environ.get(f"ECHOLESS_TEST_{name.upper()}", "") for name in ("dynamodb", "kafka")}
"""Somebody's own, in place of those that are started. Read before tests hide it."""
NOBODY = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1"}


def partition_of(address: str) -> Partition:
    """Return a connection to the log at an address."""
    parts = urlsplit(address)
    log = parts.path.strip("/")
    if parts.scheme.startswith("dynamodb"):
        return DynamodbPartition(log, endpoint=f"{parts.scheme.partition('+')[2]}://{parts.netloc}")
    if parts.scheme == "kafka":
        return KafkaPartition({"bootstrap_servers": parts.netloc}, log)
    return PostgresqlPartition(address)


@contextmanager
def dynamodb() -> Iterator[str]:
    """Yield the address of a DynamoDB; raise ImportError where none is named and there is no package to start one."""
    if GIVEN["dynamodb"]:
        yield f"dynamodb+{GIVEN['dynamodb']}"
        return
    if not find_spec("ministack"):
        raise ImportError("ministack is not installed")
    for name, value in NOBODY.items():
        os.environ.setdefault(name, value)
    port = free_port()
    program = str(Path(sys.executable).with_name("ministack"))
    environ = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    with (
        tempfile.TemporaryDirectory(prefix="echoless-dynamodb-") as folder,
        serving(program, port=port, environ=environ, folder=folder),
    ):
        yield f"dynamodb+http://127.0.0.1:{port}"


@contextmanager
def kafka() -> Iterator[str]:
    """Yield the address of a Kafka; raise ImportError where none is named and there is no package to start one."""
    if GIVEN["kafka"]:
        yield f"kafka://{GIVEN['kafka']}"
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="echoless-kafka-") as folder:
        command = kafka_command(Path(folder), port)
        if command is None:
            raise ImportError("noida-db is not installed")
        with serving(*command, port=port, environ={}, folder=folder):
            yield f"kafka://127.0.0.1:{port}"


def kafka_command(folder: Path, port: int) -> tuple[str, ...] | None:
    """Return the command that runs a broker, None where there is none."""
    found = find_spec("noida_db")
    if found is None or found.origin is None:
        return None
    program = Path(found.origin).with_name("noida-db")
    program.chmod(0o755)
    return (str(program), "start", "--data-dir", str(folder), "--only", "kafka", "--kafka-port", str(port))


SERVERS: Mapping[str, Callable[[], AbstractContextManager[str]]] = {
    "postgresql": postgresql,
    "dynamodb": dynamodb,
    "kafka": kafka,
}


def own(address: str) -> str:
    """Return the address of a new log in a server that has no schemas."""
    return f"{address}/echoless-{uuid4().hex}"
