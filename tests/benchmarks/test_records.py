"""What is kept of runs: on which machine, at which commit, how the ratios went, and the figures in the documents."""

from __future__ import annotations

import json
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks.compare import documents, machine, results, trend
from benchmarks.compare.figures import Row, Target
from benchmarks.compare.revision import UNKNOWN, Revision, revision

HERE = {
    "processor": "Intel(R) Xeon(R) Processor",
    "cores": 2,
    "threads": 4,
    "filesystem": "ext4",
    "sync_p50_ms": 0.318,
    "python": "3.11.7",
}


def found(*rows: Row, commit: str = "c0ffee", clean: bool = True, name: str = "xeon", date: str = "") -> dict[str, Any]:
    """Return what a run leaves behind."""
    return {
        "name": name,
        "commit": commit,
        "clean": clean,
        "date": date or "2026-01-02T03:04:05+00:00",
        "machine": HERE,
        "runs": 3,
        "measurements": {"append": [row.to_json() for row in rows], "growth": [Row("size", "MB", (1,)).to_json()]},
    }


def row(*ratios: float, unit: str = "events/s") -> Row:
    """Return a row with these ratios."""
    return Row("append", unit, ratios, "raw", (1.0,) * len(ratios), Target(7.5, at_least=True))


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        ("Intel(R) Xeon(R) Processor", "intel-xeon-2c4t-py3.11"),
        ("Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz", "intel-core-i7-9750h-2c4t-py3.11"),
        ("AMD EPYC 7763 64-Core Processor", "amd-epyc-7763-2c4t-py3.11"),
    ],
)
def test_a_machine_has_a_short_name(processor: str, expected: str) -> None:
    """The same on each run: nothing in it changes by itself."""
    assert machine.name({**HERE, "processor": processor}) == expected


def test_this_machine_can_be_described(tmp_path: Path) -> None:
    """All that a sentence says of one; the disk is tried."""
    here = machine.machine(tmp_path)

    assert here["cores"] <= here["threads"]
    assert here["sync_p50_ms"] >= 0
    assert here["processor"] in machine.sentence(here)


def test_a_machine_is_described_in_a_line() -> None:
    """With what figures depend on."""
    assert machine.sentence(HERE) == (
        "Intel(R) Xeon(R) Processor, cores: 2, threads: 4; ext4, a sync takes 0.32 ms (p50); Python 3.11.7"
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository of one commit, with a file that is measured and one that is not."""
    for name in ("bot/bot.py", "docs/tour.md"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("as committed\n")
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    for arguments in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "a commit")):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)  # noqa: S607
    return tmp_path


def test_a_commit_as_it_is_is_clean(repository: Path) -> None:
    """Results of an earlier run and documents change no figure."""
    kept = repository / "benchmarks" / "results" / "xeon.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}\n")
    (repository / "docs" / "tour.md").write_text("other figures\n")
    measured = revision(repository)

    assert measured.clean
    assert len(measured.commit) == 10
    assert str(measured) == measured.commit


def test_a_changed_file_makes_the_tree_unclean(repository: Path) -> None:
    """Then the commit is not what was measured, and the table says so."""
    (repository / "bot" / "bot.py").write_text("otherwise\n")

    assert str(revision(repository)).endswith(", unclean tree")


def test_where_there_is_no_repository_the_commit_is_unknown(tmp_path: Path) -> None:
    """As in an unpacked archive."""
    assert revision(tmp_path) == Revision(UNKNOWN, clean=False)


@pytest.mark.parametrize(
    ("before", "now", "more", "slower"),
    [
        pytest.param((10, 11, 12), (7, 8, 9), True, True, id="a rate that fell"),
        pytest.param((10, 11, 12), (13, 14, 15), True, False, id="a rate that rose"),
        pytest.param((10, 11, 12), (13, 14, 15), False, True, id="a time that rose"),
        pytest.param((10, 11, 12), (7, 8, 9), False, False, id="a time that fell"),
        pytest.param((8, 11, 14), (7, 9, 11), True, False, id="within the spread"),
        pytest.param((10, 11, 12, 1), (9, 9.5, 9.9, 12), True, False, id="one bad round of each"),
        pytest.param((10,), (9.9,), True, True, id="single rounds have no spread"),
    ],
)
def test_slower_is_what_lies_beyond_the_spread(
    before: tuple[float, ...],
    now: tuple[float, ...],
    more: bool,  # noqa: FBT001 - a table
    slower: bool,  # noqa: FBT001 - a table
) -> None:
    """The middle halves of the rounds have nothing in common, and the newer one is the worse."""
    assert trend.Figure(now, more).slower_than(trend.Figure(before, more)) is slower


def test_the_trend_marks_the_commit_that_is_slower(tmp_path: Path) -> None:
    """From a file of runs: those of one commit count as one, and each machine stands alone."""
    path = tmp_path / "results" / "trend.jsonl"
    runs = [
        found(row(10, 11, 12), commit="one"),
        found(row(12, 13, 14), commit="one"),
        found(row(6, 7, 8), commit="two"),
        found(row(6, 7, 8), commit="two", clean=False),
        found(row(1, 2, 3), commit="two", name="other"),
    ]
    for run in runs:
        trend.append(path, trend.entry(run))
    screen = Console(width=120, file=StringIO(), record=True)
    trend.show(screen, path)
    (line, other) = (line for line in screen.export_text().splitlines() if "append / raw" in line)

    assert [cell.strip() for cell in line.split("│")[1:-1]] == ["append / raw", "12", "slower 7", "7"]
    assert [cell.strip() for cell in other.split("│")[1:-1]] == ["append / raw", "2"]


def test_a_trend_without_runs_says_how_to_get_one(tmp_path: Path) -> None:
    """Nothing has been measured yet."""
    screen = Console(width=300, file=StringIO(), record=True)
    trend.show(screen, tmp_path / "trend.jsonl")

    assert "make bench adds one" in screen.export_text()


def test_a_row_without_a_ratio_has_no_trend() -> None:
    """A size that stands alone is compared with nothing."""
    assert set(trend.entry(found(row(1, 2, 3))).figures) == {"append / raw"}


DOCUMENT = """# Fast

Before.

<!-- make bench: xeon -->
what somebody typed
<!-- make bench ends -->

After.
"""
FILLED = """# Fast

Before.

<!-- make bench: xeon -->
![Ratios against their targets](../results/xeon.svg)

| what | Echoless | beside it | ratio | target |
|---|---|---|---|---|
| append | 11.0 events/s | raw 1.00 | 11.00 | ≥ 7.5 x |
|  |  | raw 1.00 | 11.00 | ≥ 7.5 x |
| p50 | 2.00 ms |  |  |  |

Medians of 3 rounds at c0ffee: {sentence}.
<!-- make bench ends -->

After.
"""


def test_a_document_gets_its_figures_from_the_results(tmp_path: Path) -> None:
    """Between its two comments, and nothing else changes; a second time there is nothing to do."""
    document, folder = tmp_path / "docs" / "fast.md", tmp_path / "results"
    document.parent.mkdir()
    document.write_text(DOCUMENT, encoding="utf-8")
    results.write(folder / "xeon.json", found(row(10, 11, 12), row(10, 11, 12), Row("p50", "ms", (2, 2, 2))))

    assert documents.outdated(tmp_path, folder) == [document]
    assert documents.update(tmp_path, folder) == [document]
    assert document.read_text(encoding="utf-8") == FILLED.format(sentence=machine.sentence(HERE))
    assert documents.update(tmp_path, folder) == []


def test_the_documents_show_the_results_that_are_kept() -> None:
    """Of a whole run; ``make bench`` puts them there."""
    shown = documents.shown(results.ROOT)
    kept = {name: json.loads((results.FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in shown}

    assert shown
    assert documents.outdated(results.ROOT, results.FOLDER) == []
    assert not any(run["quick"] for run in kept.values())
    assert all((results.FOLDER / f"{name}.svg").exists() for name in shown)
