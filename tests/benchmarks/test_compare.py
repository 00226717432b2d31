"""What the comparison makes of its samples, and that its picture can be drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.compare.bench import LARGEST_BURST, checked_burst
from benchmarks.compare.chat import chat_at
from benchmarks.compare.figures import Row, Target, fixed, percentile
from benchmarks.compare.results import cells, rows_of


def row(ours: tuple[float, ...], theirs: tuple[float, ...], target: Target | None = None) -> Row:
    """Return a row of so many rounds."""
    return Row("append", "events/s", ours, "another", theirs, target)


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    """Not the ratio of the medians (here 1), which would compare one minute with another."""
    assert row((100, 10, 1), (10, 1, 100)).ratio == 10


@pytest.mark.parametrize(
    ("share", "expected"), [(0, 1), (0.5, 2), (0.75, 3), (0.76, 4), (0.99, 4), (1, 4)], ids=lambda value: f"{value}"
)
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    """The nearest rank: nothing is made up between two of them."""
    assert percentile([4, 2, 3, 1], share) == expected


@pytest.mark.parametrize(
    ("target", "ours", "met"),
    [
        pytest.param(Target(15, at_least=True), 150, True, id="as fast as asked"),
        pytest.param(Target(15, at_least=True), 149, False, id="not quite as fast"),
        pytest.param(Target(2), 20, True, id="as slow as allowed"),
        pytest.param(Target(2), 21, False, id="slower"),
        pytest.param(Target(1, plus=2), 12, True, id="as much above as allowed"),
        pytest.param(Target(1, plus=2), 12.1, False, id="further above"),
        pytest.param(None, 1, None, id="no target"),
    ],
)
def test_a_target_is_met_from_its_edge_on(target: Target | None, ours: float, met: bool | None) -> None:  # noqa: FBT001 - a table
    """Judged by the median of the rounds: here they are alike."""
    assert row((ours,) * 3, (10,) * 3, target).met is met


def test_one_bad_round_does_not_miss_a_target() -> None:
    """Nor would a good one reach it."""
    assert row((150, 151, 1), (10, 10, 10), Target(15, at_least=True)).met
    assert not row((1, 1, 1000), (10, 10, 10), Target(15, at_least=True)).met


def test_what_stands_alone_has_no_ratio() -> None:
    """A figure without a contender only tells."""
    alone = Row("free pages", "pages", (0, 0, 0))

    assert (alone.ratio, alone.met) == (None, None)
    assert cells(alone) == ("free pages", "0.00 pages", "-", "-", "-", "-")


def test_a_limit_is_what_a_figure_is_a_share_of() -> None:
    """Twice the limit is 2.00 x, and misses it."""
    late, early = fixed("p99", "ms", (10, 11, 9), 5.0), fixed("p99", "ms", (2, 4, 5), 5.0)

    assert cells(late) == ("p99", "10.0 ms", "a limit of 5 ms: 5.00", "2.00 x", "≤ 1 x", "no, 50%")
    assert early.met


@pytest.mark.parametrize("burst", [0, LARGEST_BURST + 1])
def test_a_burst_that_the_sandbox_cannot_keep_is_refused(burst: int) -> None:
    """With the number that it takes at most: otherwise the client would be dropped in the middle of a run."""
    with pytest.raises(ValueError, match=f"take 1 to {LARGEST_BURST:,}"):
        checked_burst(burst)


def test_the_json_gives_the_rows_back() -> None:
    """So that table and picture can be made again."""
    rows = [row((1, 2), (3, 4), Target(0.3, plus=1)), Row("alone", "ms", (1.5, 2.5), note="warm")]
    stored = {"measurements": {"append": [one.to_json() for one in rows]}}

    assert rows_of(json.loads(json.dumps(stored))) == rows


def test_invented_chat_has_the_lengths_of_the_recording(tmp_path: Path) -> None:
    """Its median is 44 characters and its longest message 457; the same each time."""
    chat = chat_at(tmp_path / "none.jsonl")
    lengths = [len(line.content) for line in chat.lines]

    assert not chat.real
    assert 40 <= percentile(lengths, 0.5) <= 48
    assert max(lengths) == 457
    assert chat_at(tmp_path / "none.jsonl") == chat


def test_the_picture_is_the_same_for_the_same_figures(tmp_path: Path) -> None:
    """No dates, no random ids: a picture that changed shows figures that did."""
    picture = pytest.importorskip("benchmarks.compare.picture", reason="matplotlib comes with make bench")
    stored = {"measurements": {"append": [row((2, 2), (1, 1), Target(15, at_least=True)).to_json()]}}
    paths = [tmp_path / "one.svg", tmp_path / "other.svg"]
    for path in paths:
        picture.draw(stored, path)

    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert "2.00 x (≥ 15 x)" in paths[0].read_text(encoding="utf-8")
