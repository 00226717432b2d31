"""A log with events and words that can't be read: every view shows them where they lie, and all that is beside them."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from tests.cli.conftest import GENERAL, Run
from tests.newer import newer, spoil_words

WHY = {
    3: ("reply.dreamt", 1, "unknown type"),
    4: ("message.edited", 2, "newer version"),
    5: ("channel.deleted", 1, "does not fit its schema"),
}
SPOILT = 2
STREAM = f"channel:{GENERAL}"


def said(number: int) -> e.Draft:
    """Somebody posts a message."""
    event = e.MessageReceived(message_id=number, author_id=41, sent_at=1)
    return e.Draft(event, e.Body(name="ada", parts=(f"text {number}",)), subject_id=41)


async def write(folder: Path) -> None:
    """Write two messages, three events that can't be read, and another message."""
    log = await open_log(Location(folder), clock=lambda: 1_700_000_000_000_000, full=False)
    drafts = [said(1), said(2), *(newer(name, v, about=2, odd=True) for name, v, _ in WHY.values()), said(6)]
    await log.append(STREAM, drafts)
    await log.close()
    spoil_words(folder / "events.db", [SPOILT])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the log, which all tests only read."""
    folder = tmp_path_factory.mktemp("unreadable") / "log"
    asyncio.run(write(folder))
    return folder


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(("log", "show", "--json"), id="log show"),
        pytest.param(("log", "export", "--words"), id="log export"),
        pytest.param(("replay", "export", "--channel", GENERAL), id="replay export"),
        pytest.param(("replay", "timeline", "--channel", GENERAL, "--json"), id="timeline"),
        pytest.param(("replay", "why", 2, "--channel", GENERAL, "--json"), id="why"),
    ],
)
def test_a_row_of_json_says_what_can_not_be_read(run: Run, made: Path, view: tuple[object, ...]) -> None:
    """With its stored form and why; what lies beside it is there as ever."""
    rows = run(*view, "--log", made).rows
    rows = rows[0].get("events", rows)
    found = {row["position"]: row for row in rows}

    for position, (name, v, why) in WHY.items():
        row = found[position]
        assert (row["type"], row["v"], row["unreadable"], row["data"]) == (name, v, why, None)
    assert found[SPOILT]["unreadable"] == "its words do not open"
    assert "erased" not in found[SPOILT]
    assert found[SPOILT]["data"]["message_id"] == "2"
    assert all("unreadable" not in row for position, row in found.items() if position not in {*WHY, SPOILT})


@pytest.mark.parametrize(
    "view", [("log", "show"), ("replay", "timeline", "--channel", GENERAL)], ids=["log show", "timeline"]
)
def test_a_line_says_what_can_not_be_read(run: Run, made: Path, view: tuple[object, ...]) -> None:
    """In brackets, as of words that were erased."""
    out = run(*view, "--log", made).out

    for name, _, why in WHY.values():
        assert any(name in line and f"[unreadable: {why}]" in line for line in out.splitlines())
    assert "[words unreadable]" in out
    assert "text 6" in out


def test_the_words_of_a_turn_that_do_not_open_are_told_from_erased_ones(run: Run, made: Path) -> None:
    """In the state of the channel, which has counted what it left out."""
    shown = run("replay", "state", "--channel", GENERAL, "--log", made)
    state = run("replay", "state", "--channel", GENERAL, "--log", made, "--json").rows[0]

    assert "[words unreadable]" in shown.out
    assert state["counters"]["unreadable"] == len(WHY)
    assert [turn.get("unreadable") for turn in state["window"]] == [None, "its words do not open", None]


def test_they_are_counted(run: Run, made: Path) -> None:
    """By stats, status and pending, each for people and for machines."""
    stats, status, pending, here = (
        run(*call, "--log", made)
        for call in (
            ("log", "stats"),
            ("replay", "status"),
            ("replay", "pending"),
            ("replay", "pending", "--channel", GENERAL),
        )
    )
    stats_row, status_row, pending_row = (
        run(*call, "--json", "--log", made).rows[0]
        for call in (("log", "stats"), ("replay", "status"), ("replay", "pending"))
    )

    assert "unreadable\t3 events and the words of 1 event" in stats.out
    assert (stats_row["unreadable"], stats_row["unreadable_words"]) == (3, 1)
    assert f"unreadable: 3 events can't be read and are skipped: {STREAM} (3)" in status.out
    assert status_row["unreadable"] == {"events": 3, "words": 0, "streams": {STREAM: 3}}
    assert "unreadable: 3 events can't be read and are skipped" in pending.out
    assert "unreadable: 3 events can't be read and are skipped" in here.out
    assert pending_row["unreadable"] == 3


def test_without_the_key_the_events_are_shown(run: Run, made: Path, tmp_path: Path) -> None:
    """Nobody can tell then whether words open."""
    keyless = Path(shutil.copytree(made, tmp_path / "keyless"))
    (keyless / "vault.key").unlink()

    shown = run("log", "show", "--no-words", "--json", "--log", keyless)
    stats = run("log", "stats", "--json", "--log", keyless)

    assert [row.get("unreadable") for row in shown.rows][1:4] == [None, "unknown type", "newer version"]
    assert (stats.rows[0]["unreadable"], stats.rows[0]["unreadable_words"]) == (3, None)


def test_verify_lists_each(run: Run, made: Path) -> None:
    """One finding for each event, and for the words."""
    ran = run("log", "verify", "--json", "--log", made)
    *findings, sums = map(json.loads, ran.out.splitlines())

    assert ran.code == 1
    assert {(each["version"], each["problem"]) for each in findings} == {
        (SPOILT, "its words do not open with this key"),
        *((version, f"it can't be read: {name} v{v}, {why}") for version, (name, v, why) in WHY.items()),
    }
    assert {each["version"] for each in findings if each["newer"]} == {3, 4}
    assert sums["findings"] == len(WHY) + 1
    assert "2 events may be of a newer release" in run("log", "verify", "--log", made).out
