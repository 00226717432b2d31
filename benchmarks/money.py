"""What a month of a log in each engine costs: 10,000 servers, 2,500 a shard, 200 messages a second.

    .venv/bin/python -m benchmarks.money [--messages 1000]

When messages and answers come is played in a time of its own, from a seed: a commit takes as long as the engine does,
and what comes meanwhile goes with the next one. Each of these batches is then appended to a real log, whose records are
counted: their bytes are real, and so is the chat where it is at hand. The prices are those of PRICES.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from math import ceil
from pathlib import Path
from zlib import crc32

import asyncpg

from benchmarks.chaos_script import Line, recorded_chat
from bot.config import Config
from bot.core import events as e
from bot.demo import postgresql
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.eventlog.remote.opening import Engine
from bot.eventlog.remote.owning import BEATS, POLL
from bot.eventlog.remote.port import Partition
from tests.engines.emulators import partition_of
from tests.engines.views import Between

SERVERS, SERVERS_A_SHARD, MESSAGES_A_SECOND = 10_000, 2_500, 200
OWNERS = SERVERS // SERVERS_A_SHARD
"""Shards, each with a partition and a process that owns it."""
STANDBYS = 1
"""Standbys that follow each partition."""
ASKING, COMPOSED_AFTER, SENT_AFTER = 0.1, 1.5, 0.2
"""The share of messages that are answered; seconds until the answer is written, and until it is in Discord."""
MONTH = 730 * 3600
"""Seconds."""
MEGA, GIGA, KIBI = 1e6, 1e9, 1024

PRICES_OF = "list prices of us-east-1 in dollars, as known in June 2025; look them up before you rely on them"
PRICES = {
    "dynamodb: a million write units, on demand": 0.625,
    "dynamodb: a million read units, on demand": 0.125,
    "dynamodb: a write unit for an hour, provisioned": 0.00065,
    "dynamodb: a read unit for an hour, provisioned": 0.00013,
    "dynamodb: a GB for a month": 0.25,
    "postgresql: RDS db.t4g.medium in two zones, an hour": 0.129,
    "postgresql: a GB of gp3 in two zones for a month": 0.23,
    "kafka: MSK kafka.m7g.large, an hour": 0.204,
    "kafka: a GB of a broker's disk for a month": 0.10,
}
PROVISIONED_LOAD = 0.7
"""The share of provisioned units that is used on average: peaks need the rest."""
BROKERS = 3

LATENCY = {"postgresql": 0.003, "dynamodb": 0.008, "kafka": 0.010}
"""Seconds of a commit: one statement, one PutItem, two messages to a quorum, each within a region."""
DYNAMODB_ITEM = 60
"""Bytes of an item besides facts and words: names and numbers."""
KAFKA_MESSAGE = 80
"""Bytes of a message besides its value: a batch's header, its key."""
POSTGRESQL_ROW = 80
"""Bytes of a row besides facts and words: its header, part, number, and its place in the index."""

Commit = tuple[str, Sequence[e.Draft]]


class Counting(Between):
    """A PostgreSQL that counts the bytes of each record's facts and words."""

    def __init__(self, real: Partition) -> None:
        super().__init__(real)
        self.sizes: list[tuple[int, int]] = []

    async def append(self, seq: int, facts: bytes, words: bytes | None) -> str:
        """Append, and count."""
        self.sizes.append((len(facts), len(words or b"")))
        return await super().append(seq, facts, words)


def commits(chat: Sequence[Line], messages: int, rate: float) -> list[tuple[float, Commit]]:
    """Return what one owner has to record, and when, in its order."""
    chance = random.Random(1)  # noqa: S311 - a script, not a secret
    now, due = 0.0, list[tuple[float, Commit]]()
    for number in range(messages):
        now += chance.expovariate(rate)
        line, message_id = chat[number % len(chat)], 1_400_000_000_000_000_000 + number * 4_194_304
        stream, author_id = f"channel:{10**18 + chance.randrange(3000)}", 10**17 + crc32(line.author.encode()) * 10**7
        sent_at = 1_700_000_000_000_000 + int(now * MEGA)
        words = e.Body(name=line.author, parts=(line.content[:2000],))
        received = e.MessageReceived(message_id=message_id, author_id=author_id, sent_at=sent_at)
        drafts = [e.Draft(received, words, subject_id=author_id)]
        if chance.random() < ASKING:
            request = e.ReplyRequested(message_id=message_id, responder="llm", author_id=author_id, call=e.Call.MENTION)
            drafts.append(e.Draft(request))
            composed = e.ReplyComposed(message_id=message_id, responder="llm", parts=1, model="openai:tiny")
            answer = e.Draft(composed, words, subject_id=author_id)
            sent = e.ReplySent(message_id=message_id, part=0, sent_id=message_id + 9, proof=e.Proof.RESPONSE)
            due.append((now + COMPOSED_AFTER, (stream, [answer])))
            due.append((now + COMPOSED_AFTER + SENT_AFTER, (stream, [e.Draft(sent)])))
        due.append((now, (stream, drafts)))
    return sorted(due, key=lambda each: each[0])


def batches(due: Sequence[tuple[float, Commit]], latency: float) -> list[list[Commit]]:
    """Return which commits go together where each takes ``latency`` seconds: what comes meanwhile waits."""
    found, free_at = list[list[Commit]](), 0.0
    waiting: list[Commit] | None = None
    for at, commit in due:
        if waiting is not None and at >= free_at:
            free_at, waiting = free_at + latency, None
        if at >= free_at:
            found.append([commit])
            free_at = at + latency
        elif waiting is None:
            waiting = [commit]
            found.append(waiting)
        else:
            waiting.append(commit)
    return found


async def records(folder: Path, address: str, made: Sequence[Sequence[Commit]]) -> list[tuple[int, int]]:
    """Append batches to a real log in an engine; return the bytes of facts and words of its records."""
    counting = Counting(partition_of(address))
    clock = count(1_700_000_000_000_000, 1000).__next__
    log = await open_log(Location(folder), clock=clock, full=False, engine=Engine(counting, time.monotonic))
    known = e.Draft(e.MessageReceived(message_id=1, author_id=1, sent_at=1))
    await asyncio.gather(*(log.append(stream, [known]) for stream in {each for batch in made for each, _ in batch}))
    counting.sizes.clear()
    for batch in made:
        await asyncio.gather(*(log.append(stream, drafts) for stream, drafts in batch))
    await log.close()
    return counting.sizes


@dataclass(frozen=True, slots=True)
class Month:
    """A month of all owners: what is written, and the dollars for it by name."""

    engine: str
    records: float
    events: float
    gigabytes: float
    units: str
    dollars: dict[str, float]


def month(engine: str, sizes: Sequence[tuple[int, int]], events: int, seconds: float) -> Month:
    """Return a month in an engine of which these records of one owner took so many seconds."""
    scale = OWNERS * MONTH / seconds
    count_of, beats = len(sizes) * scale, OWNERS * BEATS * MONTH / Config().log.takeover.total_seconds()
    match engine:
        case "dynamodb":
            gigabytes = sum(facts + words + DYNAMODB_ITEM for facts, words in sizes) * scale / GIGA
            writes = sum(ceil((facts + words + DYNAMODB_ITEM) / KIBI) for facts, words in sizes) * scale + beats
            # A standby asks for signs of life and for records, each at least one unit; the owner for signs at its own.
            reads = OWNERS * STANDBYS * 2 * MONTH / POLL + gigabytes * STANDBYS * GIGA / (4 * KIBI) + beats
            units, dollars = f"{writes / MEGA:,.0f} M write, {reads / MEGA:,.0f} M read", _dynamodb(writes, reads)
            price = PRICES["dynamodb: a GB for a month"]
        case "kafka":
            messages = 2 * len(sizes) * scale + beats
            gigabytes = sum(facts + words + 2 * KAFKA_MESSAGE for facts, words in sizes) * scale / GIGA
            units = f"{messages / MEGA:,.0f} M messages, on {BROKERS} brokers each"
            dollars = {f"{BROKERS} brokers": BROKERS * PRICES["kafka: MSK kafka.m7g.large, an hour"] * MONTH / 3600}
            price = BROKERS * PRICES["kafka: a GB of a broker's disk for a month"]
        case _:
            gigabytes = sum(facts + words + POSTGRESQL_ROW for facts, words in sizes) * scale / GIGA
            units = f"{(count_of + beats) / MEGA:,.0f} M statements"
            dollars = {"server": PRICES["postgresql: RDS db.t4g.medium in two zones, an hour"] * MONTH / 3600}
            price = PRICES["postgresql: a GB of gp3 in two zones for a month"]
    return Month(
        engine, count_of, events * scale, gigabytes, units, {**dollars, "a month's records, kept": gigabytes * price}
    )


def _dynamodb(writes: float, reads: float) -> dict[str, float]:
    """Return the dollars of a month's units, both ways in which they can be paid."""
    on_demand = (
        writes * PRICES["dynamodb: a million write units, on demand"]
        + reads * PRICES["dynamodb: a million read units, on demand"]
    ) / MEGA
    hours = MONTH / 3600
    provisioned = (
        (
            writes * PRICES["dynamodb: a write unit for an hour, provisioned"]
            + reads * PRICES["dynamodb: a read unit for an hour, provisioned"]
        )
        / (MONTH * PROVISIONED_LOAD)
        * hours
    )
    return {"on demand": on_demand, "or provisioned": provisioned}


def main() -> None:
    """Print a line of a table for each engine, as docs/many-hosts.md has it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--messages", type=int, default=1000, help="of one owner, from which a month is scaled (%(default)s)"
    )
    given = parser.parse_args()
    due = commits(recorded_chat(1), given.messages, MESSAGES_A_SECOND / OWNERS)
    events = sum(len(drafts) for _, (_, drafts) in due)
    rows = []
    with postgresql.running() as address, tempfile.TemporaryDirectory() as folder:
        for number, (engine, latency) in enumerate(LATENCY.items()):
            own = f"{address}{'&' if '?' in address else '?'}search_path=m{number}"
            asyncio.run(_schema(address, f"m{number}"))
            sizes = asyncio.run(records(Path(folder) / engine, own, batches(due, latency)))
            rows.append((month(engine, sizes, events, due[-1][0]), sizes))
    sys.stdout.write(
        "| | events a record | bytes of a record | records | written | dollars |\n|---|---|---|---|---|---|\n"
    )
    for found, sizes in rows:
        size = sum(map(sum, sizes)) / len(sizes)
        dollars = ", ".join(f"{name} {amount:,.0f}" for name, amount in found.dollars.items())
        sys.stdout.write(
            f"| {found.engine} | {found.events / found.records:.2f} | {size:,.0f} | {found.records / MEGA:,.0f} M "
            f"| {found.units}; {found.gigabytes:,.0f} GB | {dollars} |\n"
        )
    sys.stdout.write(f"\nPrices: {PRICES_OF}.\n")
    sys.stdout.writelines(f"- {name}: {price}\n" for name, price in PRICES.items())


async def _schema(address: str, name: str) -> None:
    link = await asyncpg.connect(address)
    await link.execute(f"CREATE SCHEMA {name}")
    await link.close()


if __name__ == "__main__":
    main()
