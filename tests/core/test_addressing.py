"""What calls the bot, as tables: mentions that stand, names at either end, and the text that is left."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.addressing import Address, Own, answer_key, call_of, is_named, mentions_bot, mentions_role, without_call
from bot.core.events import Author, Call

NAMES = ("Echo", "Écho du lac")
OWN = Own(9, 5, NAMES)


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("<@9> hi", True),
        ("hi <@!9>", True),
        ("> <@9> said so", True),
        ("not in the text: the ping of a reply", True),
        ("`<@9>` hi", False),
        ("``a ` <@9>`` hi", False),
        ("```py\n<@9>\n``` hi", False),
        ("`<@9>` and <@9>", True),
        ("`<@9> and no end", True),
        ("\\`<@9>\\`", True),
        ("\\<@9>", False),
        ("\\\\<@9>", True),
        ("\\<@9> <@9>", True),
    ],
)
def test_a_mention_in_code_or_escaped_is_none(text: str, *, stands: bool) -> None:
    """Whatever Discord lists; and what it does not list is none, whatever the text says."""
    assert mentions_bot(text, 9, (9,)) is stands
    assert mentions_role(text.replace("<@!", "<@").replace("<@9", "<@&9"), 9, (9,)) is stands
    assert not mentions_bot(text, 9, (8,))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("echo, what time?", "what time?"),
        ("ECHO: hi", "hi"),
        ("Echo - hi", "hi"),
        ("echo! hi", "hi"),
        ("echo\nhi", "hi"),
        ("@echo hi", "hi"),
        ("  echo", ""),
        ("What time, echo?", "What time?"),
        ("what time, @Echo", "what time"),
        ("hey, echo!!", "hey!!"),
        ("\u00e9cho du  LAC, salut", "salut"),
        ("E\u0301cho du lac: salut", "salut"),
        ("echo\uff0c hi", "hi"),
        ("hi\u060c echo", "hi"),
    ],
)
def test_a_name_at_either_end_calls_the_bot(text: str, left: str) -> None:
    """With a mark behind it or a comma before it; the responder does not see it."""
    assert is_named(text, NAMES)
    assert without_call(text, OWN) == left


@pytest.mark.parametrize(
    "text",
    [
        "echo chamber",
        "thanks echo",
        "echo-chamber",
        "echo.py",
        "echo://x",
        "echos, hi",
        "an echo, it was",
        "`echo`, hi",
    ],
)
def test_a_name_within_a_sentence_calls_nobody(text: str) -> None:
    """It is spoken of, and stays in the text."""
    assert not is_named(text, NAMES)
    assert without_call(text, OWN) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<@9> <@&5> hi <@!9>", "hi"),
        ("<@8> hi <@&6>", "<@8> hi <@&6>"),
        ("hi <@9> there", "hi <@9> there"),
        ("<@9> echo, hi", "hi"),
        ("", ""),
    ],
)
def test_what_is_left_of_a_text(text: str, left: str) -> None:
    """Mentions of others stay, and those in mid-sentence."""
    assert without_call(text, OWN) == left


@given(st.text(st.sampled_from("echo ,<@9>`\\!?E\n"), max_size=60))
def test_a_text_loses_nothing_but_what_calls(text: str) -> None:
    """What is left is a part of the text, but for the name before its last mark."""
    left = without_call(text, OWN)
    assert left in text or all(part in text for part in (left.rstrip("?!. \n"), left[len(left.rstrip("?!. \n")) :]))


def test_long_texts_take_no_time() -> None:
    """Nobody can slow the bot down by what they write."""
    worst = ["`" * 3990 + "<@9>", "`a " * 1300 + "<@9>", "\\" * 3990 + "<@9>", "echo" + " " * 3990 + "x", ", " * 2000]
    began = time.thread_time()
    for text in worst:
        mentions_bot(text, 9, (9,))
        is_named(text, NAMES)
        without_call(text, OWN)
    assert time.thread_time() - began < 2


ADDRESS = Address(Author.PERSON, 0, False, False, False, False)  # noqa: FBT003


@pytest.mark.parametrize(
    ("found", "call"),
    [
        ({}, None),
        ({"mentions_role": True, "named": True}, Call.ROLE),
        ({"named": True, "everywhere": True}, Call.NAME),
        ({"everywhere": True, "own_thread": True}, Call.CHANNEL),
        ({"own_thread": True, "claimed": True}, Call.THREAD),
        ({"mentions_bot": True, "mentions_role": True}, Call.MENTION),
        ({"named": True, "author": Author.SELF}, None),
        ({"named": True, "kind": 7}, None),
    ],
)
def test_what_is_said_most_directly_counts(found: dict[str, object], call: Call | None) -> None:
    """One way is recorded; a system message and the bot itself call nobody."""
    assert call_of(ADDRESS._replace(**found), frozenset(Call)) is call  # type: ignore[arg-type]
    assert call_of(ADDRESS._replace(**found), frozenset()) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "generation", "edits", "key"),
    [((5,), 1, 0, "5.1.0"), ((5, 5), 1, 0, "5.1.0"), ((5, 6, 7), 1, 0, "5+7.1.0"), ((5,), 2, 3, "5.2.3")],
)
def test_an_answer_has_a_key(asked: tuple[int, ...], generation: int, edits: int, key: str) -> None:
    """Another one for other questions, other words, and another answer."""
    assert answer_key(asked, generation, edits) == key
