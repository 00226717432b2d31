"""What holds for every reply, however it is written."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest
import regex
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.core.parts import split

WOMAN = "\U0001f469"
FAMILY = f"{WOMAN}\u200d{WOMAN}\u200d\U0001f466"
FLAG = "\U0001f1e9\U0001f1ea"


def units(text: str) -> int:
    """Count as Discord's clients do."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shown(text: str) -> str:
    """Leave out what is blank."""
    return "".join(text.split())


def graphemes(text: str) -> list[str]:
    """List what a reader sees as characters."""
    return [grapheme.strip() for grapheme in regex.findall(r"\X", text) if grapheme.strip()]


def fence_left_open(part: str) -> bool:
    """Read fences line by line, as CommonMark does."""
    fence = ""
    for line in part.splitlines():
        found = re.match(r" *(`{3,}|~{3,})(.*)", line)
        if not found:
            continue
        mark, info = found.groups()
        if not fence and "`" not in info:
            fence = mark
        elif mark.startswith(fence) and not info.strip():
            fence = ""
    return bool(fence)


def code_lines(part: str) -> list[tuple[str, str]]:
    """List the lines of code with the line that opened their block."""
    lines = []
    opening = ""
    for line in part.splitlines():
        if re.match(r"`{3,}|~{3,}", line):
            opening = "" if opening else line
        elif opening and line.strip():
            lines.append((opening, line.rstrip()))
    return lines


BLANKS = [" ", " ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\x1c"]
CLUSTERS = ["e\u0301", "\u0301", "\u200d", FLAG, FAMILY, WOMAN, "\U0001f1e9", "क्षि", "각", "\u1100", "\u0600", "\ud83d"]
LETTERS = st.sampled_from([*"ab.!語。<>)", *BLANKS, *CLUSTERS, "https://", "[a]("])
PLAIN = st.lists(LETTERS, max_size=120).map("".join)
WILD = st.lists(LETTERS | st.sampled_from(["```", "````", "~~~", "`", "```py\n", "\n```\n"]), max_size=120).map("".join)
LIMITS = st.integers(2, 60)


@given(text=WILD | st.text(), limit=LIMITS)
@example(text="```" + "\n" * 50 + "```", limit=32)
def test_every_part_fits_and_shows_something(text: str, limit: int) -> None:
    """Discord refuses anything else."""
    parts = split(text, limit)

    assert all(units(part) <= limit for part in parts)
    assert all(part.strip() for part in parts)
    assert bool(parts) == bool(text.strip())


@given(text=PLAIN | st.text(alphabet=st.characters(exclude_characters="`~")), limit=LIMITS)
@example(text="aa>\n", limit=2)
def test_nothing_that_shows_is_lost_added_or_moved(text: str, limit: int) -> None:
    """Only blanks go, and only at cuts."""
    assert shown("".join(split(text, limit))) == shown(text)


@given(text=PLAIN, limit=LIMITS)
def test_no_grapheme_is_torn(text: str, limit: int) -> None:
    """Where one part can hold it, a reader sees it whole."""
    assume(all(units(grapheme) <= limit for grapheme in regex.findall(r"\X", text)))

    assert [grapheme for part in split(text, limit) for grapheme in graphemes(part)] == graphemes(text)


@given(text=WILD, limit=LIMITS)
def test_text_that_fits_is_not_touched_and_cutting_again_changes_nothing(text: str, limit: int) -> None:
    """A part is a text that fits."""
    assume(text.strip())

    assert split(text, units(text) + 2) == (text,)
    assert all(split(part, limit) == (part,) for part in split(text, limit))


WORDS = st.text(alphabet="abcdefg", min_size=1, max_size=9)
LINES = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)
URLS = WORDS.map(lambda word: f"https://example.org/{word}")
LINKS = URLS | URLS.map(lambda url: f"<{url}>") | st.builds("[{} {}]({})".format, WORDS, WORDS, URLS)
CODE = st.lists(
    st.builds("{}{}".format, st.sampled_from(["", "  ", "\t", "        "]), LINES) | st.just(""), max_size=12
)
INFO = st.sampled_from(["", "py", "c++", "js"])


@st.composite
def listings(draw: st.DrawFn) -> str:
    """Draw a well-formed block of code."""
    mark = draw(st.sampled_from(["```", "````", "~~~"]))
    return "\n".join([mark + draw(INFO), *draw(CODE), mark])


PARAGRAPHS = st.lists(LINES | LINKS, min_size=1, max_size=4).map(" ".join)
DOCUMENTS = st.lists(PARAGRAPHS | listings(), min_size=1, max_size=8).map("\n\n".join)
ROOMY = st.integers(100, 200)


@given(text=DOCUMENTS, limit=ROOMY)
def test_every_part_closes_its_fences(text: str, limit: int) -> None:
    """No part turns what follows it into code."""
    assert not any(fence_left_open(part) for part in split(text, limit))


@given(text=DOCUMENTS, limit=ROOMY)
def test_short_blocks_and_links_that_fit_are_whole_in_one_part(text: str, limit: int) -> None:
    """Each is found as it was written, as often as it was written; a piece of a longer block may look the same.

    Three fifths of a part are filled before a block moves to the next one, so two fifths are the longest short block.
    """
    parts = split(text, limit)
    blocks = [block[0] for block in re.finditer(r"(?ms)^(`{3,}|~{3,})[^\n]*\n.*?^\1$", text)]
    links = re.findall(r"\[[^\]]*\]\([^)]*\)|<[^>]*>", text)
    blocks = [block for block in blocks if units(block) <= limit * 2 // 5]
    wholes = [whole for whole in blocks + links if units(whole) <= limit]

    assert all(sum(part.count(whole) for part in parts) >= wholes.count(whole) for whole in wholes)


@given(text=DOCUMENTS, limit=ROOMY)
def test_lines_of_code_keep_language_fence_and_indentation(text: str, limit: int) -> None:
    """Every line of every block comes out in its order under the line that opened it."""
    assert [line for part in split(text, limit) for line in code_lines(part)] == code_lines(text)


@given(text=DOCUMENTS, limit=ROOMY)
def test_words_outside_fences_are_all_there(text: str, limit: int) -> None:
    """Fences are the only words that are repeated."""
    fences = re.compile(r"^(`{3,}|~{3,}).*$", re.MULTILINE)

    assert shown(fences.sub("", "\n".join(split(text, limit)))) == shown(fences.sub("", text))


@pytest.fixture
def computing_time() -> Iterator[None]:
    """Limit the seconds for which the processor works on a test, however many others it has work for."""

    def over(*_: object) -> None:
        raise AssertionError("this takes too much work")

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, 20)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.usefixtures("computing_time")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("lorem ipsum dolor. " * 5000, id="words"),
        pytest.param("a" * 100_000, id="one word"),
        pytest.param("a" + " " * 100_000 + "b", id="one gap"),
        pytest.param("e" + "\u0301" * 100_000, id="one grapheme"),
        pytest.param("\U0001f1e6" * 100_000, id="flags"),
        pytest.param("https://example.org/" + "a" * 100_000, id="one link"),
        pytest.param("[a](" * 25_000, id="links that never end"),
        pytest.param("```py\n" + "    x = 1\n" * 10_000 + "```", id="one block"),
        pytest.param("```\nx\n```\n\n" * 8000, id="many blocks"),
        pytest.param("```a\n" * 20_000, id="fences that only open"),
        pytest.param("x``` " * 20_000, id="fences in a line"),
        pytest.param("~~~ x\n" * 16_000, id="tildes that only open"),
        pytest.param(" ".join("`" * length for length in range(440, 2, -1)), id="fences that shrink"),
    ],
)
def test_long_text_is_cut_without_trying_everything(text: str) -> None:
    """Work that grew with the square of the length would run into the limit."""
    parts = split(text)

    assert all(part.strip() and units(part) <= 2000 for part in parts)
    assert len(parts) <= 2 + 2 * units(text) // 2000
