"""``echoless replay``: the state as of then."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.conversations import state_as_of
from bot.eventlog.location import Location
from bot.eventlog.log import open_log, open_reader
from tests.cli.conftest import ALICE, ASKED, CHATTER, GENERAL, GIVEN_UP, HELP, REPLY, SKIPPED, Run
from tests.erasing import ERASE


def replayed(run: Run, folder: Path, *options: object) -> dict[str, Any]:
    """Return the state as JSON."""
    ran = run("replay", "--log", folder, "--channel", GENERAL, "--json", *options)
    assert ran.code == 0, ran.err
    (state,) = ran.rows
    return state


def test_the_state_now(run: Run, folder: Path) -> None:
    """Window, outbox, watermark, flags, counters: everything that decisions are made of."""
    state = replayed(run, folder)

    assert state["version"] == 8
    assert state["recorded_at"] == "2023-11-14T22:13:26.000000+00:00"
    assert state["watermark"] == str(SKIPPED)
    assert state["flags"] == {"paused": False, "deleted": False, "history_forbidden": False}
    assert state["counters"] == {
        "received": 3, "sent": 1, "skipped": 1, "abandoned": 0, "foreign": 0, "unreadable": 0, "imported": 0,
        "bots_in_a_row": 0,
    }  # fmt: skip
    assert state["outbox"] == []
    assert [turn["message_id"] for turn in state["window"]] == list(map(str, (ASKED, CHATTER, SKIPPED, REPLY)))
    assert state["window"][3] == {"message_id": str(REPLY), "author_id": None, "role": "bot", "position": 5, "part": 0}


def test_the_state_before_the_answer(run: Run, folder: Path) -> None:
    """What was promised then is in the outbox."""
    (pending,) = replayed(run, folder, "--at", 2)["outbox"]

    assert (pending["message_id"], pending["author_id"]) == (str(ASKED), str(ALICE))
    assert pending["requested_at"] == "2023-11-14T22:13:21.000000+00:00"
    assert (pending["sent_ids"], pending["retry_at"]) == ([], None)


@pytest.mark.parametrize(
    ("at", "version"),
    [
        pytest.param(0, 0, id="before the first event"),
        pytest.param(8, 8, id="the head"),
        pytest.param("2023-11-14T22:13:22Z", 3, id="a moment"),
        pytest.param("2023-11-14T22:13:22.999999Z", 3, id="just before the next event"),
        pytest.param("2020-01-01", 0, id="a moment before all"),
        pytest.param("1m ago", 8, id="a while ago"),
    ],
)
def test_at_a_version_or_a_moment(run: Run, folder: Path, at: object, version: int) -> None:
    """As many events as there were then."""
    assert version == replayed(run, folder, "--at", at)["version"]


def test_the_same_call_gives_the_same_bytes(run: Run, folder: Path) -> None:
    """Nothing in it comes from the clock or from an order by chance."""
    call = ("replay", "--log", folder, "--channel", GENERAL, "--json", "--words")

    assert run(*call).out == run(*call).out


def test_words_are_shown_when_asked_for(run: Run, folder: Path) -> None:
    """As they are now: edited ones edited, erased ones gone."""
    with closing(sqlite3.connect(folder / "events.db")) as database, database:
        database.execute(f"{ERASE} WHERE position = 2")

    window = replayed(run, folder, "--words")["window"]
    eyes = run("replay", "--log", folder, "--channel", GENERAL, "--words").out

    assert [(turn["name"], turn["text"]) for turn in window] == [
        (None, None),
        ("bob", "hello"),
        ("alice", "@bot sing"),
        (None, "Two spoons a cup."),
    ]
    assert "[words erased]" in eyes
    assert "bob: hello" in eyes
    assert "text" not in replayed(run, folder)["window"][0]


def test_words_alone_need_the_key(run: Run, folder: Path) -> None:
    """The state holds none."""
    (folder / "vault.key").unlink()

    assert replayed(run, folder)["version"] == 8
    assert run("replay", "--log", folder, "--channel", GENERAL, "--words").code == 4


def test_for_eyes_it_says_the_same(run: Run, folder: Path) -> None:
    """In tables."""
    out = run("replay", "--log", folder, "--channel", GENERAL, "--at", 2).out

    assert "its first event on" in out
    assert "window: 1 turn" in out
    assert str(ASKED) in out
    assert "received 1, sent 0" in out
    assert "The outbox is empty." in run("replay", "--log", folder, "--channel", HELP).out


def test_a_snapshot_is_named_and_changes_nothing_else(run: Run, folder: Path) -> None:
    """It is a cache."""
    before = replayed(run, folder)

    async def save() -> None:
        log = await open_log(Location(folder), clock=lambda: 1, full=False)
        loaded = await state_as_of(log.reader, GENERAL, version=6)
        await log.save_snapshot(f"channel:{GENERAL}", loaded.state)
        await log.close()

    asyncio.run(save())

    assert before | {"snapshot": 6} == replayed(run, folder)
    assert replayed(run, folder, "--at", 5)["snapshot"] == 0


def test_it_is_the_state_that_the_bot_would_load(run: Run, folder: Path) -> None:
    """Field for field."""

    async def load() -> Any:  # noqa: ANN401 - the state
        reader = await open_reader(Location(folder))
        try:
            return (await state_as_of(reader, HELP)).state
        finally:
            await reader.close()

    state = asyncio.run(load())
    (shown,) = run("replay", "--log", folder, "--channel", HELP, "--json").rows

    assert (state.abandoned, state.received) == (shown["counters"]["abandoned"], shown["counters"]["received"])
    assert shown["flags"]["history_forbidden"] is state.history_forbidden is True
    assert shown["watermark"] == str(state.watermark_id) == str(GIVEN_UP)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param([], "Missing option '--channel': `echoless log stats` lists", id="no channel"),
        pytest.param(["--channel", 5], "no stream channel:5 in this log: `echoless log stats`", id="unknown channel"),
        pytest.param(["--channel", GENERAL, "--at", 9], "is at version 8: there is no version 9 yet", id="beyond"),
        pytest.param(["--channel", GENERAL, "--at", "soon"], "That is no point in time", id="no time"),
        pytest.param(
            ["--channel", GENERAL, "--at", "9" * 30], "That is no point in time", id="no version of this world"
        ),
    ],
)
def test_what_can_t_be_replayed_is_refused(run: Run, folder: Path, options: list[object], said: str) -> None:
    """With what can."""
    ran = run("replay", "--log", folder, *options)

    assert ran.code == 2
    assert said in " ".join(ran.err.split())
