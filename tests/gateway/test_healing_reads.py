"""A channel that can't be read from the log: named until it can be, and none of the others' business."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.conversations import Conversations
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.gateway import healing
from bot.gateway.healing import Healer
from bot.gateway.sync import Sync
from tests.conversations.conftest import failures, message, received, submit
from tests.torture.logs import write_at
from tests.waiting import eventually

PAGE = 4096


async def test_a_channel_is_named_until_it_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that takes events does not make it readable; a page that is whole again does, and it is completed then."""
    monkeypatch.setattr(healing, "PROBE_SECONDS", 0.02)
    log = await open_log(Location(tmp_path), clock=lambda: 1, full=False)
    await submit(Conversations(log, snapshot_every=10**6), 1, [message(number) for number in range(300)])
    await log.close()
    log = await open_log(Location(tmp_path), clock=lambda: 1, full=False)
    whole = (tmp_path / "events.db").read_bytes()
    at = whole.index(b'{"message_id":9,') // PAGE * PAGE
    write_at(tmp_path / "events.db", at, b"\xab" * PAGE)
    conversations, sync = Conversations(log), Sync()
    sync.complete(1)
    completed: list[frozenset[int]] = []
    healer = Healer(log, sync, completed.append, conversations.state)
    conversations.on_failed.append(healer.failed)

    await failures(conversations, 1, [message(1000)])
    await eventually(lambda: healer._tries[1] > 2)
    await conversations.handle(2, message(2))
    named, trouble, early = dict(healer.unread), healer.trouble, list(completed)
    write_at(tmp_path / "events.db", at, whole[at : at + PAGE])
    await eventually(lambda: completed)

    assert set(named) == {1}
    assert named[1].startswith("Channel 1 can't be read from the log. The log's database is damaged (SQLITE_CORRUPT")
    assert (trouble, early, 1 in sync) == ("", [], False)
    assert (healer.unread, completed) == ({}, [frozenset({1})])
    assert await received(log, 2) == [2]
    healer.stop()
    await log.close()
