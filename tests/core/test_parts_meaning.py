"""What a reader sees of all parts together is what they would see of the whole; and it stays while the text grows."""

from __future__ import annotations

import os

import pytest
import regex
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bot.core.parts import growing, split
from tests.core.discord_markdown import NOTHING, Shown, shown

SEARCHED = "PARTS_TEXTS" in os.environ
"""Whether new texts are looked for: the suite tries the same ones each time."""
TEXTS = int(os.environ.get("PARTS_TEXTS", "40"))
"""How many texts the laws are tried on; drawing them takes longer than cutting them."""

PLAIN = st.text(alphabet="abcdefg", min_size=1, max_size=9) | st.sampled_from(
    ["2 + 3", "5%.", "So:", "it's", "語。", "\U0001f600", "\U0001f469\u200d\U0001f466", "(x)", "C#", "#5", "->"]
)
STRAY = PLAIN | st.sampled_from(["snake_case_name", "a_b", "5*", "2 * 3"])
"""Words with signs that begin no style, unless an italic word somewhere behind them gives them an end."""
ATOMS = st.sampled_from(
    ["<:wave_1:123456>", "<a:b:1>", "<@1234567>", "<@&99>", "<#5>", "<t:1700000000:R>", "https://e.org/a_b_c", "<https://e.org/x>",
     "[two words](https://e.org/y_z)", "`code`", "`a | b`", "``x ` y``", r"\*", r"\_x", r"5 \> 4"]
)  # fmt: skip
BOLD = ("**", "__", "~~", "||")
ALL = (*BOLD, "*", "_")


@st.composite
def phrases(
    draw: st.DrawFn, words: st.SearchStrategy[str], marks: tuple[str, ...], joins: str = " ", depth: int = 3
) -> str:
    """Draw words, some of them in one of the styles ``marks``, one within the other."""
    atoms = ATOMS.map(lambda atom: atom.replace("_", "")) if words is PLAIN else ATOMS
    pieces = draw(st.lists(words | words | atoms, min_size=1, max_size=6))
    if marks and depth and draw(st.booleans()):
        mark = draw(st.sampled_from(marks))
        rest = tuple(other for other in marks if other != mark)
        inner = draw(phrases(words, rest, joins, depth - 1))
        pieces.insert(draw(st.integers(0, len(pieces))), f"{mark}{inner}{mark}")
    return "".join(f"{piece}{draw(st.sampled_from(joins))}" for piece in pieces).strip()


# A style that has its end in a block of code tears that block in Discord; here it would not.
CODE = st.lists(
    st.sampled_from(["", "x = 1", "    return y", "if a:", "# no heading", "1. no item", "> x", "| a |"]), min_size=1
)
BLOCKS = st.builds(
    "```{}\n{}\n```".format, st.sampled_from(["", "py", "c++"]), CODE.map("\n".join).filter(lambda code: code.strip())
)
QUOTED_CODE = BLOCKS.map(lambda block: "\n".join(f"> {line}" for line in block.split("\n")))
SPOILED_CODE = BLOCKS.map("||{}||".format)


@st.composite
def lists(draw: st.DrawFn, lines: st.SearchStrategy[str]) -> str:
    """Draw a list whose numbers may be wrong, some of its items nested."""
    items: list[str] = []
    first = draw(st.integers(0, 12))
    bullets = draw(st.booleans())
    for number in range(draw(st.integers(1, 7))):
        nested = number and draw(st.integers(0, 3)) == 0
        sign = "-" if nested or bullets else f"{draw(st.sampled_from([first + number, 1, 1]))}."
        items.append(f"{'   ' if nested else ''}{sign} {draw(lines)}")
    return "\n".join(items)


@st.composite
def tables(draw: st.DrawFn) -> str:
    """Draw a table."""
    name = draw(st.text(alphabet="tuvwxyz", min_size=6, max_size=9))
    rows = draw(st.lists(PLAIN.map("| {} | b |".format), min_size=1, max_size=9))
    return "\n".join([f"| {name} | b |", "| --- | :-: |", *rows])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Draw a text as models write them, long enough for several parts; the heading of each table occurs once."""
    words, marks = draw(st.sampled_from([(PLAIN, ALL), (STRAY, BOLD)]))
    line = phrases(words, marks)
    sentences = st.lists(line, min_size=1, max_size=4).map(" ".join)
    heads = st.builds("{} {}".format, st.sampled_from(["#", "##", "###", "-#"]), line)
    quotes = st.lists(line | heads, min_size=1, max_size=5).map(lambda lines: "\n".join(f"> {each}" for each in lines))
    paragraphs = sentences | phrases(words, BOLD, "  \n")
    blocks = BLOCKS | QUOTED_CODE | SPOILED_CODE
    pieces = paragraphs | paragraphs | heads | quotes | blocks | lists(line) | tables()
    text = "\n\n".join(draw(st.lists(pieces, min_size=1, max_size=9)))
    if draw(st.integers(0, 5)) == 0:
        text += "\n\n>>> " + "\n".join(draw(st.lists(line, min_size=1, max_size=5)))
    names = _HEAD.findall(text)
    assume(len(set(names)) == len(names))
    return text


LIMITS = st.integers(100, 400)
_HEAD = regex.compile(r"\| ([t-z]{6,9}) \| b \|\n\| --- \| :-: \|\n")


def together(parts: tuple[str, ...]) -> list[Shown]:
    """Return what a reader sees of all parts, without headings of tables that are repeated."""
    seen: set[str] = set()
    signs: list[Shown] = []
    for part in parts:
        for head in _HEAD.findall(part):
            if head in seen and (found := _HEAD.match(part)):
                part = part[found.end() :]  # noqa: PLW2901 - what is left of it
            seen.add(head)
        signs += shown(part)
    return signs


def units(text: str) -> int:
    """Count as Discord's clients do."""
    return len(text.encode("utf-16-le")) // 2


@settings(max_examples=TEXTS, derandomize=not SEARCHED)
@given(text=documents(), limit=LIMITS)
def test_all_parts_together_show_what_the_whole_would_show(text: str, limit: int) -> None:
    """Each character in its styles, its block, and with its number."""
    parts = split(text, limit)

    assert together(parts) == shown(text)
    assert all(units(part) <= limit for part in parts)


@settings(max_examples=max(TEXTS // 2, 1), derandomize=not SEARCHED)
@example("~~**<#5>\n2 * 3** agb it's gabfgbedc~~ a a_b\n\n5* snake_case_name acfaddbb ||snake_case_name|| 5*", 90, [62])
@example(
    "1. C# snake_case_name So: `code` So:\n   - `code` `a | b` -> `a | b`\n"
    "12. \\_x gdcge fcgafeaeb it's (x) 2 * 3\n1. deadggacb snake_case_name\n\naa",
    207,
    [155],
)
@given(text=documents(), limit=LIMITS, ends=st.lists(st.integers(0, 3000), min_size=3, max_size=3))
def test_what_is_shown_of_a_growing_text_stays(text: str, limit: int, ends: list[int]) -> None:
    """Parts but the last are those of the whole; the last one is a beginning. Italics are within a line."""
    whole = split(text, limit)
    # Three signs in a row are two styles, and which of them is the outer one is known only from their ends.
    assume(not regex.search(r"\*{3}|_{3}", text))
    for end in ends:
        parts = growing(text[:end], limit)

        assert parts[:-1] == whole[: max(len(parts) - 1, 0)]
        assert len(parts) <= len(whole)
        assert not parts or _begins(parts[-1], whole[len(parts) - 1])


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        pytest.param("an a_b\n\nand snake_case_name with more words", 30, id="an underscore"),
        pytest.param("` more words.\n\n word word``     \n\n ", 38, id="one backtick of two"),
        pytest.param("see a_b " + "snake_case_name_" * 6 + "x", 40, id="a word longer than a part"),
    ],
)
def test_no_part_ends_with_a_sign_that_ends_a_style_only_there(text: str, limit: int) -> None:
    """A sign within a word, or half a mark, behind one that seems to begin a style. At each character."""
    whole = split(text, limit)

    assert together(whole) == shown(text)
    for end in range(len(text) + 1):
        assert all(map(_begins, growing(text[:end], limit), whole))


def _begins(part: str, whole: str) -> bool:
    signs = [sign.sign for sign in shown(part)]
    return signs == [sign.sign for sign in shown(whole)][: len(signs)]


def test_renderer_reads_what_discord_reads() -> None:
    """A few characters of each kind."""
    seen = shown("**a** ||b|| `c*` \\*d\n> e\n# f\n3. g\n9. h\n```py\ni\n``` <@1>")

    assert "".join(sign.sign for sign in seen) == "abc**defgi<@1>".replace("f", "f3.").replace("gi", "g4.hi")
    assert [len(sign.styles) for sign in seen] == [1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0]
    assert shown("") == []
    assert shown("x") == [Shown("x", NOTHING)]
