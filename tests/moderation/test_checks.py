from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.events import Body
from bot.core.streams import stream_of
from bot.eventlog import snapshots
from bot.moderation.command import ModerationError
from bot.moderation.context import ProcessStatus
from tests.moderating import Moderation
from tests.moderation.conftest import BY, CHANNEL, Room
from tests.tampering import tampering


async def chat(room: Room, count: int) -> None:
    """Post so many messages."""
    for number in range(1, count + 1):
        await room.says(number)


def kept(folder: Path) -> list[int]:
    """Return the versions of the snapshots there are."""
    with closing(sqlite3.connect(folder / "events.db")) as database:
        return [version for (version,) in database.execute("SELECT version FROM snapshots ORDER BY version")]


async def test_a_rebuild_folds_from_the_first_event(room: Room, tmp_path: Path) -> None:
    """It gives the same state, and keeps snapshots along the way."""
    await chat(room, 1100)
    before = (await room.moderation.state(CHANNEL, "700")).data

    report = await room.moderation.rebuild(CHANNEL)

    assert report.data["same"] is True
    assert "the same state as before" in report.title
    assert kept(tmp_path) == [500, 1000, 1100]
    assert before | {"snapshot": 500} == (await room.moderation.state(CHANNEL, "700")).data


async def test_a_rebuild_tells_of_a_memory_that_was_wrong_and_mends_it(room: Room) -> None:
    """The events decide."""
    await chat(room, 5)
    channel = room.conversations._hot.use(CHANNEL)
    assert channel.state is not None
    channel.state = replace(channel.state, received=99)

    report = await room.moderation.rebuild(CHANNEL)

    assert report.data["same"] is False
    assert (await room.conversations.state(CHANNEL)).received == 5


async def test_a_snapshot_is_kept_when_asked_for(room: Room, tmp_path: Path) -> None:
    """At the version that is now."""
    await chat(room, 7)

    report = await room.moderation.snapshot(CHANNEL)

    assert (report.data["version"], kept(tmp_path)) == (7, [7])


async def test_verify_tells_its_progress_and_its_rate(room: Room) -> None:
    """All of it, or one channel."""
    await chat(room, 30)
    told: list[tuple[int, int]] = []

    report = await room.moderation.verify(progress=lambda done, total: told.append((done, total)))

    assert (report.data["ok"], report.data["events"], report.data["words_checked"]) == (True, 30, True)
    assert told == [(30, 30)]
    assert report.data["events_per_second"] > 0
    assert (await room.moderation.verify(CHANNEL)).data["events"] == 30
    with pytest.raises(ModerationError, match="There is no channel 1 "):
        await room.moderation.verify(1)


async def test_verify_finds_a_change(room: Room, tmp_path: Path) -> None:
    """And names where."""
    await chat(room, 3)
    with tampering(tmp_path / "events.db") as database:
        database.execute("UPDATE events SET recorded_at = 5 WHERE version = 2")

    report = await room.moderation.verify(CHANNEL)

    assert report.data["ok"] is False
    assert [(found["stream"], found["version"]) for found in report.data["findings"]] == [(stream_of(CHANNEL), 2)]
    assert report.title.startswith("1 finding in 3 events")


async def test_verify_names_no_version_where_no_event_is_left(room: Room, tmp_path: Path) -> None:
    """A stream's versions begin with 1."""
    await chat(room, 3)
    with tampering(tmp_path / "events.db") as database:
        database.execute("DELETE FROM events")

    report = await room.moderation.verify(CHANNEL)

    assert report.lines[-1] == f"{stream_of(CHANNEL)}: the stream ends at version 0, its head says 3"


async def test_an_export_is_whole_and_fits(room: Room) -> None:
    """Page by page, every event once, none torn."""
    await chat(room, 30)
    versions: list[int] = []
    since: str | None = None
    while True:
        report = await room.moderation.export(CHANNEL, since=since, limit_bytes=2000)
        assert report.file is not None
        assert len(report.file.content) <= 2000
        versions += [json.loads(line)["version"] for line in report.file.content.splitlines()]
        since = report.more
        if since is None:
            break

    assert versions == list(range(1, 31))
    assert report.file.name.startswith("channel-5000-2023")


async def test_an_export_with_and_without_words(room: Room) -> None:
    """An event larger than the limit comes alone, and a beginning may be chosen."""
    await room.says(10, "x" * 3000)
    await room.says(20)

    with_words = await room.moderation.export(CHANNEL, limit_bytes=100)
    without = await room.moderation.export(CHANNEL, since="2", words=False)

    assert with_words.file is not None
    assert without.file is not None
    assert Body.model_validate(json.loads(with_words.file.content)["body"]).text == "x" * 3000
    assert [json.loads(line)["body"] for line in without.file.content.splitlines()] == [None]
    blind = replace(room.context, reader=replace(room.log.aside, vault=None))
    with pytest.raises(ModerationError, match="export without words"):
        await Moderation(blind).export(CHANNEL)


async def test_the_status_of_a_log_and_its_bot(room: Room) -> None:
    """Size, rate, lag, busy channels, who owns it, and what runs."""
    await chat(room, 5)
    live = ProcessStatus(connected=True, hot_channels=1, waiting=2, working=3)

    resting = await room.moderation.status()
    running = await Moderation(replace(room.context, live=lambda: live)).status()
    troubled = await Moderation(
        replace(room.context, live=lambda: replace(live, trouble=("the disk is full",)))
    ).status()

    assert resting.title.endswith("no bot runs on this log")
    assert (resting.data["events"], resting.data["streams"], resting.data["bot"]) == (5, 1, None)
    assert resting.data["bytes"] > 0
    assert resting.data["busy_channels"] == [{"channel_id": str(CHANNEL), "events": 5}]
    assert resting.data["owner"]["pid"] > 0
    assert running.title.endswith(": connected")
    assert "memory: 1 channel; 2 waiting for the log; replies at work in 3 channels" in running.lines
    assert troubled.title.endswith("the disk is full")


async def test_snapshots_are_thinned_with_age(room: Room, tmp_path: Path) -> None:
    """All of the newest five hundred events, then one in five hundred, and a state near each."""
    await chat(room, 2600)
    await room.conversations.close()

    assert kept(tmp_path) == [50, 500, 1000, 1500, 2000, *range(2150, 2650, 50)]
    for version in (1, 99, 501, 1499, 2599):
        loaded = await room.log.reader.load(stream_of(CHANNEL), upto=version)
        assert version - loaded.snapshot_version <= snapshots.SPACING
        assert loaded.state.received == version


async def test_nothing_of_it_is_recorded(room: Room) -> None:
    """Looking leaves no event."""
    await chat(room, 3)

    for call in (room.moderation.rebuild, room.moderation.snapshot, room.moderation.verify, room.moderation.export):
        await call(CHANNEL)

    assert await room.version() == 3
    assert (await room.moderation.reset(CHANNEL, by=BY)).data["version"] == 4
