"""The consumer ``activity``: its tables, and what is read out of them and of the log beyond."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.consumers.activity.consumer import ActivityConsumer, activity
from bot.consumers.activity.reading import count_activity
from bot.consumers.activity.tables import TABLES, person_number, write
from bot.consumers.consumers import FOLDER
from bot.consumers.wishes import Wishes
from bot.core import events as e
from bot.core.activity import BOUNDS
from bot.errors import ConfigError
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.query import Query
from bot.moderation.activity import A_DAY, AN_HOUR, Activity, Wanted
from bot.moderation.text import Line
from bot.times import DAY, HOUR, SECOND
from tests.consumers.following import caught_up, running
from tests.laws.strategies import EVENTS

BEGAN = 490_000 * HOUR
CHANNELS = (5, 6, 7)
Table = dict[str, list[tuple[Any, ...]]]


def dumped(raw: sqlite3.Connection) -> Table:
    """Return all that the tables hold."""
    return {
        name: raw.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608 - constants
        for name in ("counts", "present", "waiting")
    }


def tables(batches: Iterable[Sequence[e.Recorded]]) -> Table:
    """Return the tables after batches of events."""
    with closing(sqlite3.connect(":memory:")) as raw:
        for table in TABLES:
            raw.execute(table)
        for batch in batches:
            if batch:
                write(raw, "log", batch)
        return dumped(raw)


ERASED = st.builds(
    e.WordsErased, reason=st.sampled_from(e.ErasureReason), versions=st.just(()), by=st.sampled_from(["1", "2", ""])
)


@given(st.lists(st.one_of(EVENTS, ERASED), max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_any_batches_make_the_same_tables(events: list[e.Event], cuts: list[int]) -> None:
    """Whatever happens, over so few ids that replies, people and their wishes to be forgotten meet."""
    recorded = [
        e.Recorded(at, f"channel:{at % 2}", at, BEGAN + at * HOUR // 3, event) for at, event in enumerate(events, 1)
    ]
    ends = [0, *sorted(cuts), len(recorded)]

    assert tables(recorded[start:end] for start, end in pairwise(ends)) == tables([recorded])


def happening(random: Random, messages: range) -> Iterator[tuple[str, e.Event]]:
    """Yield questions and what becomes of them, those of several channels among one another."""
    waiting: list[Iterator[tuple[str, e.Event]]] = []
    for message_id in messages:
        waiting.append(_question(random, message_id))
        while len(waiting) > random.randrange(6):
            story = random.choice(waiting)
            event = next(story, None)
            if event is None:
                waiting.remove(story)
            else:
                yield event
    for story in waiting:
        yield from story


def _question(random: Random, message_id: int) -> Iterator[tuple[str, e.Event]]:
    room, via = f"channel:{random.choice(CHANNELS)}", random.choice([e.Via.LIVE, e.Via.CATCHUP, e.Via.ASK])
    person, author = random.randrange(9), random.choice([e.Author.PERSON] * 4 + [e.Author.BOT])
    sent_at = BEGAN + random.randrange(3) * DAY
    yield room, e.MessageReceived(message_id=message_id, author_id=person, author=author, sent_at=sent_at, via=via)
    if random.random() < 0.3:
        return
    if random.random() < 0.3:
        yield room, e.MessageSkipped(message_id=message_id, reason=random.choice(list(e.SkipReason)))
        return
    yield room, e.ReplyRequested(message_id=message_id, author_id=person, responder="r", call=e.Call.DM, via=via)
    parts, begun = random.randrange(1, 4), random.random() < 0.3
    if random.random() < 0.2:
        yield room, e.ReplyAbandoned(message_id=message_id, reason=random.choice(list(e.AbandonReason)), tokens_in=3)
        return
    if begun:
        yield room, e.ReplyBegun(message_id=message_id)
    yield (
        room,
        e.ReplyComposed(
            message_id=message_id, parts=parts, responder="r", model="m", tokens_in=7, tokens_out=2, cost_micros=11
        ),
    )
    for part in range(parts):
        yield room, e.ReplySent(message_id=message_id, part=part, sent_id=part, proof=e.Proof.ECHO)
    if begun:
        yield room, e.ReplyCompleted(message_id=message_id)


def recounted(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of exported lines, counted in the plainest way: message by message, with all in memory."""
    counts: Counter[str] = Counter()
    people: set[int] = set()
    stories: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        data = line["data"]
        stories[data["message_id"]].append(line)
        if line["type"] == "message.received" and data["author"] == "person":
            counts["messages"] += 1
            people.add(data["author_id"])
        counts["replies"] += line["type"] == "reply.sent" and data["part"] == 0
        counts["skipped"] += line["type"] == "message.skipped"
        counts["given up"] += line["type"] == "reply.abandoned" and data["reason"] != "answered together"
        counts["tokens"] += data.get("tokens_in", 0) + data.get("tokens_out", 0)
    lengths = [length for story in stories.values() if (length := _length(story)) is not None]
    return {**counts, "people": len(people), "latency": Counter(lengths)}


def _length(story: list[dict[str, Any]]) -> int | None:
    """Return the bound of the time that a live reply took, None without one."""
    by_type = {line["type"]: line for line in story}
    asked = by_type.get("reply.requested")
    last = by_type.get("reply.completed" if "reply.begun" in by_type else "reply.sent")
    if asked is None or last is None or asked["data"]["via"] == "catchup":
        return None
    length = 1_000_000 * (int(last["correlation"]) - int(asked["correlation"]))
    return next(bound for bound in BOUNDS if bound >= length)


@pytest.fixture
async def busy(tmp_path: Path) -> EventLog:
    """Return a log in which much happened, a second apart; each event has its second as its correlation."""
    seconds = iter(range(BEGAN // SECOND, 2**40))
    log = await open_log(Location(tmp_path / "log"), clock=lambda: next(seconds) * SECOND, full=False)
    for stream, event in happening(Random(7), range(120)):
        await log.append(stream, (e.Draft(event),))
    return log


def wanted(*channels: int, since: int = 0, step: int = A_DAY) -> Wanted:
    """Return what is wanted, up to long after."""
    return Wanted(frozenset(channels) or None, since, BEGAN + 90 * DAY, step)


async def exported(log: EventLog) -> list[dict[str, Any]]:
    """Return the log's lines as ``echoless log export`` writes them, with the second instead of the correlation."""
    events = [recorded async for recorded in log.reader.events(Query())]
    lines = [json.loads(json.dumps(Line(recorded, None).to_json())) for recorded in events]
    return [{**line, "correlation": at.recorded_at // SECOND} for line, at in zip(lines, events, strict=True)]


def figures(found: Activity) -> dict[str, Any]:
    """Return what is compared of the figures."""
    total = found.total
    plain = {"messages": total.messages, "replies": total.replies, "tokens": total.tokens, "people": total.people}
    ends = {"skipped": total.skipped.total(), "given up": total.given_up.total()}
    return {**plain, **ends, "latency": total.latency}


async def test_the_figures_are_those_of_a_plain_recount(busy: EventLog) -> None:
    """Read from the log, from the consumer's tables, and from these and what came since; of one channel, too."""
    folder, lines = busy.location.folder, await exported(busy)
    of_one = [line for line in lines if line["stream"] == "channel:6"]
    alone = await count_activity(busy.aside, folder, wanted())
    async with running(busy, ActivityConsumer()) as consumers:
        await caught_up(consumers)
    read: list[int] = []
    later: list[int] = []
    counted = await count_activity(busy.aside, folder, wanted(), lambda done, _total: read.append(done))
    narrow = await count_activity(busy.aside, folder, wanted(6))
    for stream, event in happening(Random(8), range(120, 160)):
        await busy.append(stream, (e.Draft(event),))
    both = await count_activity(busy.aside, folder, wanted(), lambda done, _total: later.append(done))
    afterwards = recounted(await exported(busy))
    await busy.close()

    assert figures(alone) == recounted(lines)
    assert (counted, read) == (alone, [])
    assert figures(narrow) == recounted(of_one)
    assert narrow.channels.keys() == {6}
    assert figures(both) == afterwards
    assert 0 < later[-1] < len(lines)
    assert alone.total.people < sum(each.people for each in alone.channels.values())
    assert alone.total.latency


async def test_a_time_begins_with_an_hour(busy: EventLog) -> None:
    """And days and hours are those of UTC; what was written before is left out, though it was read later."""
    found = await count_activity(busy.aside, busy.location.folder, wanted(since=BEGAN + DAY + 5, step=AN_HOUR))
    whole = await count_activity(busy.aside, busy.location.folder, wanted())
    await busy.close()

    assert [hour * HOUR for hour in found.slots] == [BEGAN + DAY, BEGAN + 2 * DAY]
    assert all(hour % A_DAY == 0 for hour in whole.slots)
    assert found.total.messages < whole.total.messages
    assert found.total.replies == 0
    assert sum(each.messages for each in whole.slots.values()) == whole.total.messages


async def test_whoever_had_themselves_forgotten_is_known_no_more(log: EventLog) -> None:
    """They still count as one, in each channel and in all; when they write again they are somebody else."""
    folder, receipt = log.location.folder, e.WordsErased(reason=e.ErasureReason.PERSON, versions=(), by="41")

    async def says(message_id: int, channel_id: int, person: int = 41) -> None:
        event = e.MessageReceived(message_id=message_id, author_id=person, sent_at=BEGAN)
        await log.append(f"channel:{channel_id}", (e.Draft(event),))

    await says(1, 5)
    await says(2, 6)
    await says(3, 6, person=42)
    for stream in ("channel:5", "channel:6"):
        await log.append(stream, (e.Draft(receipt),))
    before = await count_activity(log.aside, folder, wanted())
    async with running(log, ActivityConsumer()) as consumers:
        await caught_up(consumers)
    with closing(sqlite3.connect(folder / FOLDER / "activity.db")) as raw:
        kept = {person for (person,) in raw.execute("SELECT person FROM present")}
        (log_id,) = raw.execute("SELECT log_id FROM echoless_checkpoint").fetchone()
    await says(4, 5)
    after = await count_activity(log.aside, folder, wanted())

    assert kept == {-4, person_number(log_id, 42)}
    assert (before.total.people, before.channels[5].people, before.channels[6].people) == (2, 1, 2)
    assert (after.total.people, after.channels[5].people) == (3, 2)


async def test_figures_of_another_log_are_not_taken(busy: EventLog, tmp_path: Path) -> None:
    """Nor those of a database that is none, or that nobody has made yet: then the log is read."""
    folder = busy.location.folder
    expected = await count_activity(busy.aside, folder, wanted())
    other = await open_log(Location(tmp_path / "other"), clock=lambda: BEGAN, full=False)
    await other.append("channel:5", (e.Draft(e.MessageReceived(message_id=1, author_id=1, sent_at=BEGAN)),))
    async with running(other, ActivityConsumer()) as consumers:
        await caught_up(consumers)
    await other.close()
    (tmp_path / "other" / FOLDER).rename(folder / FOLDER)
    foreign = await count_activity(busy.aside, folder, wanted())
    database = folder / FOLDER / "activity.db"
    database.write_bytes(b"none")
    damaged = await count_activity(busy.aside, folder, wanted())
    database.unlink()
    Wishes(folder / FOLDER).pause("activity")
    missing = await count_activity(busy.aside, folder, wanted())
    await busy.close()

    assert foreign == damaged == missing == expected


async def test_progress_is_told(busy: EventLog) -> None:
    """Of what is read from the log."""
    told: list[tuple[int, int]] = []
    await count_activity(busy.aside, busy.location.folder, wanted(), lambda *counted: told.append(counted))
    head = await busy.aside.newest()
    await busy.close()

    assert told[-1] == (head, head)


def test_it_has_no_settings(tmp_path: Path) -> None:
    """One that somebody gives it is refused."""
    assert activity("activity", {}, tmp_path).types
    with pytest.raises(ConfigError, match="has no setting 'days': it has none"):
        activity("activity", {"days": 5}, tmp_path)
