"""``echoless log show``: which events, in which order, with which words."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from tests.cli.conftest import ASKED, CHATTER, GENERAL, GIVEN_UP, HELP, REPLY, SKIPPED, Run
from tests.erasing import ERASE

EVERYTHING = list(range(1, 15))
LINK = f"https://discord.com/channels/5/{GENERAL}/{ASKED}"


def positions(run: Run, folder: Path, *options: object) -> list[int]:
    """Return the positions of the events shown, in the order they are shown."""
    ran = run("log", "show", "--log", folder, "--json", *options)
    assert ran.code == 0, ran.err
    return [row["position"] for row in ran.rows]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        pytest.param([], EVERYTHING, id="everything"),
        pytest.param(["--limit", 3], [12, 13, 14], id="the newest, oldest first"),
        pytest.param(["--limit", 0], EVERYTHING, id="no limit"),
        pytest.param(["--limit", 500], EVERYTHING, id="a limit beyond what there is"),
        pytest.param(["--channel", HELP], [10, 11, 12, 13, 14], id="a channel"),
        pytest.param(["--channel", HELP, "--limit", 1], [14], id="the newest of a channel"),
        pytest.param(["--stream", "bot"], [1], id="a stream"),
        pytest.param(["--type", "message.deleted"], [14], id="a type"),
        pytest.param(["--type", "reply.sent", "--type", "message.skipped"], [6, 9], id="two types"),
        pytest.param(["--message", ASKED], [2, 3, 5, 6], id="a message and its reply"),
        pytest.param(["--message", 77], [], id="a message nobody knows"),
        pytest.param(["--since", "2023-11-14T22:13:27Z"], [10, 11, 12, 13, 14], id="from a moment on"),
        pytest.param(["--until", "2023-11-14T22:13:21Z"], [1], id="before a moment"),
        pytest.param(["--since", 5, "--channel", GENERAL], [6, 7, 8, 9], id="from a version on"),
        pytest.param(["--until", 5, "--channel", GENERAL], [2, 3, 4, 5], id="before a version"),
        pytest.param(["--since", 1, "--stream", "bot"], [1], id="from a version of any stream on"),
        pytest.param(["--since", SKIPPED], [8, 9], id="from a message on, in its channel"),
        pytest.param(["--since", REPLY], [6, 7, 8, 9], id="from a message of the bot on"),
        pytest.param(["--until", LINK.replace(str(ASKED), str(CHATTER))], [2, 3], id="before a link"),
        pytest.param(["--channel", f"<#{HELP}>", "--limit", 1], [14], id="a channel's mention"),
        pytest.param(
            ["--channel", f"https://discord.com/channels/5/{HELP}", "--limit", 1], [14], id="a channel's link"
        ),
        pytest.param(["--channel", LINK, "--limit", 1], [9], id="a message's link for a channel"),
        pytest.param(["--message", LINK], [2, 3, 5, 6], id="a message's link"),
        pytest.param(["--since", "1h"], [], id="lately"),
        pytest.param(["--since", "1h", "--limit", 0], [], id="lately, all"),
        pytest.param(["--until", "1h ago", "--limit", 2], [13, 14], id="long ago"),
        pytest.param(["--type", "message.received", "--channel", GENERAL, "--limit", 2], [4, 8], id="all at once"),
    ],
)
def test_options_choose_events(run: Run, folder: Path, options: list[object], shown: list[int]) -> None:
    """Always in the order in which they happened."""
    assert shown == positions(run, folder, *options)


def test_json_has_everything_of_an_event(run: Run, folder: Path) -> None:
    """Ids as text, the time in UTC, the words beside the data."""
    (row,) = run("log", "show", "--log", folder, "--json", "--type", "reply.composed").rows

    assert row == {
        "position": 5,
        "stream": f"channel:{GENERAL}",
        "version": 4,
        "type": "reply.composed",
        "v": 2,
        "recorded_at": "2023-11-14T22:13:23.000000+00:00",
        "correlation": str(ASKED),
        "causation": 3,
        "data": {
            **e.ReplyComposed(message_id=ASKED, parts=1, responder="rules").model_dump(mode="json"),
            "message_id": str(ASKED),
        },
        "body": {"name": "", "parts": ["Two spoons a cup."], "files": []},
    }


def test_a_line_for_eyes_names_what_matters(run: Run, folder: Path) -> None:
    """One line an event, words included, ready to be searched."""
    lines = run("log", "show", "--log", folder).out.splitlines()

    assert len(EVERYTHING) == len(lines)
    sent = next(line for line in lines if "reply.sent" in line)
    assert f"channel:{GENERAL} v5" in sent
    assert f"message_id={ASKED}" in sent
    assert f"sent_id={REPLY}" in sent
    assert 'alice: "!coffee"' in lines[1]
    assert "reason=no answer" in lines[8]


def test_words_do_not_drive_the_terminal(run: Run, folder: Path) -> None:
    """An operator looks at what anybody may have written."""
    out = run("log", "show", "--log", folder, "--message", CHATTER).out

    assert r"bob: \"hi\x1b[2J\nthere \u202e👍\"".replace('\\"', '"') in out
    assert "\x1b" not in out


def test_no_words_shows_none(run: Run, folder: Path) -> None:
    """And the bodies are null."""
    eyes = run("log", "show", "--log", folder, "--no-words")
    machines = run("log", "show", "--log", folder, "--no-words", "--json")

    assert "coffee" not in eyes.out + machines.out
    assert "alice" not in eyes.out + machines.out
    assert all(row["body"] is None and "erased" not in row for row in machines.rows)


def erase(folder: Path, position: int) -> None:
    """Take the words of an event away, the way erasing does."""
    with closing(sqlite3.connect(folder / "events.db")) as database, database:
        database.execute(f"{ERASE} WHERE position = ?", (position,))


def test_erased_words_are_marked(run: Run, folder: Path) -> None:
    """So that nobody takes them for words never written."""
    erase(folder, 2)

    line = run("log", "show", "--log", folder, "--message", ASKED).out.splitlines()[0]
    row, other, *_ = run("log", "show", "--log", folder, "--message", ASKED, "--json").rows

    assert line.endswith("[words erased]")
    assert (row["body"], row["erased"]) == (None, True)
    assert "erased" not in other


def test_without_its_key_the_log_is_shown_without_words(run: Run, folder: Path) -> None:
    """A missing key stands in the way of words alone, and the error says so."""
    (folder / "vault.key").unlink()

    refused = run("log", "show", "--log", folder)

    assert refused.code == 4
    assert "vault.key is missing" in refused.err
    assert "--no-words" in refused.err
    assert EVERYTHING == positions(run, folder, "--no-words")


def test_another_logs_key_is_refused(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, not at the first word."""
    monkeypatch.setenv("ECHOLESS_VAULT_KEY", "AB" * 21 + "A=")

    assert "This key is not the one the log was made with" in run("log", "show", "--log", folder).err
    assert EVERYTHING == positions(run, folder, "--no-words")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(
            ["--type", "reply.snt"], "Did you mean reply.sent? The types are: answer.rehearsed, bot.started,", id="type"
        ),
        pytest.param(["--channel", 333], "no stream channel:333 in this log: `echoless log stats` lists", id="channel"),
        pytest.param(["--stream", "gild:5"], "no stream gild:5", id="stream"),
        pytest.param(["--channel", "general"], "'general' is no channel: give its id", id="no id"),
        pytest.param(["--channel", 2**63], "is no channel", id="too large an id"),
        pytest.param(["--channel", 1, "--stream", "bot"], "exclude each other", id="channel and stream"),
        pytest.param(["--since", "tomorrow"], "That is no point in time", id="since"),
        pytest.param(["--since", "999999999d"], "an age has at most 36500 days", id="an age past the calendar"),
        pytest.param(["--since", "9" * 400 + "d"], "an age has at most 36500 days", id="an age of 400 digits"),
        pytest.param(["--until", "9999-12-31T23:59-10:00"], "outside of the calendar", id="a year out of range"),
        pytest.param(["--since", 3], "Version 3 of which channel? Add --channel or --stream.", id="a version of what"),
        pytest.param(["--stream", "bot", "--since", 9], "bot is at version 1: there is no version 9", id="no version"),
        pytest.param(["--stream", "bot", "--since", ASKED], "and bot is none", id="a message in no channel"),
        pytest.param(["--channel", HELP, "--since", LINK], "name several streams", id="another channel's link"),
        pytest.param(["--limit", -1], "-1 is not in the range", id="limit"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, folder: Path, options: list[object], said: str) -> None:
    """With what to write instead, and click's exit code for a wrong usage."""
    ran = run("log", "show", "--log", folder, *options)

    assert ran.code == 2
    assert said in " ".join(ran.err.split())
    assert ran.out == ""


@pytest.mark.parametrize("command", [["show"], ["stats"], ["verify"], ["export"]])
def test_no_log_is_an_error_and_makes_none(run: Run, tmp_path: Path, command: list[str]) -> None:
    """The sentence says where it was looked for."""
    ran = run("log", *command, "--log", tmp_path / "none")

    assert ran.code == 4
    assert f"There is no log in {tmp_path / 'none'}: start the bot once" in ran.err
    assert not (tmp_path / "none").exists()


def test_the_settings_name_the_log(run: Run, folder: Path, tmp_path: Path) -> None:
    """Unless --log does."""
    (tmp_path / "mine.toml").write_text(f'log.path = "{folder.name}"\n', encoding="utf-8")

    assert len(EVERYTHING) == len(run("log", "show", "--config", "mine.toml").out.splitlines())


def _hashes(folder: Path) -> dict[str, str]:
    """Return what each file holds, without those that SQLite makes and takes away beside its database."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if not path.name.endswith(("-wal", "-shm"))
    }


def test_looking_changes_nothing(run: Run, folder: Path, tmp_path: Path) -> None:
    """Not a byte of what the bot and its backups rely on."""
    before = _hashes(folder)

    for command in (
        ["log", "show"],
        ["log", "stats"],
        ["log", "verify"],
        ["log", "export", "--words", "--output", tmp_path / "out.jsonl"],
        ["replay", "--channel", GENERAL, "--words"],
    ):
        assert run(*command, "--log", folder).code == 0

    assert before == _hashes(folder)


async def test_a_log_is_read_beside_its_writer(tmp_path: Path) -> None:
    """From another process, as an operator does it, and what was just written is there."""
    location = Location(tmp_path / "busy")
    log = await open_log(location, clock=lambda: 1, full=False)
    try:
        await log.append("bot", (e.Draft(e.BotStopped(reason="not yet")),))

        shown = subprocess.run(
            [sys.executable, "-m", "bot", "log", "show", "--log", location.folder],
            capture_output=True, text=True, check=True, env=os.environ | {"TZ": "Asia/Tokyo"},
        )  # fmt: skip

        await log.append("bot", (e.Draft(e.BotStopped(reason="now")),))
    finally:
        await log.close()
    assert shown.stdout == "1970-01-01 00:00:00.000Z         1  bot v1  bot.stopped        reason=not yet\n"


def test_a_thousand_and_more_events_come_in_order(run: Run, tmp_path: Path) -> None:
    """However many pages they fill."""

    async def write() -> None:
        log = await open_log(Location(tmp_path / "long"), clock=lambda: 1, full=False)
        await log.append("bot", [e.Draft(e.BotStopped(reason=str(number))) for number in range(5000)])
        await log.close()

    asyncio.run(write())

    assert list(range(1, 5001)) == positions(run, tmp_path / "long", "--limit", 0)
    assert list(range(1501, 5001)) == positions(run, tmp_path / "long", "--limit", 3500)
    assert positions(run, tmp_path / "long", "--message", GIVEN_UP) == []
