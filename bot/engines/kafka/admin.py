"""Topics of Kafka are made here, and their settings are read. See bot/engines/kafka/topics.py for what is in them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from bot.engines.kafka.sending import TIMEOUT, Options
from bot.errors import LogUnwritable
from bot.eventlog.remote.port import Unsure

REPLICAS = 3
"""Of a topic that is made, where there are so many brokers."""
LARGEST = 1_048_588
"""Bytes of a record with its key and headers: what Kafka takes by default."""

KEPT = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
"""The settings of a topic that loses nothing."""
NEWEST_KEPT = {"cleanup.policy": "compact"}
"""The settings of a topic that loses what was replaced."""


async def make(options: Options, wanted: Mapping[str, Mapping[str, str]]) -> None:
    """Make the topics that are missing, with their settings. Raises Unsure."""
    async with _asking(options) as admin:
        brokers = len((await admin.describe_cluster())["brokers"])
        there = await admin.list_topics()
        missing = [(name, settings) for name, settings in wanted.items() if name not in there]
        # More replicas than one are of use only where a record has to reach a second one.
        safe = {"min.insync.replicas": str(min(2, brokers)), "max.message.bytes": str(LARGEST)}
        if missing:
            await admin.create_topics(
                [NewTopic(name, 1, min(REPLICAS, brokers), topic_configs={**safe, **own}) for name, own in missing]
            )


async def settings(options: Options, names: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the settings of those topics that are there and may be seen. Raises Unsure."""
    async with _asking(options) as admin:
        there = set(await admin.list_topics())
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names if name in there]
        answers = await admin.describe_configs(asked) if asked else []
        return {
            resource[3]: {entry[0]: str(entry[1]) for entry in resource[4]}
            for answer in answers
            for resource in answer.resources
        }


def _lost_by(wanted: Mapping[str, Mapping[str, str]], found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return a sentence for each topic that is missing, and for each setting by which one would lose records."""
    sentences = [
        f"the topic {name} is not there, and may not be made: make it, with one partition"
        for name in wanted
        if name not in found
    ]
    return sentences + [
        f"the topic {name} has {setting} = {there} and would lose records: set it to {value}"
        for name, settings in wanted.items()
        for setting, value in settings.items()
        if (there := found.get(name, {}).get(setting, value)) != value
    ]


def require_kept(wanted: Mapping[str, Mapping[str, str]], found: Mapping[str, Mapping[str, str]]) -> None:
    """Raise LogUnwritable where topics would lose records, or are missing."""
    if lost := _lost_by(wanted, found):
        raise LogUnwritable(f"The log can't be kept in Kafka as it is: {'; '.join(lost)}.")


def weak_by(found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return a sentence for each setting by which a topic may lose what it has acknowledged, or refuse a record."""
    sentences = []
    for name, settings in found.items():
        if settings.get("min.insync.replicas", "2") in {"0", "1"}:
            sentences.append(
                f"the topic {name} has min.insync.replicas = 1: a record that is on one broker counts as kept, and is "
                "lost with it; set it to 2, with 3 replicas"
            )
        if settings.get("unclean.leader.election.enable") == "true":
            sentences.append(f"the topic {name} has unclean.leader.election.enable = true: set it to false")
        if int(settings.get("max.message.bytes", LARGEST)) < LARGEST:
            sentences.append(f"the topic {name} refuses large records: set its max.message.bytes to {LARGEST}")
    return sentences


@asynccontextmanager
async def _asking(options: Options) -> AsyncIterator[AIOKafkaAdminClient]:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it writes a line for each try, and raises it as well
    admin = AIOKafkaAdminClient(**options)
    try:
        async with asyncio.timeout(TIMEOUT):
            await admin.start()
            yield admin
    except Exception as error:  # noqa: BLE001 - the driver raises errors of many kinds
        raise Unsure(type(error).__name__) from None
    finally:
        with suppress(Exception):
            await admin.close()
