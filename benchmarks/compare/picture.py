"""The picture of a run, drawn from its JSON: how far each target is reached.

    .venv/bin/python -m benchmarks.compare.picture benchmarks/results.json benchmarks/results.svg

The same JSON gives the same file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.compare.figures import Row
from benchmarks.compare.results import rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MET, MISSED, INK = "#2da44e", "#bf8700", "#7d8590"
"""Colours that can be read on white and on GitHub's dark."""

LEFT, RIGHT = 0.05, 10.0
"""How far from its target a bar is drawn at most; the axis is logarithmic."""

SETTINGS = {"svg.hashsalt": "echoless", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Write a bar for each row with a target: from its target, the line in the middle, to what was reached."""
    rows = [row for row in rows_of(results) if row.reach is not None][::-1]
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(9, 1.1 + 0.42 * len(rows)), layout="constrained")
        figure.patch.set_alpha(0)
        _fill(figure.add_subplot(), rows)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)


def _fill(axes: Axes, rows: Sequence[Row]) -> None:
    places = range(len(rows))
    reached = [min(max(row.reach or LEFT, LEFT), RIGHT) for row in rows]
    colours = [MET if row.met else MISSED for row in rows]
    axes.barh(places, [reach - 1 for reach in reached], left=1, color=colours, height=0.6)
    axes.axvline(1, color=INK, linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(LEFT / 3, RIGHT * 4)
    ticks = {0.1: "a tenth", 0.5: "half", 1: "target\nreached", 2: "twice", 10: "ten times"}
    axes.set_xticks(list(ticks), list(ticks.values()), color=INK)
    axes.set_xticks([], minor=True)
    axes.set_yticks(places, [_label(row) for row in rows], color=INK)
    for place, row, reach in zip(places, rows, reached, strict=True):
        beyond = reach >= 1
        axes.annotate(
            f"{row.ratio:.2f} x ({row.target.text(row.unit) if row.target else ''})",
            (reach, place),
            xytext=(4 if beyond else -4, 0),
            textcoords="offset points",
            ha="left" if beyond else "right",
            va="center",
            color=INK,
            fontsize=8,
        )
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0)


def _label(row: Row) -> str:
    return f"{row.what}\nbeside {row.contender}"


def main() -> int:
    """Draw what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    draw(json.loads(options.results.read_text(encoding="utf-8")), options.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
