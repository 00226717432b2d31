"""Events in a topic of a real broker: each once for a reader of what is committed, each channel's in order."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.consumers.consumers import FOLDER, Consumers
from bot.consumers.kafka.settings import Place
from bot.consumers.status import State
from bot.consumers.store import discard
from bot.core.events import Body, Draft, MessageReceived
from bot.eventlog import backup, restoring
from bot.eventlog.key_file import read_key
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.kafka_access import options_of
from tests.consumers.brokering import MISSING, available, broker, committed, serving, startable
from tests.consumers.following import AT_ONCE, caught_up, filled, running, wishes
from tests.ports import free_port
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(not available(), reason=MISSING)

if available():
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    from bot.consumers.kafka.topic import KafkaTopic


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Return the address of a broker."""
    with broker(tmp_path / "broker") as found:
        yield found


@pytest.fixture
def place(address: str) -> Place:
    """Return a topic that is not there yet."""
    return Place(options_of(address), f"events-{uuid.uuid4().hex}", partitions=3)


def address_of(place: Place) -> str:
    """Return where the broker is."""
    return str(place.options["bootstrap_servers"])


async def positions(place: Place) -> list[int]:
    """Return the positions of the events that are there, repeats included."""
    return sorted(json.loads(record.value)["position"] for record in await committed(address_of(place), place.topic))


def forget(location: Location) -> None:
    """Lose the consumer's own database."""
    discard(location.folder / FOLDER / "kafka.db")


async def test_each_event_is_there_once_in_its_channel_s_order(log: EventLog, location: Location, place: Place) -> None:
    """Over two lives of the bot, and two more without the consumer's own database: one lost, one reset."""
    await filled(log, 7)
    async with running(log, KafkaTopic(place)) as consumers:
        await caught_up(consumers)
    await filled(log, 2)
    async with running(log, KafkaTopic(place)) as consumers:
        await caught_up(consumers)
    forget(location)
    await filled(log, 2)
    async with running(log, KafkaTopic(place)) as consumers:
        await caught_up(consumers)
        wishes(log).add("kafka", "reset")
        await consumers.look(wishes(log))
        await eventually(lambda: not wishes(log).read().wishes)
        await caught_up(consumers)

    records = await committed(address_of(place), place.topic)
    by_key: dict[bytes, list[int]] = {}
    for record in records:
        by_key.setdefault(record.key, []).append(json.loads(record.value)["position"])
    assert by_key == {b"guild:0": [1, 4, 7, 8, 10], b"guild:1": [2, 5, 9, 11], b"guild:2": [3, 6]}
    assert {record.key: record.partition for record in records}.keys() == by_key.keys()
    assert len({(record.key, record.partition) for record in records}) == 3
    about = dict(next(record for record in records if record.key == b"guild:2").headers)
    log_id = about.pop("log")
    assert len(log_id) == 32
    assert about == {"type": b"gateway.lost", "v": b"1", "position": b"3", "incarnation": b"0"}


async def test_a_restored_log_adds_what_is_new_in_it(log: EventLog, location: Location, place: Place) -> None:
    """Under its new incarnation; what the backup took away stays in the topic."""
    await filled(log, 2)
    backup.take(location.database, location.folder.parent / "backup.db", vault=None, release="0", now=1)
    await filled(log, 2)
    async with running(log, KafkaTopic(place)) as consumers:
        await caught_up(consumers)
    await log.close()
    await restoring.restore(
        location.folder.parent / "backup.db", location, read_key(location.key_path), clock=lambda: 2, force=True
    )
    forget(location)

    again = await open_log(location, clock=lambda: 3, full=False)
    await filled(again, 1)
    async with running(again, KafkaTopic(place)) as consumers:
        await caught_up(consumers)
    await again.close()

    keys = [json.loads(record.value)["key"] for record in await committed(address_of(place), place.topic)]
    assert sorted(keys) == ["0:1", "0:2", "0:3", "0:4", "1:3", "1:4"]


async def test_what_is_too_large_is_parked_and_sent_when_it_is_not(
    log: EventLog, location: Location, place: Place
) -> None:
    """The rest goes on; without the consumer's own database too, it is known to be missing."""
    for message_id, words in ((5, "a"), (6, "b" * 2_000_000), (7, "c")):
        event = MessageReceived(message_id=message_id, author_id=6, sent_at=0)
        await log.append("channel:7", [Draft(event, Body(parts=(words,)), 6)])
    async with running(log, KafkaTopic(place, words=True)) as consumers:
        await caught_up(consumers)
        assert consumers.status("kafka").parked == 1
    assert await positions(place) == [1, 3]

    forget(location)
    async with running(log, KafkaTopic(place)) as consumers:
        await caught_up(consumers)
        assert consumers.status("kafka").parked == 0

    assert await positions(place) == [1, 2, 3]


async def test_a_parked_event_is_sent_once_when_somebody_asks(log: EventLog, location: Location, place: Place) -> None:
    """And not again where the consumer's own database does not know of it."""
    event = MessageReceived(message_id=5, author_id=6, sent_at=0)
    await log.append("channel:7", [Draft(event, Body(parts=("b" * 2_000_000,)), 6)])
    await filled(log, 1)
    async with running(log, KafkaTopic(place, words=True)) as consumers:
        await caught_up(consumers)
    kept = (location.folder / FOLDER / "kafka.db").read_bytes()

    for _ in range(2):
        async with running(log, KafkaTopic(place)) as consumers:
            await caught_up(consumers)
            wishes(log).add("kafka", "retry")
            await consumers.look(wishes(log))
            await eventually(lambda: not wishes(log).read().wishes and not consumers.status("kafka").parked)
        forget(location)
        (location.folder / FOLDER / "kafka.db").write_bytes(kept)

    assert await positions(place) == [1, 2]


async def test_of_two_with_one_id_the_older_stops(log: EventLog, location: Location, place: Place) -> None:
    """What it writes after the other has come is in no transaction that is committed."""
    await filled(log, 2)
    async with running(log, KafkaTopic(place, "same")) as older:
        await caught_up(older)
        newer = Consumers([KafkaTopic(place, "same")], lambda: 1, AT_ONCE)
        async with newer.of(log, location.folder / "other"):
            await caught_up(newer)
            await filled(log, 1)
            await caught_up(newer)
            await filled(log, 1)
            await caught_up(newer)
            await eventually(lambda: older.status("kafka").state is State.STOPPED)

    assert "another producer has taken its id same" in older.trouble
    assert await positions(place) == [1, 2, 3, 4]


@pytest.mark.skipif(not startable(), reason=MISSING)
async def test_a_broker_that_is_away_is_waited_for(log: EventLog, tmp_path: Path) -> None:
    """Before it was ever there, and after it ended."""
    port = free_port()
    place = Place(options_of(f"127.0.0.1:{port}"), "events")
    await filled(log, 2)

    async with running(log, KafkaTopic(place)) as consumers:
        await eventually(lambda: consumers.status("kafka").state is State.WAITING)
        assert consumers.trouble == "kafka is waiting: Kafka can't be reached (KafkaConnectionError)"
        with serving(tmp_path / "broker", port):
            await caught_up(consumers)
        await filled(log, 2)
        await eventually(lambda: consumers.lag("kafka"))
        with serving(tmp_path / "broker", port):
            await caught_up(consumers)
            assert await positions(place) == [1, 2, 3, 4]


@pytest.mark.parametrize("policies", [("compact", "compact"), ("delete", "delete")])
async def test_topics_that_would_lose_something_are_not_used(
    log: EventLog, place: Place, policies: tuple[str, str]
) -> None:
    """A compacted one of events, or one of marks that is not."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address_of(place))
    await admin.start()
    topics = zip((place.topic, place.marks), policies, strict=True)
    await admin.create_topics([NewTopic(name, 1, 1, topic_configs={"cleanup.policy": kept}) for name, kept in topics])
    await admin.close()
    await filled(log, 1)

    async with running(log, KafkaTopic(place)) as consumers:
        await eventually(lambda: consumers.status("kafka").state is State.STOPPED)

    assert "set its cleanup.policy" in consumers.trouble
