"""What a model writes is fit to be shown, however it arrives."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.responders.llm.clean import Cleaner, clean

PIECES = [
    "@",
    "everyone",
    "here",
    "<@",
    "!",
    "&",
    "123",
    ">",
    "⟦",
    "⟧",
    "from Ada",
    'from "Ada"',
    "[",
    "]",
    "Bot",
    ":",
    "*",
    " ",
    "\n",
    "\n\n",
]
SIGNS = ["<think>", "</think>", "`", "```", "<|im_end|>", "[TOOL_CALLS]", "<|channel|>final<|message|>"]
OTHERS = ["a", "word ", "\x00", "\ud83d", "😀", "\t", "é"]
WHOLE = st.lists(st.sampled_from([*PIECES, *SIGNS, *OTHERS]) | st.text(max_size=3)).map("".join)
TEXTS = st.lists(st.sampled_from([*PIECES, *SIGNS, "<", "think>", *OTHERS]) | st.text(max_size=3)).map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("hello", "hello", id="plain text stays"),
        pytest.param("", None, id="nothing is nothing"),
        pytest.param(" \n\t ", None, id="blanks are nothing"),
        pytest.param("\n hello \n", "hello", id="blank ends go"),
        pytest.param("a\n\n\n\n  b", "a\n\n  b", id="one blank line is enough, indents stay"),
        pytest.param("hi @everyone, @HERE", "hi @everyone, @HERE", id="words that would ping stay: mentions are off"),
        pytest.param("<@1> <@!2> <@&3> <#5>", "<@1> <@!2> <@&3> <#5>", id="so do mentions"),
        pytest.param(
            "https://mastodon.example/@everyone `@here` a@here.org",
            "https://mastodon.example/@everyone `@here` a@here.org",
            id="addresses and code are not altered",
        ),
        pytest.param("⟦from Bot⟧\nhello ⟦end⟧", "hello", id="the prompt's lines go"),
        pytest.param("⟦⟦x⟧y⟧ z⟦", "y z", id="so do its brackets alone"),
        pytest.param("@⟦x⟧everyone @\x00here", "@everyone @here", id="what stands between them goes"),
        pytest.param("Bot: hello", "hello", id="its own name before it goes"),
        pytest.param("**bot**:\nhello", "hello", id="in bold and in small letters, too"),
        pytest.param("Bottle: green", "Bottle: green", id="another word stays"),
        pytest.param("Bot:", "Bot:", id="a name alone is all it says"),
        pytest.param("I, Bot: hello", "I, Bot: hello", id="a name further on stays"),
        pytest.param('⟦from "Ada"⟧\nhello', "hello", id="the frame of a turn goes"),
        pytest.param('⟦from "Ada", in answer to you: "x"⟧\n\n⟦from "Bot"⟧ hello', "hello", id="so do several"),
        pytest.param('[from "Ada"]: hello', "hello", id="in other brackets, too"),
        pytest.param('(from "Ada", in answer to "Bot") hello', "hello", id="in round ones"),
        pytest.param('⟦from "Ada"\nhello', "hello", id="with half of its brackets"),
        pytest.param('from "Ada"\nBot: [from "Ada"] hello', "hello", id="around its own name"),
        pytest.param('from "Ada"', None, id="a frame alone is no answer"),
        pytest.param('from "Ada" I know it', 'from "Ada" I know it', id="a sentence that begins like one stays"),
        pytest.param('From "Ada"\nx', 'From "Ada"\nx', id="as does one that begins with a capital letter"),
        pytest.param('["Ada", "Eve"]', '["Ada", "Eve"]', id="a list stays"),
        pytest.param('hm\n[from "Ada"] x', 'hm\n[from "Ada"] x', id="so does what stands further on"),
        pytest.param("[from Ada to Eve](https://e.org)", "[from Ada to Eve](https://e.org)", id="and a link"),
        pytest.param("Ada: hello", "Ada: hello", id="and the name of whom it speaks to"),
        pytest.param("\n<think>\nhm @here\n</think>\n\nBot: hello", "hello", id="thoughts before it go"),
        pytest.param("<think></think> <think>hm</think>hello", "hello", id="however often"),
        pytest.param("<think>hm, and then", None, id="thoughts without an end are no answer"),
        pytest.param("I <think>so</think>hm", "I hm", id="also further on"),
        pytest.param("I write `<think>so</think>`", "I write `<think>so</think>`", id="what only speaks of them stays"),
        pytest.param("<thin", "<thin", id="as does what only began like them"),
        pytest.param("a\r\nb\x07\ud83dc", "a\nbc", id="control characters and half characters go"),
    ],
)
def test_answer_is_cleaned(text: str, shown: str | None) -> None:
    """Whole."""
    assert clean(text, "Bot") == shown


@given(
    text=TEXTS,
    cuts=st.lists(st.integers(0, 60)),
    name=st.sampled_from(["Bot", "", "*", "a b"]),
    limit=st.integers(1, 40),
)
@example(text="@everyone", cuts=[1, 3], name="Bot", limit=40)
def test_pieces_join_to_the_whole_wherever_it_is_cut(text: str, cuts: list[int], name: str, limit: int) -> None:
    """What was shown once is taken back only where that is told, and the whole doesn't depend on how it arrived."""
    cleaner = Cleaner(name, limit)
    ends = sorted({min(cut, len(text)) for cut in cuts})
    pieces = [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]

    shown = ""
    for piece in (*pieces, None):
        more = cleaner.finish() if piece is None else cleaner.feed(piece)
        shown = more if cleaner.taken_back() else shown + more

    assert cleaner.text == shown
    assert (clean(text, name, limit) or "") == shown


@pytest.mark.parametrize(
    "frame", ['⟦from "Ada"⟧\n', '[from "Ada", in answer to you]\n\n', 'from "Ada"\n', '(from "A b")']
)
@pytest.mark.parametrize("answer", ['from "hm", I think.', "Hello.", '["x"] and so on', "Bot said so."])
def test_a_frame_is_never_shown_wherever_the_stream_is_cut(frame: str, answer: str) -> None:
    """Nor is anything of the answer held back for good."""
    text = frame + frame + answer
    for cut in range(len(text) + 1):
        cleaner = Cleaner("Bot")
        pieces = [cleaner.feed(text[:cut]), cleaner.feed(text[cut:]), cleaner.finish()]

        assert "".join(pieces) == answer
        assert answer.startswith(pieces[0])


@given(text=TEXTS, limit=st.integers(1, 40))
def test_nothing_that_leaks_or_exceeds_the_limit_is_shown(text: str, limit: int) -> None:
    """Whatever the model writes."""
    shown = clean(text, "Bot", limit) or "x"

    assert not set("⟦⟧\x00\ud83d") & set(shown)
    assert shown == shown.strip()
    assert "\n\n\n" not in shown
    assert len(shown.encode("utf-16-le")) // 2 <= limit


@given(text=WHOLE)
@example(text="@</think><think>")
def test_clean_text_stays_as_it_is(text: str) -> None:
    """Cleaning twice is cleaning once, where the name is not said twice."""
    once = clean(text)

    assert once is None or clean(once) == once


def test_little_is_held_back() -> None:
    """Plain words show as they come, without the blank at their end."""
    cleaner = Cleaner("Bot")

    assert [cleaner.feed(piece) for piece in ("Hel", "lo ", "world", " <", "3")] == ["Hel", "lo", " world", "", " <3"]


def test_limit_ends_the_answer() -> None:
    """Whoever feeds it knows when to stop, blanks without end included."""
    long, blank = Cleaner("", 10), Cleaner("", 10)

    assert long.feed("x" * 50) == "x" * 10
    assert long.full
    assert blank.feed("x" + " " * 50) == "x"
    assert blank.full
    assert long.feed("more") == ""
