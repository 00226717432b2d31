"""Every release reads what every earlier one recorded: it loads, it folds, it verifies, its words open."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core import events as e
from bot.eventlog.codec import lifting
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log, open_reader
from bot.eventlog.query import Query
from bot.eventlog.verify import verify
from tests.corpus.facts import Facts, as_lifted, told

HERE = Path(__file__).parent
LOGS = sorted(facts.parent for facts in HERE.glob("*/*/facts.json"))
RECEIPTS = {6: 0, 3: 2}
"""By the number of streams of a recorded log: those whose words were erased and not deleted in Discord."""
LATER = 1_800_000_000_000_000


@pytest.fixture(params=LOGS, ids=lambda log: f"{log.parent.name} {log.name}")
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of a recorded log, since a test may write into it."""
    copied: Path = shutil.copytree(request.param, tmp_path / "log")
    (copied / "vault.key").chmod(0o600)
    return copied


@pytest.fixture
async def log(recorded: Path) -> AsyncIterator[EventLog]:
    """Return the log, opened by this release as its owner: it is brought to this release's schema."""
    log = await open_log(Location(recorded), clock=lambda: LATER, full=False)
    yield log
    await log.close()


def expected(recorded: Path) -> Facts:
    """Return what the release that recorded a log read there."""
    facts: Facts = json.loads((recorded / "facts.json").read_text(encoding="utf-8"))
    return facts


def test_the_corpus_holds_every_type_and_none_is_gone() -> None:
    """A type that was recorded once is read for ever, under whatever name."""
    types = {name for log in LOGS for name in expected(log)["types"]}

    assert len(types) == 35
    assert types <= set(lifting().known)


async def test_a_reader_sees_what_the_release_saw_that_recorded_it(recorded: Path) -> None:
    """Without a change to the file: ``echoless log show`` works on a log before its bot is upgraded."""
    before = (recorded / "events.db").read_bytes()
    reader = await open_reader(Location(recorded))
    try:
        assert await told(reader) == expected(recorded)
    finally:
        await reader.close()

    assert (recorded / "events.db").read_bytes() == before


async def test_an_owner_sees_the_same_and_finds_no_fault(recorded: Path, log: EventLog) -> None:
    """The schema is this release's by then, and the chain still that of the events.

    What was erased has receipts, and what was deleted in Discord is erased.
    """
    facts = expected(recorded)
    last = len(facts["events"])
    receipts = [event.event async for event in log.reader.events(Query(after_position=last))]
    await log.append("bot", [e.Draft(e.BotStopped(reason="end"))])
    pages = [page async for page in verify(log.reader)]

    assert await told(log.reader, upto=last) == await as_lifted(facts, log.reader)
    assert [finding for page in pages for finding in page.findings] == []
    assert sum(page.events for page in pages) == last + len(receipts) + 1
    assert {receipt.reason for receipt in receipts if isinstance(receipt, e.WordsErased)} <= {e.ErasureReason.EARLIER}
    assert [receipt.TYPE for receipt in receipts] == [e.WordsErased.TYPE] * RECEIPTS[len(facts["states"])]


async def test_it_is_appended_to_where_it_ends(recorded: Path, log: EventLog) -> None:
    """A message that is recorded is known again, and a new one gets the next position."""
    (first, *_) = [event async for event in log.reader.events(Query(types=(e.MessageReceived.TYPE,)), limit=1)]
    assert isinstance(first.event, e.MessageReceived)
    head, version = await log.reader.newest(), await log.reader.head(first.stream)
    assert head >= len(expected(recorded)["events"])

    again = await log.append(first.stream, [e.Draft(first.event)])
    new = await log.append(first.stream, [e.Draft(e.RepliesPaused(by="moderator"))])

    assert again.new == ()
    assert [event.position for event in again.known] == [first.position]
    assert [event.position for event in new.new] == [head + 1]
    assert [event.version for event in new.new] == [version + 1]


async def test_a_state_from_a_snapshot_is_the_state_from_the_events(recorded: Path, log: EventLog) -> None:
    """Snapshots of an older fold are passed over; those of the same fold give the same state."""
    for stream, state in expected(recorded)["states"].items():
        loaded = (await log.reader.load(stream)).state

        assert loaded.version == await log.reader.head(stream) >= state["version"]
        assert [pending.message_id for pending in loaded.outbox] == state["outbox_ids"]


async def test_work_that_was_left_is_found(recorded: Path, log: EventLog) -> None:
    """A start after an upgrade takes up what was asked before it."""
    left = {stream for stream, state in expected(recorded)["states"].items() if state["outbox_ids"]}

    assert left <= set(await log.reader.unfinished())
