"""Replies are cut where a reader would cut them, and nothing that belongs together is torn."""

from __future__ import annotations

import pytest

from bot.core.parts import growing, split

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f466"
FLAG = "\U0001f1e9\U0001f1ea"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("", (), id="nothing gives no part"),
        pytest.param(" \n\t\u3000\x1c", (), id="blanks give no part"),
        pytest.param(" short \n", (" short \n",), id="a text that fits stays as it is"),
        pytest.param("x" * 20, ("x" * 20,), id="a text as long as the limit fits"),
        pytest.param("```py\nnever closed", ("```py\nnever closed",), id="a text that fits is not repaired"),
        pytest.param(
            "one two three\n\nfour\nfive six", ("one two three", "four\nfive six"), id="paragraph before line"
        ),
        pytest.param("one two. three\nfour five", ("one two. three", "four five"), id="line before sentence"),
        pytest.param("Once one two. Three four", ("Once one two.", "Three four"), id="sentence before word"),
        pytest.param(
            '"Once one two?" Three four', ('"Once one two?"', "Three four"), id="a sentence ends with its quote"
        ),
        pytest.param(
            "one two\n\nthree\nfour five six",
            ("one two\n\nthree", "four five six"),
            id="no paragraph before it is filled",
        ),
        pytest.param("so\n" + "b" * 18, ("so\n" + "b" * 17, "b"), id="nor anything before a word that is too long"),
        pytest.param("one two three four five", ("one two three four", "five"), id="word before grapheme"),
        pytest.param(
            "今日は晴れですよねはい。明日も 晴れだと思います",
            ("今日は晴れですよねはい。", "明日も 晴れだと思います"),
            id="a sentence that ends without a space",
        ),
        pytest.param(
            "今日は晴れです。\u0301明日も 晴れだと思いますよね",
            ("今日は晴れです。\u0301明日も", "晴れだと思いますよね"),
            id="not where a mark follows",
        ),
        pytest.param("x" * 45, ("x" * 20, "x" * 20, "x" * 5), id="nowhere to cut"),
        pytest.param("a" * 20 + " b", ("a" * 20, "b"), id="a blank beyond the limit is a boundary"),
        pytest.param("\n\n  abcdefghij\n" + "b" * 18, ("  abcdefghij", "b" * 18), id="blank lines before the text go"),
        pytest.param("x" * 19 + " y \n\n", ("x" * 19, "y"), id="blanks after the text go"),
        pytest.param("x" * 20 + "\n   ", ("x" * 20,), id="a last line without words goes"),
        pytest.param("a" + "\n" * 50 + "b", ("a", "b"), id="blank lines at a cut go"),
        pytest.param(
            "a" * 15 + "\n\n    - deep item", ("a" * 15, "    - deep item"), id="indentation after a cut stays"
        ),
        pytest.param("a" + " " * 50 + "b", ("a", "b"), id="a gap longer than the limit goes"),
        pytest.param("a" * 19 + "\r\n" + "b" * 9, ("a" * 19, "b" * 9), id="a line end of two characters is one"),
        pytest.param("x" * 18 + FAMILY, ("x" * 18, FAMILY), id="a family stays together"),
        pytest.param(FLAG * 6, (FLAG * 5, FLAG), id="a flag counts four and stays together"),
        pytest.param("e" + "\u0301" * 30, ("e" + "\u0301" * 19, "\u0301" * 11), id="a grapheme too long is cut"),
        pytest.param("x" * 19 + " \u0301y", ("x" * 19, " \u0301y"), id="a space that carries a mark is no gap"),
        pytest.param("\U0001f600" * 11, ("\U0001f600" * 10, "\U0001f600"), id="an emoji counts two"),
    ],
)
def test_text_is_cut_at_the_largest_boundary(text: str, parts: tuple[str, ...]) -> None:
    """The limit is 20 here."""
    assert split(text, 20) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param(
            "Look at https://example.org/a/page now", ("Look at", "https://example.org/a/page now"), id="bare"
        ),
        pytest.param(
            "Look at <https://example.org/a/page> x", ("Look at", "<https://example.org/a/page> x"), id="quiet"
        ),
        pytest.param(
            "Look at [the page](https://e.org/x) here", ("Look at", "[the page](https://e.org/x)", "here"), id="named"
        ),
        pytest.param(
            "Look: [a b c](<https://e.org/x y>) it is", ("Look:", "[a b c](<https://e.org/x y>)", "it is"), id="both"
        ),
        pytest.param(
            "See [a b](https://e.org/x_(y)) for more of",
            ("See [a b](https://e.org/x_(y))", "for more of"),
            id="parentheses",
        ),
        pytest.param(
            "日本語日本語https://example.org/a/page", ("日本語日本語", "https://example.org/a/page"), id="no space"
        ),
        pytest.param(
            "\n".join(("a", " " * 12 + "https://example.org/page")), ("a", "https://example.org/page"), id="indented"
        ),
        pytest.param(
            "日本語日本語日本語<https://e.org/a/long/page>",
            ("日本語日本語日本語", "<https://e.org/a/long/page>"),
            id="no space, quiet",
        ),
        pytest.param(
            "https://e.org/x" + "e\u0301" * 9,
            ("https://e.org/x" + "e\u0301" * 7, "e\u0301" * 2),
            id="too long, with marks",
        ),
        pytest.param(
            "So see [a b c](https://e.org/x) now\n```\nx\n```",
            ("So see", "[a b c](https://e.org/x) now", "```\nx\n```"),
            id="before a block",
        ),
        pytest.param(
            "```\nu=https://e.org/abcdefgh\n```", ("```\nu=\n```", "```\nhttps://e.org/abcdefgh\n```"), id="in code"
        ),
        pytest.param("see https://e.org/" + "x" * 30, ("see", "https://e.org/" + "x" * 16, "x" * 14), id="too long"),
    ],
)
def test_link_stays_whole(text: str, parts: tuple[str, ...]) -> None:
    """The limit is 30 here."""
    assert split(text, 30) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param(
            "Some words before it.\n\n```py\na = 1\n\nb = 2\n```\nAnd some words after.",
            ("Some words before it.", "```py\na = 1\n\nb = 2\n```", "And some words after."),
            id="a block that fits moves whole",
        ),
        pytest.param(
            "```py\n" + "".join(f"    f({n})\n" for n in range(5)) + "```",
            ("```py\n    f(0)\n    f(1)\n```", "```py\n    f(2)\n    f(3)\n```", "```py\n    f(4)\n```"),
            id="a longer one is closed and opened again with its language and indentation",
        ),
        pytest.param(
            "````md\n```\nfirst line\n```\n\n```\nsecond line\n```\n````",
            ("````md\n```\nfirst line\n```\n````", "````md\n```\nsecond line\n```\n````"),
            id="a longer fence stays longer and may hold shorter ones",
        ),
        pytest.param(
            "~~~ sh extra\nfirst line of it\nsecond line\nthird\n~~~",
            ("~~~sh extra\nfirst line of it\n~~~", "~~~sh\nsecond line\nthird\n~~~"),
            id="tildes are fences and only the language is repeated",
        ),
        pytest.param(
            "```\nfirst line of it\nsecond line of it\nthird line of it",
            ("```\nfirst line of it\n```", "```\nsecond line of it\n```", "```\nthird line of it\n```"),
            id="a block that is never closed is closed",
        ),
        pytest.param(
            "Words that come before it.\n\n~~~~\nunclosed",
            ("Words that come before it.", "~~~~\nunclosed\n~~~~"),
            id="so is a short one at the end",
        ),
        pytest.param(
            "```\nfirst line of the code\nsecond line```\nThe end.",
            ("```\nfirst line of the code\n```", "```\nsecond line\n```\nThe end."),
            id="a fence may close at the end of a line, and the rest shares the part",
        ),
        pytest.param(
            "```\nfirst line of the code\nsecond line``` (the end)",
            ("```\nfirst line of the code\n```", "```\nsecond line\n``` (the end)"),
            id="or in the middle of one if nothing else closes it",
        ),
        pytest.param(
            "```py\nmark = '```' + x\nprint(mark)\n```",
            ("```py\nmark = '```' + x\n```", "```py\nprint(mark)\n```"),
            id="backticks inside a line of code close nothing",
        ),
        pytest.param(
            "```sh\nfirst line\n" + " " * 60 + "last\n```",
            ("```sh\nfirst line\n```", "```sh\n" + " " * 16 + "last\n```"),
            id="blanks as long as a part are no part",
        ),
        pytest.param(
            "```\n" + "\n" * 50 + "```",
            ("```\n\n```",),
            id="so are blank lines",
        ),
        pytest.param(
            "Run this: ```sh\necho number one\necho number two\n```",
            ("Run this:", "```sh\necho number one\n```", "```sh\necho number two\n```"),
            id="a long one that begins in the middle of a line keeps its language",
        ),
        pytest.param(
            "Run this: ```echo number one\necho number two\n```",
            ("Run this:", "```\necho number one\n```", "```\necho number two\n```"),
            id="and code that stands where the language would is code",
        ),
        pytest.param(
            "Words, ````` and ```code in a line```",
            ("Words, ````` and", "```code in a line```"),
            id="a long fence that nothing closes leaves the shorter ones alone",
        ),
        pytest.param(
            "```\nfirst line of the code\nlast\n```\nAnd words that go on",
            ("```\nfirst line of the code\n```", "```\nlast\n```\nAnd words that go", "on"),
            id="a part is filled before the end of a block counts",
        ),
        pytest.param(
            "```\nfirst\nlast line\n```\nAnd words that go on",
            ("```\nfirst\nlast line\n```", "And words that go on"),
            id="then it is a better boundary than a word",
        ),
        pytest.param(
            "Run this: ```sh\necho one\necho two\n``` and then there is more",
            ("Run this: ```sh\necho one\n```", "```sh\necho two\n``` and then", "there is more"),
            id="a block may begin in the middle of a line",
        ),
        pytest.param(
            "```all of it in one line of code, too long``` end",
            ("```\nall of it in one line of\n```", "```\ncode, too long\n``` end"),
            id="a block in one line is a block",
        ),
        pytest.param(
            "```py\n" + "x" * 45 + "\n```",
            ("```py\n" + "x" * 22 + "\n```", "```py\n" + "x" * 22 + "\n```", "```py\nx\n```"),
            id="a line too long is cut",
        ),
        pytest.param(
            "What is a stray ``` doing in the midst of this text",
            ("What is a stray ``` doing in the", "midst of this text"),
            id="backticks in a line that nothing closes are text",
        ),
        pytest.param(
            "```" + "info" * 9 + "\ncode\n```",
            ("```" + "info" * 7 + "i", "nfoinfo\ncode\n```"),
            id="a heading that leaves no room for code is text",
        ),
    ],
)
def test_block_of_code_stays_whole_or_is_closed_and_opened_again(text: str, parts: tuple[str, ...]) -> None:
    """The limit is 32 here."""
    assert split(text, 32) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("**one two three four five six**", ("**one two three four**", "**five six**"), id="bold"),
        pytest.param("_one two_ *three four five six*", ("_one two_ *three four*", "*five six*"), id="italics"),
        pytest.param("__one two three four five six__", ("__one two three four__", "__five six__"), id="underline"),
        pytest.param("~~one two three four five six~~", ("~~one two three four~~", "~~five six~~"), id="strike"),
        pytest.param("||one two three four five six||", ("||one two three four||", "||five six||"), id="a spoiler"),
        pytest.param("||one\n\ntwo three four five six||", ("||one\n\ntwo three four||", "||five six||"), id="longer"),
        pytest.param("**one __two three four five__**", ("**one __two three__**", "**__four five__**"), id="nested"),
        pytest.param("one two three f *our five* six", ("one two three f *our*", "*five* six"), id="not at a mark"),
        pytest.param("> one two three four fives six", ("> one two three four", "> fives six"), id="a quote"),
        pytest.param("> **one two three\n> four five**", ("> **one two three**", "> **four five**"), id="bold in it"),
        pytest.param(">>> one two three\nfour five six", (">>> one two three", ">>> four five six"), id="a long quote"),
        pytest.param("## one two three four five six", ("## one two three four", "## five six"), id="a heading"),
        pytest.param("# one two three four C# five", ("# one two three four", "# C# five"), id="its last sign"),
        pytest.param("-# one two three four five six", ("-# one two three four", "-# five six"), id="small text"),
        pytest.param(
            "one two three and\n# four\nfive", ("one two three and", "# four\nfive"), id="not below a heading"
        ),
        pytest.param("1. one two\n1. three\n1. four five", ("1. one two\n2. three", "3. four five"), id="numbers"),
        pytest.param("- one two\n- three\n  - four five", ("- one two\n- three", "  - four five"), id="items"),
        pytest.param("one two three four 1. five six", ("one two three four 1.", "five six"), id="no item is made"),
        pytest.param("one two three four <:wave:12> x", ("one two three four", "<:wave:12> x"), id="an emoji"),
        pytest.param("one two three four <t:1234:R>", ("one two three four", "<t:1234:R>"), id="a time"),
        pytest.param("one two three four `five six`", ("one two three four", "`five six`"), id="short code"),
        pytest.param("one two three 2 * 3 six a_b_c", ("one two three 2 * 3 six", "a_b_c"), id="no styles"),
        pytest.param(r"one two three four\* *five six*", (r"one two three four\*", "*five six*"), id="an escape"),
    ],
)
def test_what_is_open_is_closed_and_opened_again(text: str, parts: tuple[str, ...]) -> None:
    """The limit is 25 here."""
    assert split(text, 25) == parts


def test_rows_of_a_table_get_its_heading_again() -> None:
    """But not if that is longer than a quarter of a part."""
    rows = [f"| {number} | row |" for number in range(9)]
    table = "| number | what |\n|---|---|\n"

    parts = split(f"Here:\n{table}" + "\n".join(rows), 120)

    assert [part.count(table) for part in parts] == [1, 1]
    assert "\n".join(parts).replace(table, "").splitlines() == ["Here:", *rows]


def test_list_ends_before_a_block_of_code() -> None:
    """Unless the block is a part of an item; then the list goes on."""
    block = "```\ncode\n```"

    ended = split(f"1. one two three four\n{block}\n1. five six seven", 40)
    goes_on = split(f"1. one two three four\n   {block}\n1. five six seven", 40)

    assert (ended[-1], goes_on[-1]) == ("1. five six seven", "2. five six seven")


def test_long_inline_code_is_closed_and_opened_again() -> None:
    """With as many backticks as it has."""
    code = " ".join(f"word{number}" for number in range(60))

    parts = split(f"``{code}``", 200)

    assert all(part.startswith("``w") and part.endswith("``") for part in parts)
    assert " ".join(part.strip("`") for part in parts) == code


def test_first_part_is_no_scrap() -> None:
    """However good the place to cut is that comes early."""
    parts = split("Sure!\n\n" + "This is a sentence of the answer. " * 100)

    assert all(len(part) >= 1200 for part in parts[:-1])
    assert parts[0].endswith(".")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("", (), id="nothing"),
        pytest.param("**", (), id="a sign alone"),
        pytest.param("so **bo", ("so **bo**",), id="a style that is open is closed"),
        pytest.param("so ||secret", ("so ||secret||",), id="a spoiler shows nothing"),
        pytest.param("so ||secret|", ("so ||secret||",), id="nor does half its end"),
        pytest.param("see [this](https://e.or", ("see",), id="no half link"),
        pytest.param("see https://e.or", ("see",), id="no half address"),
        pytest.param("hi <@12", ("hi",), id="no half mention"),
        pytest.param("so:\n```py\nx =", ("so:",), id="code is shown by the line"),
        pytest.param("so:\n```py\nx = 1\ny", ("so:\n```py\nx = 1\n```",), id="and closed"),
        pytest.param("so:\n> ```py", ("so:",), id="no fence alone, in a quote either"),
        pytest.param("so: 2 * 3", ("so: 2 * 3",), id="no style"),
        pytest.param("so: snake_case", ("so: snake_case",), id="no style in a word"),
        pytest.param("so *\nmore", ("so *\nmore",), id="no style that begins with a blank"),
    ],
)
def test_what_is_shown_of_a_text_that_grows(text: str, parts: tuple[str, ...]) -> None:
    """It is as it will be, as far as that is known."""
    assert growing(text) == parts


def test_part_that_is_well_filled_shows_only_what_stays_in_it() -> None:
    """Whatever comes next; what it does not show is in the next part later."""
    text = "word " * 270 + "\n\n" + "other " * 80

    assert growing(text) == ("word " * 269 + "word",)
    assert growing(text + "words " * 60)[0] == growing(text)[0]


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        pytest.param("a_b " + "xxxxxxxxx " * 12 + "d_e " + "yyyyyyyyy " * 3, 40, id="a sign within a word"),
        pytest.param("xxxxxxxx\n\n```\n\n" + "code\n" * 14 + "```", 40, id="a block that begins with a blank line"),
        pytest.param("xxxxxxxx\n\n> ```\n> \n" + "> code\n" * 14 + "> ```", 40, id="one in a block quote"),
        pytest.param(
            "xxxxxxx " * 5 + "\nwwwwwwwww\n\n||```\ncode\nmore\n```|| and then some more of it",
            50,
            id="blanks, and few characters behind them",
        ),
    ],
)
def test_parts_that_are_full_stay_whatever_comes(text: str, limit: int) -> None:
    """At each character."""
    whole = split(text, limit)
    for end in range(len(text) + 1):
        parts = growing(text[:end], limit)

        assert parts[:-1] == whole[: max(len(parts) - 1, 0)]


def test_long_block_fills_up_a_part_that_is_less_than_half_full() -> None:
    """A sentence before a long listing does not get a message of its own."""
    parts = split("Here it is:\n```\n" + "a line of code\n" * 20 + "```\nThat was it.", 100)

    assert parts[0].startswith("Here it is:\n```\na line of code\n")
    assert parts[-1].endswith("a line of code\n```\nThat was it.")
    assert {part.count("```") for part in parts} == {2}


def test_long_block_starts_a_part_of_its_own_where_little_room_is_left() -> None:
    """Two lines of code at the foot of a message help nobody."""
    words = "Here it is, at the end of a long sentence, the listing that was asked for:"

    parts = split(words + "\n```\n" + "a line\n" * 20 + "```", 100)

    assert parts[0] == words


@pytest.mark.parametrize("limit", [1, 0, -5])
def test_limit_that_holds_no_emoji_is_refused(limit: int) -> None:
    """There would be no way to cut."""
    with pytest.raises(ValueError, match="at least 2"):
        split("text", limit)
