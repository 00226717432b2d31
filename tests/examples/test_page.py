"""docs/wrap.md shows the examples as they are, and keeps what it says."""

from __future__ import annotations

import re

import pytest

from tests.examples.page import NAMES, PAGE, ROOT, after, applied, before, diff_of, lines_added, shown


def test_the_page_shows_the_diffs_of_the_examples() -> None:
    """``python -m tests.examples.page`` writes them anew."""
    assert shown() == [diff_of(name) for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_who_types_in_a_diff_has_the_example_with_the_log(name: str) -> None:
    """Which the tests of the examples run."""
    assert applied(shown()[NAMES.index(name)], before(name)) == after(name)


def test_a_diff_that_does_not_fit_is_refused() -> None:
    """So the test above can fail."""
    with pytest.raises(ValueError, match="line"):
        applied(diff_of("tickets"), before("levels"))


def test_the_log_adds_twelve_lines_to_the_ticket_bot() -> None:
    """Of code: blank lines, comments and docstrings are not counted."""
    assert lines_added("tickets") == 12
    assert "Twelve lines of code are new." in PAGE.read_text(encoding="utf-8")


def test_each_example_is_short() -> None:
    """As people write them."""
    assert all(len(text.splitlines()) < 100 for name in NAMES for text in (before(name), after(name)))


def test_the_page_names_files_and_commands_that_exist() -> None:
    """And no line of it is too wide to read."""
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"`(examples/[\w/.]*)`|\]\((\w+\.md)\)", text)

    assert all((ROOT / path).exists() if path else (PAGE.parent / page).exists() for path, page in named)
    assert "\nwrapped:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines()) <= 140
