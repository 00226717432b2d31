"""``echoless log verify`` and ``stats``: the log judged and counted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import GENERAL, HELP, Run
from tests.tampering import tampering

SWAP = "UPDATE events SET sealed = (SELECT sealed FROM events WHERE position = 4) WHERE position = 2"


def tamper(folder: Path, *statements: str) -> None:
    """Change the log behind its back."""
    with tampering(folder / "events.db") as database:
        for statement in statements:
            database.execute(statement)


def test_a_whole_log_verifies(run: Run, folder: Path) -> None:
    """With a sentence that says how much was looked at, and how fast."""
    ran = run("log", "verify", "--log", folder)

    assert ran.code == 0
    first, second = ran.out.splitlines()
    assert re.fullmatch(r"Checked 14 events in 3 streams in \d+\.\d\d s \([\d,]+ a second\): all is well\.", first)
    assert second == "The words of 1 event are erased."


def test_json_ends_with_the_sums(run: Run, folder: Path) -> None:
    """One object when nothing is wrong."""
    (sums,) = run("log", "verify", "--log", folder, "--json").rows

    assert (sums["ok"], sums["events"], sums["streams"], sums["findings"]) == (True, 14, 3, 0)
    assert sums["words_checked"]


@pytest.mark.parametrize(
    ("statement", "place", "problem"),
    [
        pytest.param(
            "UPDATE events SET data = replace(data, 'rules', 'ruins') WHERE position = 3",
            f"channel:{GENERAL} v2",
            "its hash does not fit",
            id="an event was changed",
        ),
        pytest.param(
            "DELETE FROM events WHERE position = 9",
            f"channel:{GENERAL}",
            "the stream ends",
            id="the newest is gone",
        ),
        pytest.param("DELETE FROM events WHERE position = 4", f"channel:{GENERAL} v4", "it follows", id="one is gone"),
        pytest.param(
            SWAP,
            f"channel:{GENERAL} v1",
            "do not open",
            id="words were put in another's place",
        ),
        pytest.param(
            "UPDATE events SET data = '{}' WHERE position = 6",
            f"channel:{GENERAL} v5",
            "its schema",
            id="no such event",
        ),
    ],
)
def test_each_thing_wrong_is_a_line(run: Run, folder: Path, statement: str, place: str, problem: str) -> None:
    """And exit code 1."""
    tamper(folder, statement)

    eyes = run("log", "verify", "--log", folder)
    machines = run("log", "verify", "--log", folder, "--json")

    assert (1, 1) == (eyes.code, machines.code)
    assert any(place in line and problem in line for line in eyes.out.splitlines())
    assert re.search(r": \d findings?\.$", eyes.out, re.MULTILINE)
    *findings, sums = machines.rows
    assert any(
        place == row["stream"] + (f" v{row['version']}" if row["version"] else "") and problem in row["problem"]
        for row in findings
    )
    assert (sums["ok"], sums["findings"]) == (False, len(findings))


def test_a_stream_of_which_no_event_is_left_is_named_without_a_version(run: Run, folder: Path) -> None:
    """Its versions begin with 1."""
    tamper(folder, "DELETE FROM events")

    out = run("log", "verify", "--log", folder, "--channel", GENERAL).out

    assert f"WRONG  channel:{GENERAL}: the stream ends at version 0, its head says 8\n" in out


def test_one_channel_can_be_verified(run: Run, folder: Path) -> None:
    """What is wrong elsewhere does not show."""
    tamper(folder, "UPDATE events SET recorded_at = 1 WHERE position = 9")

    assert run("log", "verify", "--log", folder, "--channel", GENERAL).code == 1
    assert run("log", "verify", "--log", folder, "--channel", HELP).code == 0


def test_erased_words_are_nothing_wrong(run: Run, folder: Path) -> None:
    """The chain goes over a digest that stays, and there are receipts."""
    assert run("erase", "--before", "1s", "--yes", "--log", folder).code == 0

    ran = run("log", "verify", "--log", folder)

    assert ran.code == 0
    assert "The words of 6 events are erased." in ran.out
    assert run("log", "verify", "--log", folder, "--json").rows[-1]["erased"] == 6


def test_without_the_key_everything_else_is_verified(run: Run, folder: Path) -> None:
    """And it is said that hashes and words were not."""
    (folder / "vault.key").unlink()
    tamper(folder, SWAP)

    ran = run("log", "verify", "--log", folder)

    assert (0, "Hashes and words were not checked: there is no key to them here.\n") == (ran.code, ran.err)
    assert run("log", "verify", "--log", folder, "--json").rows[-1]["hashes_checked"] is False


def test_a_file_cut_short_is_no_traceback(run: Run, folder: Path) -> None:
    """It can't even be opened, and the sentence says what to do."""
    database = folder / "events.db"
    database.write_bytes(database.read_bytes()[:-20_000])

    ran = run("log", "verify", "--log", folder)

    assert ran.code == 4
    assert "is cut short" in ran.err


def test_stats_count(run: Run, folder: Path) -> None:
    """By type and stream, longest first."""
    (stats,) = run("log", "stats", "--log", folder, "--json").rows

    assert stats["types"]["message.received"] == 4
    assert list(stats["by_stream"].items()) == [(f"channel:{GENERAL}", 8), (f"channel:{HELP}", 5), ("bot", 1)]
    assert (stats["events"], stats["streams"], stats["bodies"]) == (14, 3, 5)
    assert stats["first_at"] == "2023-11-14T22:13:20.000000+00:00"
    assert stats["last_at"] == "2023-11-14T22:13:30.000000+00:00"
    assert stats["per_second"] == {"last_minute": 0.0, "overall": 1.4}
    assert stats["bytes"] >= (folder / "events.db").stat().st_size


def test_stats_for_eyes_say_how_to_see_the_rest(run: Run, folder: Path) -> None:
    """The same numbers, and ids that the other commands take."""
    out = run("log", "stats", "--log", folder, "--limit", 1).out

    assert re.search(rf"channel:{GENERAL}\t8", out)
    assert "and 2 shorter streams: --limit 0 lists all." in out
    assert f"channel:{HELP}" not in out
    assert f"channel:{HELP}" in run("log", "stats", "--log", folder).out


def test_stats_limit_counts_for_json_when_given(run: Run, folder: Path) -> None:
    """Without it a machine gets every stream."""
    (stats,) = run("log", "stats", "--log", folder, "--json", "--limit", 1).rows

    assert list(stats["by_stream"]) == [f"channel:{GENERAL}"]


def test_stats_need_no_key(run: Run, folder: Path) -> None:
    """No words are shown."""
    (folder / "vault.key").unlink()

    assert json.loads(run("log", "stats", "--log", folder, "--json").out)["events"] == 14
