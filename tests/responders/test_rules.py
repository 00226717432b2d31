"""Rules answer in their order, from the whole message, and no pattern holds the bot up."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.errors import ConfigError
from bot.responders import Answer, Question, Rule, RulesResponder, at_once, compile_rules, load_facts
from bot.responders.template import escaped

FACTS = {"ask": "Don't ask to ask.", "Nvidia": "Upper", "nvidia": "lower", "empty": "  ", "braces": "{author} {{x}}"}
REFERENCE = Path(__file__).parents[2] / ".." / "shared" / "data" / "ubuntu-irc" / "factoids.json"


def ask(text: str, author: str = "Ada") -> Question:
    """Ask a text."""
    return Question(channel_id=1, message_id=2, author_id=3, author=author, text=text)


def answer(responder: RulesResponder, text: str, author: str = "Ada") -> Answer | None:
    """Compose, and hold the claim to what comes of it."""
    question = ask(text, author)
    composed = at_once(responder, question)
    assert responder.claims(question) == (composed is not None)
    return composed


def rule(match: str, reply: str, *, ignore_case: bool = False, facts: Mapping[str, str] | None = None) -> Rule:
    """Make rule 1."""
    return Rule(1, match, reply, ignore_case=ignore_case, facts=facts)


@pytest.mark.parametrize(
    ("given_rule", "text", "reply"),
    [
        pytest.param(rule("ping", "pong"), "ping", "pong", id="a whole message is answered"),
        pytest.param(rule("ping", "pong"), " \n ping\t", "pong", id="whitespace around the message does not count"),
        pytest.param(rule("ping", "pong"), "ping pong", None, id="part of a message is no match"),
        pytest.param(rule("a|ab", "pong"), "ab", "pong", id="every alternative may match the whole"),
        pytest.param(rule("ping", "pong"), "PING", None, id="case counts"),
        pytest.param(rule("ping", "pong", ignore_case=True), "PiNG", "pong", id="case does not count if so told"),
        pytest.param(
            rule("hi (?P<who>.+)", "{author}: {who}"), "hi Bob", "Ada: Bob", id="groups and author are filled"
        ),
        pytest.param(rule("(?P<a>x)?y", "<{a}>"), "y", "<>", id="a group that took no part is empty"),
        pytest.param(rule("(?P<a>x)?y", " {a} "), "y", None, id="a reply that comes out blank is no reply"),
        pytest.param(rule("(?P<a>.*)", "{a}"), "{author}", "{author}", id="a message is never read as a template"),
        pytest.param(rule("is (?P<a>.*)", "no {a}"), "is _it_", r"no \_it\_", id="nor as markdown"),
        pytest.param(rule("is (?P<a>.*)", "no {a:raw}"), "is _it_", "no _it_", id="unless the rule says so"),
        pytest.param(rule("!(?P<a>.+)", "{fact}", facts={"b": "*c*"}), "!b", "*c*", id="facts have markdown"),
        pytest.param(rule("!(?P<word>.+)", "{fact}", facts=FACTS), "!ask", "Don't ask to ask.", id="a fact is told"),
        pytest.param(rule("!(?P<word>.+)", "{fact}", facts=FACTS), "!ASK", "Don't ask to ask.", id="in lower case too"),
        pytest.param(rule("!(?P<word>.+)", "{fact}", facts=FACTS), "!Nvidia", "Upper", id="the exact word goes first"),
        pytest.param(rule("!(?P<word>.+)", "{fact}", facts=FACTS), "!NVIDIA", "lower", id="then the lower-case one"),
        pytest.param(rule("!(?P<word>.+)", "{fact}", facts=FACTS), "!nosuch", None, id="an unknown word is not for it"),
        pytest.param(rule("!(?P<word>.+)", "{fact}", facts=FACTS), "!empty", None, id="a blank fact is no reply"),
        pytest.param(
            rule("!(?P<w>.+)", "{w}={fact}", facts=FACTS), "!ask", "ask=Don't ask to ask.", id="any one group"
        ),
        pytest.param(
            rule("(?P<word>a.k)(?P<x>.*)", "{fact}", facts=FACTS), "ask", FACTS["ask"], id="word among others"
        ),
        pytest.param(rule("!(?P<word>.+)", "known", facts=FACTS), "!ask", "known", id="a reply need not tell the fact"),
        pytest.param(
            rule("!(?P<w>.+)", "{fact}", facts=FACTS), "!braces", FACTS["braces"], id="facts are no templates"
        ),
    ],
)
def test_one_rule(given_rule: Rule, text: str, reply: str | None) -> None:
    """A rule answers the whole message or not at all."""
    expected = None if reply is None else Answer(reply, rule="1")

    assert answer(compile_rules([given_rule]), text) == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("!ask", "1", id="the first that applies answers"),
        pytest.param("!other", "2", id="an unknown word leaves it to the next rule"),
        pytest.param("other", "3", id="no match leaves it to the next rule"),
    ],
)
def test_rules_are_tried_in_order(text: str, number: str) -> None:
    """The first that matches and applies wins."""
    responder = compile_rules(
        [Rule(1, "!(?P<w>.+)", "{fact}", facts=FACTS), Rule(2, "!.+", "what?"), Rule(3, ".+", "well")]
    )

    found = answer(responder, text)

    assert found is not None
    assert found.rule == number


def test_no_rules_claim_nothing() -> None:
    """An empty set of rules is silent."""
    assert answer(compile_rules([]), "hello") is None


@given(text=st.text(min_size=1).filter(str.strip), author=st.text())
def test_any_message_and_name_go_in_as_they_are(text: str, author: str) -> None:
    """Braces, line ends and odd characters of people survive the reply."""
    responder = compile_rules([Rule(1, "(?s:(?P<all>.*))", "{author}|{all}")])

    assert answer(responder, text, author) == Answer(f"{escaped(author)}|{escaped(text.strip())}", rule="1")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        pytest.param(Rule(2, "(", "x", line=14), "Rule 2 (line 14): `match` does not compile (missing )", id="open"),
        pytest.param(Rule(2, "(", "x"), "Rule 2: `match` does not compile", id="no line where none is known"),
        pytest.param(Rule(1, "a{9999999999999}", "x"), "does not compile", id="a repeat too large"),
        pytest.param(Rule(1, "(?a)(?u)x", "x"), "flags that exclude each other", id="flags that do not agree"),
        pytest.param(Rule(1, "(" * 5000 + ")" * 5000, "x"), "beyond reason", id="nested too deep"),
        pytest.param(Rule(1, "x", "{nosuch}"), "`reply` uses {nosuch}", id="an unknown name"),
        pytest.param(Rule(1, "(?P<a>x)", "{b}"), "use one of {a}, {author}", id="the known names"),
        pytest.param(Rule(1, "(?P<a>x)", "{fact}"), "no `facts`", id="a fact without facts"),
        pytest.param(Rule(1, "x", "hello", facts={}), "name a group", id="facts without a group"),
        pytest.param(Rule(1, "(?P<a>x)(?P<b>y)", "x", facts={}), "(?P<word>...)", id="facts and no group word of two"),
        pytest.param(Rule(1, "(?P<author>x)", "x"), "names a group author", id="a group called author"),
        pytest.param(Rule(1, "(?P<fact>x)", "x"), "names a group fact", id="a group called fact"),
        pytest.param(Rule(1, "x", "{author.id}"), "{author.id}", id="more than a plain name"),
        pytest.param(Rule(1, "x", "a } b"), "do not pair", id="a brace alone"),
        pytest.param(Rule(1, "x", " \n"), "`reply` is empty", id="an empty reply"),
    ],
)
def test_rule_that_cannot_work_is_refused_at_the_start(spec: Rule, says: str) -> None:
    """The error names the rule, its line if known, and what to do."""
    with pytest.raises(ConfigError) as caught:
        compile_rules([Rule(7, "fine", "fine"), spec])

    assert says in str(caught.value)
    assert str(caught.value).startswith(f"Rule {spec.number}")


def test_all_rules_that_cannot_work_are_named_at_once() -> None:
    """In their order."""
    with pytest.raises(ConfigError) as caught:
        compile_rules([Rule(1, "(", "x", line=3), Rule(2, "fine", "fine"), Rule(3, "x", "{nosuch}", line=9)])

    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["Rule 1 (line 3)", "Rule 3 (line 9)"]


CATASTROPHES = [
    pytest.param("(?=(a+)+b)a*", "a" * 3999, id="a lookahead"),
    pytest.param("(?:a|aa)+$", "a" * 4000 + "!", id="alternatives that overlap"),
    pytest.param("(?:(?:a|aa)|(?:aaa|(?:a|aaaa)))+$", "a" * 3999 + "!", id="nested alternatives"),
    pytest.param("(?:x+x+)+y", "x" * 4000, id="nested repeats"),
    pytest.param("(?:.*?,){25}P", "1," * 2000, id="repeats side by side"),
    pytest.param("(?R)", "anything", id="a recursion without end"),
]


@pytest.mark.parametrize(("pattern", "text"), CATASTROPHES)
def test_exploding_rule_is_cut_short_then_suspended_and_the_next_one_answers(pattern: str, text: str) -> None:
    """Three time-outs, then the pattern is not run again."""
    responder = compile_rules([Rule(1, pattern, "never"), Rule(2, "(?s).*", "next")])

    with capture_logs() as lines:
        answers = [responder.answer(ask(text)) for _ in range(5)]

    assert answers == [Answer("next", rule="2")] * 5
    assert [(line["event"], line["rule"]) for line in lines] == [
        ("rule.timed_out", 1),
        ("rule.timed_out", 1),
        ("rule.suspended", 1),
    ]
    assert all(set(line) == {"event", "rule", "log_level"} for line in lines)


def test_classic_catastrophe_says_no_without_a_time_out() -> None:
    """The engine sees through the textbook example by itself."""
    responder = compile_rules([Rule(1, "(a+)+$", "never")])

    with capture_logs() as lines:
        claimed = [responder.claims(ask("a" * 30 + "!")) for _ in range(5)]

    assert claimed == [False] * 5
    assert lines == []


def test_rule_that_ends_in_between_is_not_suspended() -> None:
    """Only time-outs in a row count."""
    responder = compile_rules([Rule(1, "(?:x+x+)+y", "matched")])
    slow, fast = ask("x" * 4000), ask("xxy")

    with capture_logs() as lines:
        for question in (slow, slow, fast, slow, slow, fast):
            responder.claims(question)

    assert responder.claims(fast)
    assert [line["event"] for line in lines] == ["rule.timed_out"] * 4


def test_many_exploding_rules_share_one_message_s_time_and_all_end_suspended() -> None:
    """The limit holds over all rules of a message."""
    responder = compile_rules([Rule(number, "(?:x+x+)+y", "matched") for number in range(1, 9)])

    with capture_logs() as lines:
        first = responder.claims(ask("x" * 4000))
        of_first = len(lines)
        for _ in range(30):
            responder.claims(ask("x" * 4000))

    assert not first
    assert of_first <= 2, "10 ms for each of the first two leave less than that for the third"
    assert {line["rule"] for line in lines if line["event"] == "rule.suspended"} == set(range(1, 9))


def test_innocent_rule_behind_exploding_ones_is_never_blamed() -> None:
    """A rule that got no time is not one that took too long."""
    explosions = [Rule(number, "(?:x+x+)+y", "matched") for number in range(1, 7)]
    responder = compile_rules([*explosions, Rule(7, "x+", "many")])

    with capture_logs() as lines:
        for _ in range(40):
            responder.claims(ask("x" * 4000))

    assert responder.claims(ask("x" * 4000))
    assert 7 not in {line["rule"] for line in lines}


def test_suspension_belongs_to_one_responder() -> None:
    """Nothing is remembered outside the instance."""
    specs = [Rule(1, "(?:x+x+)+y", "matched")]
    tired, fresh = compile_rules(specs), compile_rules(specs)
    for _ in range(3):
        tired.claims(ask("x" * 4000))

    assert not tired.claims(ask("xxy"))
    assert fresh.claims(ask("xxy"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b'{\n "a": ,\n}', "not JSON (line 2, column 7", id="not JSON"),
        pytest.param(b"", "not JSON (line 1, column 1", id="an empty file"),
        pytest.param(b'["a"]', "not a JSON object", id="a list"),
        pytest.param(b"null", "not a JSON object", id="null"),
        pytest.param(b'{"secret": "x", "word": 1}', "entry 2 is not a string", id="a number"),
        pytest.param(b'{"word": {"secret": "x"}}', "entry 1 is not a string", id="an object"),
        pytest.param(b'{"secret": "x", "secret": "y"}', "entry 2 repeats", id="a word that comes twice"),
        pytest.param(b'{"secret": "\\ud83d"}', "entry 1 holds half", id="half of a surrogate pair"),
        pytest.param(b'{"secret": "\xff"}', "not UTF-8 text (byte 13)", id="another encoding"),
        pytest.param(b"[" * 100_000, "too large", id="nested too deep"),
        pytest.param(b'{"secret": ' + b"9" * 5000 + b"}", "too large", id="a number too long"),
    ],
)
def test_facts_that_cannot_be_used_are_refused_with_the_path(tmp_path: Path, content: bytes, says: str) -> None:
    """The error says where, and repeats none of the words."""
    path = tmp_path / "facts.json"
    path.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load_facts(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("nosuch.json", "no such file", id="a file that is not there"),
        pytest.param(".", "can't be read", id="a folder"),
    ],
)
def test_facts_that_cannot_be_read_are_refused_with_the_path(tmp_path: Path, name: str, says: str) -> None:
    """A file that is not there, or is none."""
    with pytest.raises(ConfigError, match=says) as caught:
        load_facts(tmp_path / name)

    assert str(tmp_path) in str(caught.value)


@given(facts=st.dictionaries(st.text(), st.text()))
def test_any_facts_come_back_as_written(tmp_path_factory: pytest.TempPathFactory, facts: dict[str, str]) -> None:
    """A byte order mark does no harm either."""
    path = tmp_path_factory.mktemp("facts") / "facts.json"
    path.write_text(json.dumps(facts), encoding="utf-8-sig")

    assert load_facts(path) == facts


@pytest.mark.skipif(not REFERENCE.exists(), reason="the recorded channel's facts are not at hand")
def test_recorded_channel_s_facts_answer() -> None:
    """The real file of a real channel bot loads and answers."""
    facts = load_facts(REFERENCE)
    responder = compile_rules([Rule(1, "!(?P<word>[a-z0-9-]+)", "{author}, {fact}", facts=facts)])

    assert answer(responder, "!ask", "Ada") == Answer(f"Ada, {facts['ask']}", rule="1")


def test_what_other_threads_use_up_is_no_fault_of_a_rule() -> None:
    """The process's clock runs on while they work; every question is answered all the same."""
    rules = compile_rules([Rule(number=1, match="!(?P<word>[a-z]+)", reply="{word}")])
    done = threading.Event()
    digest = hashlib.sha256

    def busy() -> None:
        block = b"x" * 4_000_000
        while not done.is_set():
            digest(block).digest()

    others = [threading.Thread(target=busy) for _ in range(3)]
    for other in others:
        other.start()
    try:
        claimed = [rules.claims(ask("!ask")) for _ in range(20_000)]
    finally:
        done.set()
        for other in others:
            other.join()

    assert all(claimed)
