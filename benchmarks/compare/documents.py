"""The figures in the documents: made from the results of one machine, and held equal to them by a test.

A document names the machine in a comment, and everything up to the closing comment is made from its results.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.compare import machine
from benchmarks.compare.figures import Row
from benchmarks.compare.results import number, read, revision_of

LEFT_OUT = ("growth",)
"""What a reader would have to compare line by line."""

_BLOCK = re.compile(r"<!-- make bench: (?P<name>[\w.-]+) -->\n.*?<!-- make bench ends -->\n", re.DOTALL)


def documents(root: Path) -> list[Path]:
    """Return the documents that may hold figures."""
    return [*root.glob("*.md"), *(root / "docs").rglob("*.md")]


def update(root: Path, folder: Path) -> list[Path]:
    """Put the results of ``folder`` into the documents, and return those that changed."""
    changed = [(path, text) for path, text in _outdated(root, folder)]
    for path, text in changed:
        path.write_text(text, encoding="utf-8")
    return [path for path, _ in changed]


def outdated(root: Path, folder: Path) -> list[Path]:
    """Return the documents whose figures are not those of the results."""
    return [path for path, _ in _outdated(root, folder)]


def _outdated(root: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    for path in documents(root):
        text = path.read_text(encoding="utf-8")
        made = text
        for block in _BLOCK.finditer(text):
            made = made.replace(block[0], _block(path, folder, block["name"]))
        if made != text:
            yield path, made


def shown(root: Path) -> set[str]:
    """Return the names of the machines whose results are shown."""
    return {block["name"] for path in documents(root) for block in _BLOCK.finditer(path.read_text(encoding="utf-8"))}


def _block(document: Path, folder: Path, name: str) -> str:
    picture = os.path.relpath(folder / f"{name}.svg", document.parent)
    return (
        f"<!-- make bench: {name} -->\n"
        f"![Ratios against their targets]({picture})\n\n{markdown(read(folder / f'{name}.json'))}"
        "<!-- make bench ends -->\n"
    )


def markdown(found: Mapping[str, Any]) -> str:
    """Return the results as a table and a sentence on what they were measured on."""
    names = [name for name in found["measurements"] if name not in LEFT_OUT]
    rows = [Row.from_json(row) for name in names for row in found["measurements"][name]]
    lines = ["| what | Echoless | beside it | ratio | target |", "|---|---|---|---|---|", *_lines(rows)]
    measured = f"Medians of {found['runs']} rounds at {revision_of(found)}: {machine.sentence(found['machine'])}."
    return "\n".join([*lines, "", measured, ""])


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    before = ("", "")
    for row in rows:
        said = (row.what, f"{number(median(row.ours))} {row.unit}")
        beside = f"{row.contender} {number(median(row.theirs))}" if row.theirs else ""
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        target = "" if row.target is None else row.target.text(row.unit)
        # What stands in the line above is not said again.
        yield f"| {' | '.join(['', ''] if said == before else said)} | {beside} | {ratio} | {target} |"
        before = said
