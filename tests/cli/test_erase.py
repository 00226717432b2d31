"""``echoless erase``: which words go is shown first, and copies that keep them are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import ALICE, ASKED, CHATTER, GENERAL, REPLY, Run


def test_a_dry_run_shows_and_erases_nothing(run: Run, folder: Path) -> None:
    """By channel."""
    ran = run("erase", "--person", ALICE, "--dry-run", "--log", folder)

    assert ran.code == 0
    assert ran.out.splitlines() == [
        "The words of 3 events in 1 stream would be erased, for ever",
        f"channel {GENERAL}: 3 events",
    ]
    assert run("erase", "--person", ALICE, "--dry-run", "--log", folder, "--json").rows == [
        {"changed": True, "events": 3, "by_stream": {f"channel:{GENERAL}": 3}, "archives": []}
    ]


def test_a_person_goes_and_the_log_says_so(run: Run, folder: Path) -> None:
    """The rest stays, and there is nothing to erase a second time."""
    assert run("erase", "--person", f"<@{ALICE}>", "--yes", "--log", folder, "--json").rows == [
        {"events": 3, "streams": 1, "emptied": True, "archives": [], "backups": 0, "replaced": 0}
    ]

    shown = run("log", "show", "--log", folder, "--words", "--json").rows
    assert [row["version"] for row in shown if row.get("erased")] != []
    assert shown[-1]["data"]["reason"] == "command line"
    assert shown[-1]["data"]["by"] == "command line"
    assert "all is well" in run("log", "verify", "--log", folder).out
    again = run("erase", "--person", ALICE, "--yes", "--log", folder)
    assert (again.code, again.out) == (0, "There are no such words in the log\n")
    why = run("replay", "why", ASKED, "--log", folder).out
    assert "words erased: command line, by command line" in why


@pytest.mark.parametrize(
    ("options", "events"),
    [
        (("--message", CHATTER), 2),
        (("--message", f"https://discord.com/channels/5/{GENERAL}/{REPLY}"), 1),
        (("--message", ASKED, "--answers"), 2),
        (("--channel", GENERAL), 5),
        (("--channel", GENERAL, "--person", ALICE), 3),
        (("--server", "5"), 5),
        (("--server", "6"), 0),
        (("--before", "1s"), 5),
        (("--before", "2001-01-01"), 0),
    ],
)
def test_options_choose(run: Run, folder: Path, options: tuple[object, ...], events: int) -> None:
    """Several narrow it down."""
    (row,) = run("erase", *options, "--dry-run", "--log", folder, "--json").rows

    assert row["events"] == events


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "Say which words"),
        (("--answers",), "Say which words"),
        (("--person", ALICE, "--answers"), "The answers to which message?"),
        (("--before", "5"), "Before when?"),
        (("--person", ALICE), "add --yes"),
        (("--server", "here"), "is no server"),
    ],
)
def test_what_can_t_be_meant_is_refused(run: Run, folder: Path, options: tuple[object, ...], says: str) -> None:
    """With a sentence, and nothing is erased."""
    ran = run("erase", *options, "--log", folder)

    assert ran.code != 0
    assert says in ran.err
    assert run("erase", "--person", ALICE, "--dry-run", "--log", folder, "--json").rows[0]["events"] == 3


def test_copies_that_keep_the_words_are_named(run: Run, folder: Path, tmp_path: Path) -> None:
    """Backups, and logs that one replaced."""
    (tmp_path / "backup").mkdir()
    run("backup", tmp_path / "backup", "--log", folder)
    (folder / "replaced-20260101T000000000000Z").mkdir()

    ran = run("erase", "--person", ALICE, "--yes", "--log", folder)

    assert f"1 backup in {tmp_path / 'backup'} may still hold them, until newer ones take their place." in ran.out
    assert f"1 log that a backup replaced may still hold them: delete {folder}/replaced-*." in ran.out
