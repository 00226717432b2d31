from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gateway.commands.answers import FENCE, MOST_PAGES, ROOM, PagedReport, pages
from bot.moderation.command import Report

MESSAGE = 2000


def test_a_title_alone_is_a_sentence() -> None:
    """No frame, no code block."""
    assert pages("All is well.", ()) == ["All is well."]


def test_lines_stand_in_a_code_block_under_their_title() -> None:
    """As written, in order."""
    assert pages("Title", ("one", "two")) == ["**Title**\n```\none\ntwo\n```"]


@given(title=st.text(max_size=3000), lines=st.lists(st.text(max_size=3000), max_size=30))
def test_every_page_fits_in_a_message_and_in_its_frame(title: str, lines: list[str]) -> None:
    """Whatever people wrote: no page is too long, and no text ends its code block."""
    for page in pages(title, lines):
        assert 0 < len(page) <= MESSAGE - 50
        assert page.count(FENCE) in (0, 2)


@given(lines=st.lists(st.text("abc", min_size=1, max_size=200), max_size=200))
def test_no_line_is_lost(lines: list[str]) -> None:
    """Pages one after the other hold them all."""
    shown = [line for page in pages("T", lines) for line in page.splitlines()[2:-1]]

    assert shown == lines


def test_very_much_is_a_file() -> None:
    """More pages than anybody leafs through."""
    lines = tuple(f"line {number} {'x' * 90}" for number in range(40 * MOST_PAGES))

    screen = PagedReport(Report("Title", lines)).display

    assert screen.buttons == ()
    assert screen.file is not None
    assert screen.file.content.decode().splitlines() == ["Title", "", *lines]


@pytest.mark.parametrize("count", range(1, 12))
def test_no_run_of_backticks_ends_the_block(count: int) -> None:
    """However many stand in a row, and wherever a line is cut."""
    lines = ["`" * count, f"a{'`' * count}b", "x" * (ROOM // 2 - 1) + "`" * count]

    for page in pages("title", lines):
        assert page.count(FENCE) == 2
        assert page.endswith(FENCE)
        assert sum(line.startswith(FENCE) for line in page.split("\n")) == 2
