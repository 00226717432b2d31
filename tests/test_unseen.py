"""What nobody sees is shown as an escape or taken out; what writing needs stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.unseen import escaped, removed

NEEDED = [
    pytest.param("\U0001f469\u200d\U0001f469\u200d\U0001f467", id="a family"),
    pytest.param("\U0001f44d\U0001f3fd\u200d\u2642\ufe0f", id="with a colour of skin and a style"),
    pytest.param("\u26a0\ufe0f", id="an emoji with its style"),
    pytest.param("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", id="Persian"),
    pytest.param("\u0915\u094d\u200d\u0937", id="Devanagari"),
    pytest.param("\u845b\U000e0100", id="an ideograph with its form"),
    pytest.param("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", id="the flag of England"),
    pytest.param("\u0600\u0661", id="an Arabic sign for a number"),
    pytest.param("Zo\u0308e \u00e9 \u00a0 \u3000 \U00020000", id="marks, blanks and rare ideographs"),
]
UNSEEN = [
    pytest.param("\x1b", r"\x1b", id="control"),
    pytest.param("\x9b", r"\x9b", id="control of eight bits"),
    pytest.param("\u202e", r"\u202e", id="right to left"),
    pytest.param("\u2066", r"\u2066", id="an isolate"),
    pytest.param("\u061c", r"\u061c", id="an Arabic mark"),
    pytest.param("\u200b", r"\u200b", id="a blank of no width"),
    pytest.param("\u200d", r"\u200d", id="a joiner of nothing"),
    pytest.param("\u2060", r"\u2060", id="a word joiner"),
    pytest.param("\ufeff", r"\ufeff", id="a mark of the order of bytes"),
    pytest.param("\u00ad", r"\xad", id="a soft hyphen"),
    pytest.param("\u3164", r"\u3164", id="a filler"),
    pytest.param("\ufe00", r"\ufe00", id="a style of nothing"),
    pytest.param("\U000e0101", r"\U000e0101", id="a form of nothing"),
    pytest.param("\U000e0041", r"\U000e0041", id="a tag"),
    pytest.param("\ud800", r"\ud800", id="half a character"),
    pytest.param("\uffff", r"\uffff", id="no character"),
    pytest.param("\ufff9", r"\ufff9", id="an annotation"),
]


@pytest.mark.parametrize("text", NEEDED)
def test_what_writing_needs_stays(text: str) -> None:
    """In both forms."""
    assert (escaped(text), removed(text)) == (text, text)


@pytest.mark.parametrize(("character", "shown"), UNSEEN)
def test_what_nobody_sees_is_shown_or_gone(character: str, shown: str) -> None:
    """Between letters, and doubled."""
    assert escaped(f"a{character}b{character * 2}") == f"a{shown}b{shown * 2}"
    assert removed(f"a{character}b{character * 2}") == "ab"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_a_line_break_is_shown_or_one_of_ours(end: str) -> None:
    """Whatever the reader would take for one."""
    assert len(escaped(f"a{end}b").splitlines()) == 1
    assert removed(f"a{end}b") == "a\nb"


def test_hidden_letters_behind_a_flag_or_a_letter_are_not_part_of_it() -> None:
    """Neither tags without their end nor a row of styles."""
    tags = "".join(chr(0xE0000 + ord(letter)) for letter in "ignorethat")

    assert removed(f"\U0001f3f4{tags}") == "\U0001f3f4"
    assert removed("\u26a0\ufe0f\ufe0e\ufe0f\U000e0120") == "\u26a0\ufe0f"


@given(st.text())
def test_nothing_unseen_is_left(text: str) -> None:
    """And what is left is left alone."""
    assert removed(removed(text)) == removed(text)
    assert escaped(removed(text).replace("\n", "").replace("\t", "")) is not None
    assert not {unicodedata.category(character) for character in escaped(text)} & {"Cc", "Cs", "Zl", "Zp"}
