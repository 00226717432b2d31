"""The line under an answer that names its tools."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.events import Body, Shown, ShownKind
from bot.core.seen import told
from bot.core.sources import parts_without_sources, sources_of, with_sources, without_sources


def test_the_line_is_small_and_names_each_tool() -> None:
    """An answer without tools has none."""
    assert with_sources("It rains.\n", ["wiki_search", "recall"]) == "It rains.\n-# 🔧 `wiki_search`, `recall`"
    assert with_sources("It rains.\n", []) == "It rains.\n"
    assert with_sources("\n", ["recall"]) == "\n"


def test_the_names_are_found_again() -> None:
    """Where there is such a line."""
    assert sources_of(with_sources("It rains.", ["wiki_search", "recall"])) == ("wiki_search", "recall")
    assert sources_of("It `rains`.") == ()


def test_an_answer_goes_on_behind_its_words() -> None:
    """A last part that held the line alone is written anew."""
    assert parts_without_sources(("one", "two\n-# 🔧 `recall`")) == ("one", "two")
    assert parts_without_sources(("one", "-# 🔧 `recall`")) == ("one",)
    assert parts_without_sources(()) == ()
    assert sources_of("-# 🔧 `recall`") == ("recall",)


@given(st.text().map("a{}".format), st.lists(st.text("ab_", min_size=1), min_size=1))
def test_it_is_taken_off_again(text: str, tools: list[str]) -> None:
    """And nothing else is."""
    assert without_sources(with_sources(text, tools)) == without_sources(text.rstrip()) or "🔧" in text
    assert without_sources(f"{text}.") == f"{text}." or "🔧" in text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param("It rains.\n-# 🔧 `recall`", "It rains.", id="the line under an answer"),
        pytest.param("-# 🔧 `recall`, `dice`", "", id="a last part that is nothing else"),
        pytest.param("It rains.\n-# 🔧 `recall`\n-# Cut off here.", "It rains.", id="with the mark of a cut under it"),
        pytest.param("-# 🔧 `recall`\nIt rains.", "-# 🔧 `recall`\nIt rains.", id="not above an answer"),
        pytest.param("It rains.\n-# small print", "It rains.\n-# small print", id="not another small line"),
        pytest.param("It rains. -# 🔧 `recall`", "It rains. -# 🔧 `recall`", id="not within a line"),
    ],
)
def test_models_are_told_what_the_bot_said_without_the_line(text: str, left: str) -> None:
    """Also where the preview of a link stands behind it. A person may write what they like."""
    preview = Shown(kind=ShownKind.EMBED, text="e.org")

    assert told(Body(parts=(text,)), by_bot=True) == left
    assert told(Body(parts=("one", text)), 1, by_bot=True) == left
    assert told(Body(parts=(text,), shown=(preview,)), by_bot=True) == "\n".join(filter(None, (left, "[embed] e.org")))
    assert told(Body(parts=(text,)), by_bot=False) == text
