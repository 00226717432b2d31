"""``echoless stats``: what went on, as lines, as JSON and as a picture."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import GENERAL, HELP, Run

SINCE = ("--since", "2023-11-14T00:00Z")
"""The log is of an evening in 2023."""


def test_on_a_pipe_it_is_columns_without_bars(run: Run, folder: Path) -> None:
    """A line for each day, whose cells a tab separates; the figures in all stand above."""
    ran = run("stats", "--log", folder, *SINCE)

    assert (ran.code, ran.err) == (0, "")
    first, *_, heading, day = ran.out.splitlines()
    assert first == "Since 2023-11-14 00:00Z: 4 messages, 2 people, 1 reply, 1 skipped, 1 given up"
    assert "skipped: 1 no answer" in ran.out
    assert heading.split("\t")[:4] == ["day", "messages", "people", "replies"]
    assert day.split("\t") == ["2023-11-14Z", "4", "2", "1", "3.2 s", "3.4 s", "1", "1", "0", "$0.0000"]


@pytest.mark.parametrize(
    ("by", "names"), [("hour", ["2023-11-14 22:00Z"]), ("channel", [str(GENERAL), str(HELP)]), ("day", ["2023-11-14Z"])]
)
def test_the_rows_are_chosen(run: Run, folder: Path, by: str, names: list[str]) -> None:
    """Hours and days in order, channels by messages."""
    table = run("stats", "--log", folder, *SINCE, "--by", by).out.partition(f"{by}\t")[2].splitlines()[1:]

    assert [row.partition("\t")[0] for row in table] == names


def test_machines_get_json(run: Run, folder: Path) -> None:
    """Of a channel alone, if one is named."""
    (found,) = run("stats", "--log", folder, *SINCE, "--json", "--channel", HELP).rows

    assert found["since"] == "2023-11-14T00:00:00.000000+00:00"
    assert found["channels"].keys() == {str(HELP)}
    assert found["total"]["given_up"] == {"forbidden": 1}
    assert found["days"]["2023-11-14Z"]["messages"] == 1


def test_by_default_it_is_the_last_month(run: Run, folder: Path) -> None:
    """In which nothing happened here."""
    assert run("stats", "--log", folder).out.count("\n") == 1


@pytest.mark.parametrize(("name", "begins"), [("stats.png", b"\x89PNG"), ("stats.svg", b"<svg")])
def test_a_picture_is_written(run: Run, folder: Path, tmp_path: Path, name: str, begins: bytes) -> None:
    """Its ending says of which kind."""
    assert run("stats", "--log", folder, *SINCE, "--picture", tmp_path / name).code == 0
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_a_picture_of_another_kind_is_refused(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a PNG without the extra; both say what to do."""
    other = run("stats", "--log", folder, "--picture", "stats.gif")
    monkeypatch.setitem(sys.modules, "PIL", None)
    without = run("stats", "--log", folder, "--picture", "stats.png")

    assert (other.code, without.code) == (2, 1)
    assert "let it end in .svg, or in .png" in other.err
    assert "pip install 'echoless[pictures]'" in without.err
