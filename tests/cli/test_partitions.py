"""Commands on a log of several partitions: which of them they are about."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from tests.cli.conftest import Run

FIRST, SECOND = 4 << 22, 5 << 22
"""Servers of partitions 0 and 1 of two, and their channels a little further on."""


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    """Return the folder of a log of two partitions, with one message each; the settings beside it say so."""

    async def write() -> None:
        for partition, server in enumerate((FIRST, SECOND)):
            location = Location(tmp_path / "data").of(partition, 2)
            log = await open_log(location, clock=lambda: 1_790_000_000_000_000, full=False)
            said = e.MessageReceived(message_id=server + 9, author_id=41, sent_at=1, guild_id=server)
            await log.append(f"channel:{server + 1}", [e.Draft(said, e.Body(name="a", parts=("hi",)), subject_id=41)])
            await log.close()

    asyncio.run(write())
    (tmp_path / "config.toml").write_text("[shards]\npartitions = 2\n")
    return tmp_path / "data"


def streams(out: str) -> list[str]:
    """Return the streams of the events that a command wrote as JSON Lines."""
    return [json.loads(line)["stream"] for line in out.splitlines()]


def test_what_is_about_everything_goes_through_all(run: Run, divided: Path) -> None:
    """With the number of each beside what it says; the worst exit code is that of all."""
    shown, verified = run("log", "show", "--json"), run("log", "verify")

    assert streams(shown.out) == [f"channel:{FIRST + 1}", f"channel:{SECOND + 1}"]
    assert shown.err.splitlines() == ["Partition 0:", "Partition 1:"]
    assert (verified.code, verified.err) == (0, "Partition 0:\nPartition 1:\n")
    (divided / "1" / "events.db").unlink()
    assert streams(run("log", "show", "--json").out) == [f"channel:{FIRST + 1}"]


@pytest.mark.parametrize(
    "which",
    [
        ("--partition", 1),
        ("--channel", SECOND + 1),
        ("--stream", f"channel:{SECOND + 1}"),
        ("--message", SECOND + 9),
        ("--message", f"https://discord.com/channels/{SECOND}/{SECOND + 1}/{SECOND + 9}"),
    ],
)
def test_what_names_one_is_about_that(run: Run, divided: Path, which: tuple[str, object]) -> None:
    """A partition, a channel or a message: the other one is not looked at."""
    shown = run("log", "show", "--json", *which)

    assert divided.is_dir()
    assert (shown.code, shown.err, streams(shown.out)) == (0, "", [f"channel:{SECOND + 1}"])


def test_commands_of_moderators_find_it_too(run: Run, divided: Path) -> None:
    """Their options may stand before their names."""
    state = run("replay", "--channel", SECOND + 1, "--json")
    explained = run("replay", "--partition", 1, "status", "--json")

    assert divided.is_dir()
    assert (state.code, state.err) == (0, "")
    assert state.rows[0]["version"] == 1
    assert (explained.code, explained.err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("log", "follow"), "The log has 2 partitions: say which with --partition N."),
        (("log", "export", "--output", "events.jsonl"), "The log has 2 partitions: say which with --partition N."),
        (("backup", "log.db"), "The log has 2 partitions: say which with --partition N."),
        (("log", "stats", "--partition", 2), "Invalid value for '--partition': the log has 2, from 0 to 1."),
        (("log", "show", "--channel", 7), "there is no stream channel:7 in this log"),
        (("key", "rotate", "--partition", 0), "The partitions of a log share its key"),
    ],
)
def test_what_can_be_about_one_only_is_refused(
    run: Run, divided: Path, arguments: tuple[object, ...], sentence: str
) -> None:
    """And nothing is written."""
    refused = run(*arguments)

    assert refused.code
    assert sentence in " ".join(refused.err.split())
    assert not [path for path in divided.parent.iterdir() if path.name not in ("config.toml", "data")]


def test_a_folder_of_backups_takes_one_of_each(run: Run, divided: Path, tmp_path: Path) -> None:
    """Each is restored into its own partition."""
    (tmp_path / "backups").mkdir()

    taken = run("backup", "backups", "--json")

    assert divided.is_dir()
    assert len({row["log_id"] for row in taken.rows}) == len(list((tmp_path / "backups").iterdir())) == 2


def test_another_number_is_told(run: Run, divided: Path, tmp_path: Path) -> None:
    """Instead of that there is no log."""
    (tmp_path / "config.toml").write_text("")

    assert divided.is_dir()
    assert "The log has 2 partitions, and shards.partitions is 1" in run("log", "stats").err
