"""The line under an answer that names its tools."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.sources import sources_of, with_sources, without_sources


def test_the_line_is_small_and_names_each_tool() -> None:
    """An answer without tools has none."""
    assert with_sources("It rains.\n", ["wiki_search", "recall"]) == "It rains.\n-# 🔧 `wiki_search`, `recall`"
    assert with_sources("It rains.\n", []) == "It rains.\n"
    assert with_sources("\n", ["recall"]) == "\n"


def test_the_names_are_found_again() -> None:
    """Where there is such a line."""
    assert sources_of(with_sources("It rains.", ["wiki_search", "recall"])) == ("wiki_search", "recall")
    assert sources_of("It `rains`.") == ()


@given(st.text().map("a{}".format), st.lists(st.text("ab_", min_size=1), min_size=1))
def test_it_is_taken_off_again(text: str, tools: list[str]) -> None:
    """And nothing else is."""
    assert without_sources(with_sources(text, tools)) == without_sources(text.rstrip()) or "🔧" in text
    assert without_sources(f"{text}.") == f"{text}." or "🔧" in text
