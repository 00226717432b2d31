"""The diffs of docs/wrap.md, made from the examples: ``python -m tests.examples.page`` writes them anew."""

from __future__ import annotations

import ast
import difflib
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "wrap.md"
NAMES = ("tickets", "moderation", "levels")
_BLOCK = re.compile(r"(?ms)^```diff\n(.*?)^```$")


def main() -> None:
    """Write the diffs into the page, each in the place of the one that is there."""
    diffs = iter([diff_of(name) for name in NAMES])
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_BLOCK.sub(lambda _: f"```diff\n{next(diffs)}```", text), encoding="utf-8")


def shown() -> list[str]:
    """Return the diffs that the page shows."""
    return _BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def before(name: str) -> str:
    """Return an example as it is without the log."""
    return (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")


def after(name: str) -> str:
    """Return an example as it is with the log."""
    return (ROOT / "examples" / "wrapped" / f"{name}.py").read_text(encoding="utf-8")


def diff_of(name: str) -> str:
    """Return the diff between both, as the page shows it."""
    lines = before(name).splitlines(keepends=True), after(name).splitlines(keepends=True)
    diff = difflib.unified_diff(*lines, f"examples/{name}.py", f"examples/wrapped/{name}.py", n=2)
    return "".join(line if line.strip() else "\n" for line in diff)


def applied(diff: str, text: str) -> str:
    """Return a text with a diff applied to it; raise ValueError where it does not fit."""
    lines, at, made = text.splitlines(), 0, []
    for line in diff.splitlines()[2:]:
        if line.startswith("@@"):
            start = int(re.findall(r"-(\d+)", line)[0]) - 1
            made += lines[at:start]
            at = start
        elif line.startswith("+"):
            made.append(line[1:])
        else:
            if lines[at] != line[1:]:
                raise ValueError(f"line {at + 1} of the example is not that of the page")
            at += 1
            made += [] if line.startswith("-") else [line[1:]]
    return "\n".join((*made, *lines[at:], ""))


def code_of(text: str) -> set[int]:
    """Return the numbers of the lines of a program that hold code: no comments, docstrings or blank lines."""
    tree = ast.parse(text)
    told: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            told |= set(range(body[0].lineno, (body[0].end_lineno or body[0].lineno) + 1))
    lines = enumerate(text.splitlines(), 1)
    return {
        number for number, line in lines if line.strip() and not line.strip().startswith("#") and number not in told
    }


def lines_added(name: str) -> int:
    """Return how many lines of code the log adds to an example."""
    old, new = before(name).splitlines(), after(name).splitlines()
    code, number = code_of(after(name)), 0
    for kind, _, _, start, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind in ("insert", "replace"):
            number += sum(line in code for line in range(start + 1, end + 1))
    return number


if __name__ == "__main__":
    main()
