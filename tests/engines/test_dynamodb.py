"""What is DynamoDB's own: the keys of its table, and what its user may do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiobotocore.session import get_session

from bot.errors import LogUnwritable
from bot.eventlog.remote.port import Partition
from tests.engines.conftest import Made

Client = Any
"""A client of the driver, which has no types."""


@pytest.fixture
def engine_name() -> str:
    """Name the engine."""
    return "dynamodb"


@pytest.fixture
async def client(address: str) -> AsyncIterator[Client]:
    """Return what makes tables."""
    parts = urlsplit(address)
    async with get_session().create_client("dynamodb", endpoint_url=f"http://{parts.netloc}") as made:
        yield made


@pytest.fixture
async def partition(made: Made) -> AsyncIterator[Partition]:
    """Return a partition that nobody has opened."""
    made_partition = made()
    yield made_partition
    await made_partition.close()


async def test_a_table_with_other_keys_is_refused(partition: Partition, client: Client, address: str) -> None:
    """It is of something else."""
    await client.create_table(
        TableName=urlsplit(address).path.split("/")[1],
        KeySchema=[{"AttributeName": "part", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "part", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    for asking in (partition.open, partition.faults):
        with pytest.raises(LogUnwritable, match="has other keys than part"):
            await asking()


async def test_a_table_that_one_call_deletes_is_told(partition: Partition, client: Client, address: str) -> None:
    """What is not made yet is no fault, and looking changes nothing."""
    assert await partition.faults() == []
    await partition.open()
    (fault,) = await partition.faults()
    assert "no deletion protection" in fault
    name = urlsplit(address).path.split("/")[1]
    assert (await client.scan(TableName=name))["Items"] == []
    await client.update_table(TableName=name, DeletionProtectionEnabled=True)
    assert await partition.faults() == []
