"""The index of words follows a real log: whatever happened, it is what one built anew would be, and so is a scan."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.consumers import fulltext
from bot.consumers.consumers import FOLDER
from bot.consumers.scan import Scan
from bot.consumers.search import Search, SearchSettings, search
from bot.core import events as e
from bot.core.streams import stream_of
from bot.errors import ConfigError
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.eventlog.pages import position_before, read_page
from bot.moderation.command import ModerationError
from bot.moderation.search import report_of
from bot.moderation.sought import Sought
from bot.times import DAY, HOUR
from tests.consumers.following import caught_up, running, wishes
from tests.torture.grep import found_in

NOW = 1_700_000_000_000_000
WORDS = ("apple", "berry", "cherry")
TYPES = [kind.TYPE for kind in fulltext.TYPES]


@dataclass(slots=True)
class Laboratory:
    """A real log, what runs its coroutines, and the channels that examples have used."""

    runner: asyncio.Runner
    log: EventLog
    channels: int = 0


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Return a laboratory with an empty log."""
    with asyncio.Runner() as runner:
        location = Location(tmp_path_factory.mktemp("search") / "log")
        log = runner.run(open_log(location, clock=lambda: NOW, full=False))
        yield Laboratory(runner, log)
        runner.run(log.close())


def message(message_id: int, *words: str, age: int = 0, **more: Any) -> e.Draft:  # noqa: ANN401
    """Return a message of person 5; without words it is one of somebody who opted out."""
    event = e.MessageReceived(message_id=message_id, author_id=5, sent_at=NOW - age, **more)
    return e.Draft(event, e.Body(name="ann", parts=words), 5) if words else e.Draft(event)


def edit(message_id: int, number: int, *words: str) -> e.Draft:
    """Return the edit of a message."""
    event = e.MessageEdited(message_id=message_id, author_id=5, edited_at=NOW + number)
    return e.Draft(event, e.Body(name="ann", parts=words), 5) if words else e.Draft(event)


def answer(message_id: int, *words: str, generation: int = 1) -> e.Draft:
    """Return the answer to a message."""
    event = e.ReplyComposed(message_id=message_id, parts=1, responder="rules", generation=generation)
    return e.Draft(event, e.Body(parts=words))


def erased(*spans: tuple[int, int]) -> e.Draft:
    """Return a receipt."""
    versions = tuple(e.Span(*span) for span in spans)
    return e.Draft(e.WordsErased(reason=e.ErasureReason.PERSON, versions=versions))


IDS, SAID = st.integers(1, 4), st.lists(st.sampled_from(WORDS), max_size=2).map(tuple)
HAPPENED = st.one_of(
    st.builds(lambda number, words: message(number, *words), IDS, SAID),
    st.builds(lambda number, count, words: edit(number, count, *words), IDS, IDS, SAID),
    st.builds(lambda number, words, again: answer(number, "answer", *words, generation=again), IDS, SAID, IDS),
    st.builds(lambda number: e.Draft(e.MessageDeleted(message_id=number)), IDS),
    st.builds(lambda first, more: erased((first, first + more)), st.integers(1, 9), st.integers(0, 4)),
    st.just(e.Draft(e.ChannelDeleted())),
)
REPLACED = [(0, message(1, "apple"), False), (0, message(2, "berry"), False), (0, edit(1, 1, "cherry"), False)]
COURSES = st.lists(st.tuples(st.integers(0, 1), HAPPENED, st.booleans()), min_size=1, max_size=25)


@settings(max_examples=25, deadline=None)
@example(course=REPLACED, page=2)
@given(course=COURSES, page=st.sampled_from([2, 5, 2000]))
def test_it_is_what_one_built_anew_would_be(
    laboratory: Laboratory, course: list[tuple[int, e.Draft, bool]], page: int
) -> None:
    """However it was cut into batches. A scan of the log finds the same, in the same order."""
    laboratory.runner.run(_compare(laboratory, course, page))


async def _compare(laboratory: Laboratory, course: list[tuple[int, e.Draft, bool]], page: int) -> None:
    log, first = laboratory.log, await laboratory.log.reader.newest()
    laboratory.channels += 2
    channels = (laboratory.channels, laboratory.channels + 1)
    with (
        closing(sqlite3.connect(":memory:", isolation_level=None)) as live,
        closing(sqlite3.connect(":memory:", isolation_level=None)) as anew,
        pytest.MonkeyPatch.context() as patched,
    ):
        fulltext.prepare(live)
        fulltext.prepare(anew)
        upto = first
        for which, draft, read in course:
            await log.append(stream_of(channels[which]), [draft])
            upto = await _take_in(log, upto, live) if read else upto
        await _take_in(log, upto, live)
        await _take_in(log, first, anew)

        assert _rows(live) == _rows(anew)
        patched.setattr("bot.consumers.scan.PAGE", page)
        for word in (*WORDS, "answer"):
            sought = Sought(word, channels)
            scan = Scan(log.reader, 0, lambda _done, _total: None)
            assert fulltext.find(sought, 100, live) == [hit async for hit in scan.hits(sought)]


async def _take_in(log: EventLog, after: int, index: sqlite3.Connection) -> int:
    page = await log.reader.connection.run(lambda raw: read_page(after, TYPES, 500, log.reader.vault, raw))
    fulltext.apply(page.events, page.words, 0, 2**40, index)
    return page.upto


def _rows(index: sqlite3.Connection) -> list[tuple[object, ...]]:
    return index.execute("SELECT * FROM messages WHERE NOT replaced ORDER BY position").fetchall()


def made(now: int = NOW, **more: Any) -> Search:  # noqa: ANN401
    """Return the consumer with its name in the settings."""
    consumer = Search(SearchSettings(**more), lambda: now)
    consumer.name = "search"
    return consumer


async def shown(log: EventLog, consumer: Search, words: str, size: int = 10) -> list[tuple[str, str | None]]:
    """Return excerpt and link of what is found."""
    report = await report_of(log.reader, consumer, Sought(words), size, {})
    return [(hit["excerpt"], hit["link"]) for hit in report.data["hits"]]


async def test_nothing_of_it_is_on_disk(log: EventLog, location: Location) -> None:
    """And at the next start it is filled anew, without a place in the log from before."""
    needle = "zyxwvutsrqponm"
    await log.append(stream_of(7), [message(10**18, f"{needle} one", guild_id=3), answer(10**18, f"{needle} two")])

    for _ in range(2):
        consumer = made()
        async with running(log, consumer) as consumers:
            await caught_up(consumers)
            assert len(await shown(log, consumer, needle)) == 2
            wishes(log).pause("other")
            assert found_in(location.folder, [needle.encode(), b"zyxwv"]) == []
            assert (location.folder / FOLDER).exists()
        with pytest.raises(ModerationError, match="not there yet"):
            await shown(log, consumer, needle)
    assert [path.name for path in (location.folder / FOLDER).iterdir()] == ["wishes.sqlite"]


async def test_of_what_is_erased_nothing_is_left(log: EventLog) -> None:
    """Not in any byte of the memory of the index, in pages that it freed neither."""
    needle = "zyxwvutsrqponm"
    await log.append(stream_of(7), [message(number, f"{needle} {number} {'word ' * 99}") for number in range(1, 300)])
    await log.append(stream_of(8), [message(999, "kept")])
    consumer = made()
    async with running(log, consumer) as consumers:
        await caught_up(consumers)
        await log.append(stream_of(7), [erased((1, 299))])
        await caught_up(consumers)
        memory = await consumer.looked(sqlite3.Connection.serialize)

    assert (b"kept" in memory, needle.encode() in memory) == (True, False)


async def test_it_begins_with_the_last_days(log: EventLog) -> None:
    """By the time of the message, whenever that was recorded, and what has become too old is let go."""
    await log.append(
        stream_of(7), [message(1, "word old", age=3 * DAY), message(2, "word young", age=DAY), message(3, "word new")]
    )
    consumer = made(days=2)
    async with running(log, consumer) as consumers:
        await caught_up(consumers)
        assert [text for text, _ in await shown(log, consumer, "word")] == ["word new", "word young"]
        consumer._clock = lambda: NOW + DAY + HOUR
        assert [text for text, _ in await shown(log, consumer, "word")] == ["word new"]
        await log.append(stream_of(7), [message(4, "other", age=-DAY)])
        await caught_up(consumers)
        left = await consumer.looked(lambda raw: raw.execute("SELECT position FROM messages").fetchall())
        assert left == [(3,), (4,)]


async def test_the_first_event_of_a_moment_is_found(log: EventLog) -> None:
    """By looking at few."""
    for number in range(9):
        await log.append(stream_of(7), [message(number + 1, "word")])
    times = [recorded.recorded_at for recorded in await log.reader.at(range(1, 10))]

    before = [
        await log.reader.connection.run(partial(position_before, moment))
        for moment in (0, times[0], times[4], times[4] + 1, times[8] + 1)
    ]

    assert before == [0, 0, 4, 5, 9]


async def test_what_is_erased_is_not_shown_even_before_it_is_taken_out(log: EventLog) -> None:
    """The words are opened from the log once more. A reset fills the index anew."""
    await log.append(stream_of(7), [message(1, "word one"), message(2, "word two")])
    consumer = made()
    async with running(log, consumer) as consumers:
        await caught_up(consumers)
        wishes(log).pause("search")
        await consumers.look(wishes(log))
        await log.append(stream_of(7), [erased((1, 1))])
        assert [text for text, _ in await shown(log, consumer, "word")] == ["word two"]
        wishes(log).resume("search")
        wishes(log).add("search", "reset")
        await consumers.look(wishes(log))
        await caught_up(consumers)

        assert [text for text, _ in await shown(log, consumer, "word")] == ["word two"]


async def test_a_page_leads_to_the_next_and_links_lead_to_discord(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer's to its first part; what was asked for one's own eyes is not found, and neither is its answer."""
    monkeypatch.setattr("bot.consumers.search.AT_ONCE", 2)
    whispered = [message(5, "word whispered", via=e.Via.WHISPER), answer(5, "word whispered back")]
    asked = [message(6, "word asked", via=e.Via.ASK, guild_id=3), answer(6, "word told")]
    sent = e.Draft(e.ReplySent(message_id=6, part=0, sent_id=66, proof=e.Proof.ECHO))
    await log.append(stream_of(7), [message(1, "word one", guild_id=3), answer(1, "word unsent")])
    await log.append(stream_of(7), [*whispered, *asked, sent, edit(1, 1, "word two")])
    await log.append(stream_of(8), [message(9, "word direct")])
    consumer = made()
    async with running(log, consumer) as consumers:
        await caught_up(consumers)
        everything = await shown(log, consumer, "word")
        first = await report_of(log.reader, consumer, Sought("word"), 2, {7: "#general"})
        second = await report_of(log.reader, consumer, Sought("word", before=int(first.more or 0)), 9, {})

    at = "https://discord.com/channels"
    assert everything == [
        ("word direct", f"{at}/@me/8/9"),
        ("word two", f"{at}/3/7/1"),
        ("word told", f"{at}/3/7/66"),
        ("word asked", None),
        ("word unsent", f"{at}/3/7/1"),
    ]
    assert [hit["excerpt"] for report in (first, second) for hit in report.data["hits"]] == [
        text for text, _ in everything
    ]
    assert second.more is None
    assert first.lines[1].endswith("#general  ann: word two")


@pytest.mark.parametrize(
    ("given_settings", "said"),
    [
        ({"days": 0}, "consumers.search.days has to be a number of days, from 1 to 3650."),
        ({"days": "30"}, "consumers.search.days has to be a number of days, from 1 to 3650."),
        ({"megabytes": 0}, "consumers.search.megabytes has to be a number of megabytes of memory, from 1 to 100000."),
        ({"path": "x"}, "[consumers.search] has no setting 'path': it has days, megabytes."),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, given_settings: dict[str, object], said: str) -> None:
    """With what they have to be."""
    with pytest.raises(ConfigError) as refused:
        search("search", given_settings, tmp_path)

    assert refused.value.problems == (said,)
