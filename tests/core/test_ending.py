"""How an answer ends: the mark of one that was cut, the room for it, and what goes on with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.buttons import LONGEST_LABEL, ButtonId, custom_id_of, parse_custom_id
from bot.core.ending import CUTS, LONGEST_MARK, changed, continued, continuing, unfinished, with_mark, with_room
from bot.core.events import Button, Via
from bot.core.outbox import Pending
from bot.core.parts import split
from bot.replies.endings import Endings
from bot.replies.endings import Shown as Where
from bot.replies.words import WORDS, Word


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((), ()),
        (("One.",), ("One.\n-# Cut.",)),
        (("One.", "Two.\n"), ("One.", "Two.\n-# Cut.")),
        (("```py\nx = 1",), ("```py\nx = 1\n```\n-# Cut.",)),
        (("> ```\n> x",), ("> ```\n> x\n> ```\n-# Cut.",)),
        (("```\nx\n```",), ("```\nx\n```\n-# Cut.",)),
    ],
)
def test_the_mark_stands_below_the_last_part(parts: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Outside of a block of code, which the cut may have left open."""
    assert with_mark(parts, "Cut.") == expected
    assert with_mark(parts, "") == parts


@given(st.text(alphabet="ab \n`~>*\N{GRINNING FACE}", min_size=1, max_size=2500), st.sampled_from(sorted(CUTS)))
def test_a_mark_always_fits(text: str, finish: str) -> None:
    """However long the mark is that the settings hold."""
    parts = with_mark(with_room(split(text), finish), "\N{GRINNING FACE}" * LONGEST_MARK)

    assert all(len(part.encode("utf-16-le")) // 2 <= 2000 for part in parts)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("The answ", "The "),
        ("The answer.", "The answer."),
        ("The answer is ", "The answer is "),
        ("Word", "Word"),
        ("\u7b54\u3048\u306f" * 20, "\u7b54\u3048\u306f" * 20),
        ("", ""),
    ],
)
def test_a_word_that_breaks_off_is_written_anew(text: str, kept: str) -> None:
    """Nobody could tell whether the next word belongs to it."""
    assert unfinished(text) == kept


@pytest.mark.parametrize(
    ("parts", "more", "expected"),
    [
        (("One.", "The answ"), "answer is 42.", ("One.", "The answer is 42.")),
        (("Once upon a time there", ), "there was a king.", ("Once upon a time there was a king.",)),
        (("Once upon a time, ",), "Once upon a time, a king.", ("Once upon a time, a king.",)),
        (("It ends.",), " It goes on.", ("It ends. It goes on.",)),
    ],
)  # fmt: skip
def test_an_answer_goes_on_where_it_ended(parts: tuple[str, ...], more: str, expected: tuple[str, ...]) -> None:
    """What the model repeats is left out."""
    assert continued(parts, more) == expected


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ("", ()),
        ("a", ()),
        ("a time", ()),
        ("there was a", ("Once.", "Twice upon a time, there was a")),
        ("there was a king", ("Once.", "Twice upon a time, there was a king")),
        ("upon a time, there was", ("Once.", "Twice upon a time, there was")),
        ("it rained", ("Once.", "Twice upon a time, it rained")),
    ],
)
def test_an_answer_that_goes_on_grows(more: str, shown: tuple[str, ...]) -> None:
    """Nothing is shown before there is more than before: the model may repeat what was there."""
    assert continuing(("Once.", "Twice upon a time, the"), more) == shown


@settings(max_examples=25)
@given(st.text("ab c", min_size=20, max_size=90), st.integers(0, 40), st.text("ab c", max_size=60))
def test_what_is_shown_of_one_that_goes_on_stays(old: str, again: int, more: str) -> None:
    """At each letter, whatever of the old text the new one repeats."""
    new = old.rstrip()[len(old.rstrip()) - again :] + more
    whole = continued(("one", old), new)

    for end in range(len(new) + 1):
        shown = continuing(("one", old), new[:end])
        assert not shown or (shown[0] == "one" and "".join(whole[1:]).startswith(shown[1].rstrip()))


WORDS_OF_THREE = st.sampled_from([" ", ". ", "\n", "\n\n"]).map("abc{}".format)


@settings(max_examples=5)
@given(st.lists(WORDS_OF_THREE, min_size=250, max_size=380), st.lists(WORDS_OF_THREE, min_size=150, max_size=300))
def test_old_words_stay_in_their_message(old: list[str], new: list[str]) -> None:
    """However well a message might end before them; at each place it is what the whole will be."""
    before, more = "".join(old)[:1660], "".join(new)
    whole = continued((before,), more)

    for end in range(0, len(more), 150):
        shown = continuing((before,), more[:end])
        assert all(part.startswith(grown.rstrip()) for grown, part in zip(shown, whole, strict=False))
    assert whole[0].startswith(unfinished(before).rstrip())


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        (("one", "two", "three\n-# Cut."), ()),
        (("new", "two", "three\n-# Cut."), ("new",)),
        (("one", "ne", "three\n-# Cut."), ("one", "ne")),
        (("new", "new", "new", "ne"), ("new", "new", "new", "ne")),
        (("", "two", "three"), ("",)),
    ],
)
def test_of_an_answer_that_is_written_over_counts_what_is_new(shown: tuple[str, ...], kept: tuple[str, ...]) -> None:
    """Up to the last message that shows something else; what stays of the old answer below goes."""
    assert changed(shown, ("one", "two", "three")) == kept


@pytest.mark.parametrize("button", Button)
def test_a_button_finds_its_answer_by_its_id(button: Button) -> None:
    """And by nothing else; the longest one fits into what Discord takes."""
    longest = ButtonId(button, 2**63 - 1, 9)

    assert parse_custom_id(custom_id_of(longest)) == longest
    assert len(custom_id_of(longest)) <= 100


@pytest.mark.parametrize(
    "text",
    ["", "reply:", "reply:again:1", "reply:again:0.1", "reply:again:1.0", "reply:again:1.10", "reply:shout:1.1",
     "reply:again:1.1 ", "replay:again:1.1", f"reply:again:{'9' * 20}.1", "reply:again:-1.1", "reply:again:\u0661.1"],
)  # fmt: skip
def test_what_is_no_id_of_ours_is_none(text: str) -> None:
    """However close it comes."""
    assert parse_custom_id(text) is None


def test_the_words_that_are_set_by_default_are_allowed() -> None:
    """As those that replace them have to be."""
    labels = set(Button)
    assert labels < WORDS.keys()
    assert set(CUTS.values()) < WORDS.keys()
    assert all(len(text) <= (LONGEST_LABEL if word in labels else LONGEST_MARK) for word, text in WORDS.items())


WRITTEN = Pending(100, 7, requested_at=0, cause_position=2, begun=True, sent_ids=(201,))


@pytest.mark.parametrize(
    ("entry", "off", "cut", "everywhere"),
    [
        (WRITTEN, "", "stop", "stop"),
        (replace(WRITTEN, composed_position=9), "", "", ""),
        (replace(WRITTEN, composed_position=9, finish="stop"), "", "", "again why"),
        (replace(WRITTEN, composed_position=9, finish="length"), "", "go_on again", "go_on again why"),
        (replace(WRITTEN, via=Via.ASK), "", "", ""),
        (replace(WRITTEN, via=Via.ASK, composed_position=9, finish="length"), "", "", ""),
    ],
    ids=["being written", "of a rule", "complete", "cut", "for a command", "cut, for a command"],
)
def test_which_buttons_stand_below_an_answer(entry: Pending, off: str, cut: str, everywhere: str) -> None:
    """By the setting, and by how the answer ends."""
    rows = {shown: Endings(shown).row(entry) for shown in get_args(Where)}

    assert {shown: " ".join(each.button for each in row) for shown, row in rows.items()} == {
        "off": off,
        "cut": cut,
        "all": everywhere,
    }


@pytest.mark.parametrize(("finish", "cut"), [*CUTS.items(), ("stop", ""), ("", ""), ("tool_call", "")])
def test_what_cut_an_answer_is_said_without_buttons_too(finish: str, cut: Word | Literal[""]) -> None:
    """In the settings' words."""
    words: dict[Word, str] = {**WORDS, **({cut: "Ende."} if cut else {})}
    marked = Endings("off", words).marked(replace(WRITTEN, composed_position=9, finish=finish), ("One.",))

    assert marked == (("One.\n-# Ende.",) if cut else ("One.",))
