"""Many rules asked at once answer as each of them alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from bot.responders import Question, Rule, RulesResponder, compile_rules
from bot.responders import rules as rules_module
from bot.responders.prefilter import joinable, joined, words_of

Spec: TypeAlias = tuple[str, bool]
"""A pattern, and whether it ignores case."""

ALPHABET = "abAB! ß\n\N{LATIN SMALL LETTER LONG S}sk\N{KELVIN SIGN}"
EXPLODES = st.sampled_from(["(?:x+x+)+y", "(?=(x+)+b)x*", "(?:x|xx)+$"])
LONG = "x" * 3000 + "!"


def _compiles(match: str) -> bool:
    try:
        # A full cache is thinned out at random, which Hypothesis does not allow while it draws.
        regex.compile(match, cache_pattern=False)
    except (regex.error, ValueError, RecursionError):
        return False
    return True


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, max_size=4).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(
            st.sampled_from(["(?:", "(", "(?P<w>", "(?P<who>", "(?>", "(?=", "(?!", "(?<=", "(?<!", "(?i:", "(?s-i:"]),
            inner,
            st.just(")"),
            st.sampled_from(["", "*", "+", "?", "*?", "++", "{2}", "{,2}", "{1,}?", "{e<=1}"]),
        ).map("".join),
        st.tuples(
            st.sampled_from(["(?i)", "(?s)", "(?m)", "(?im)", "(?x)", "(?a)", "(?r)", "(?V1)", "(?b)", "(?#x)"]), inner
        ).map("".join),
        inner.map(lambda pattern: rf"({pattern})\1"),
        inner.map(lambda pattern: f"(?P<w>{pattern})(?P=w)"),
        inner.map(lambda pattern: f"(a)?{pattern}(?(1)b|c)"),
        inner.map(lambda pattern: f"(?|({pattern})|(b))"),
    )


pieces = st.one_of(
    st.sampled_from([r"[(?P<a>]", r"\(?P<a>", r"[(]", r"(?P<b>[)(])"]),
    st.sampled_from(
        [*ALPHABET, ".", ".*", ".*?", r"\w", r"\b", r"\W+", "^", "$", r"\A", r"\Z", "[ab]", "[^a]", "[]a]"]
    ),
    st.sampled_from([r"\.", r"\ ", "a+", "b{2}", "a(*SKIP)(*FAIL)", "a(*PRUNE)", r"a\Kb", ""]),
)
patterns = st.recursive(pieces, _grown, max_leaves=6).filter(_compiles)
specs = st.lists(st.tuples(patterns, st.booleans()), max_size=6)
texts = st.text(ALPHABET, max_size=6).map(str.strip)


def together(rules: Sequence[Spec]) -> RulesResponder:
    """Make rules that say their number."""
    return compile_rules(
        Rule(number, match, str(number), ignore_case=ignore_case)
        for number, (match, ignore_case) in enumerate(rules, start=1)
    )


def alone(rules: Sequence[Spec]) -> RulesResponder:
    """Make the same rules, each tried by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules_module, "joinable", lambda _match, **_flags: None)
        return together(rules)


def first(responder: RulesResponder, text: str) -> str | None:
    """Return the number of the rule that answers."""
    answer = responder.answer(Question(channel_id=1, message_id=2, author_id=3, author="Ada", text=text))
    return answer.rule if answer else None


@given(rules=specs, asked=st.lists(texts, min_size=1, max_size=6))
def test_rules_together_answer_as_each_alone(rules: list[Spec], asked: list[str]) -> None:
    """Whatever their flags, groups and references."""
    responder, reference = together(rules), alone(rules)

    assert [first(responder, text) for text in asked] == [first(reference, text) for text in asked]


@given(rules=specs, explodes=EXPLODES, place=st.integers(0, 6), asked=st.lists(texts | st.just(LONG), max_size=4))
def test_an_exploding_rule_among_them_changes_no_answer(
    rules: list[Spec], explodes: str, place: int, asked: list[str]
) -> None:
    """Its time-outs, and its suspension, are its own."""
    rules.insert(place, (explodes, False))
    responder, reference = together(rules), alone(rules)
    asked = [*asked, LONG]

    assert [first(responder, text) for text in asked] == [first(reference, text) for text in asked]


@pytest.mark.parametrize(
    "match",
    [
        pytest.param(r"(a)\1", id="a reference by number"),
        pytest.param("(?P<w>a)(?P=w)", id="a reference by name"),
        pytest.param(r"(?P<w>a)\g<w>", id="another"),
        pytest.param("(a)?(?(1)b|c)", id="a condition on a group"),
        pytest.param("(?R)?", id="a recursion"),
        pytest.param("(?|(a)|(b))", id="groups that share a number"),
        pytest.param("a(*PRUNE)b", id="a verb"),
        pytest.param("(?x) a # b", id="free spacing"),
        pytest.param("(?a)\\w", id="a flag for the whole pattern"),
        pytest.param("a(?i)b", id="a flag in the middle"),
        pytest.param("(?:a){e<=1}", id="a match with errors"),
        pytest.param("[]a]", id="an odd set"),
        pytest.param("[[:alpha:]]", id="a set by name"),
        pytest.param(r"a\Kb", id="another beginning"),
    ],
)
def test_what_may_mean_something_else_is_not_joined(match: str) -> None:
    """It is run by itself."""
    assert regex.compile(match)
    assert joinable(match, ignore_case=False) is None


@pytest.mark.parametrize(
    ("match", "ignore_case"),
    [
        pytest.param(r"!(?P<word>[a-z0-9-]+)", True, id="a command"),
        pytest.param(r"(?is)ask (?P<what>.+)", False, id="flags at the beginning"),
        pytest.param(r"hi|hello|good (?:morning|evening)\.?", True, id="alternatives"),
        pytest.param(r".*\bfoo\b.*", False, id="a word anywhere"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_what_rules_look_like_is_joined(match: str, *, ignore_case: bool) -> None:
    """So that their number costs nothing."""
    assert joinable(match, ignore_case=ignore_case) is not None


def test_what_begins_alike_is_written_once() -> None:
    """A text is compared with a tree."""
    found = [joinable(match, ignore_case=False) for match in ("!ban", "!ban (?P<who>.+)", "!bar", "x|!", "!ban")]

    tree = joined(pattern for pattern in found if pattern is not None)

    assert tree is not None
    assert tree.pattern == "(?:(?:!(?:|ba(?:n(?:| (?:.+))|r))|x))"


def test_patterns_too_large_together_are_left_alone() -> None:
    """Each of them compiles by itself."""
    steps = (joinable("a" * length, ignore_case=False) for length in range(1, 500))

    assert joined(pattern for pattern in steps if pattern is not None) is None


def test_strikes_are_in_a_row_where_a_message_excludes_all_rules() -> None:
    """A rule that was excluded in time has ended in time."""
    responder = together([("(?:x+x+)+y", False)])

    found = [first(responder, text) for text in (LONG, LONG, "no", LONG, LONG, "no", "xxy")]

    assert found[-1] == "1"


@pytest.mark.parametrize(
    ("matches", "words"),
    [
        pytest.param(["!ping", r"Ask (?P<what>.+)"], ("!ping", "ask "), id="beginnings"),
        pytest.param([r".*\bgrub\b.*", "(?:how|what) .*mount.*"], ("grub", "mount"), id="within"),
        pytest.param(["hi|hello"], ("hello", "hi"), id="alternatives"),
        pytest.param([r"a\.b\!c\d*xy+"], ("a.b!c",), id="escapes, and what ends a word"),
        pytest.param(["hello", "(?:how|what)"], (), id="one that names none"),
        pytest.param(["hello", "a.b"], (), id="one that names a letter"),
        pytest.param(["\N{KELVIN SIGN}\N{KELVIN SIGN}"], (), id="another letter that ASCII matches"),
        pytest.param([f"word{number}" for number in range(51)], (), id="too many"),
        pytest.param([], (), id="none"),
    ],
)
def test_the_words_of_patterns(matches: list[str], words: tuple[str, ...]) -> None:
    """Of each alternative the longest."""
    found = [joinable(match, ignore_case=False) for match in matches]

    assert words_of(pattern for pattern in found if pattern is not None) == words


@pytest.mark.parametrize("ignore_case", [False, True])
@pytest.mark.parametrize(
    "text", ["ask", "ASK", "a\N{LATIN SMALL LETTER LONG S}k", "as\N{KELVIN SIGN}", "ask\N{KELVIN SIGN}"]
)
def test_a_word_is_one_in_whatever_case(text: str, *, ignore_case: bool) -> None:
    """Also where a text has letters that stand for others."""
    rules = [("ask", ignore_case)]

    assert first(together(rules), text) == first(alone(rules), text)


def test_a_word_that_a_text_lacks_is_no_match(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pattern runs."""
    responder = together([("ask .*", True), (".*grub.*", False)])
    monkeypatch.setattr(responder._prefilter, "_may_match", lambda _text: pytest.fail("It ran."))

    assert first(responder, "hello") is None
