"""Several responders in a row."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from bot.responders import Answer, Chain, Context, Question, Responder, Rule, compile_rules


class Model(Responder):
    """Answers everything, once it is addressed."""

    name = "llm"
    answers_everything = True

    def answer(self, question: Question, context: Context) -> Answer:
        """Say it again."""
        del context
        return Answer(question.text)


class Broken(Model):
    """Can do nothing without an error."""

    name = "broken"
    answers_everything = False

    def claims(self, question: Question) -> bool:
        """Fail."""
        raise KeyError(question.text)

    async def close(self) -> None:
        """Fail."""
        raise OSError


RULES = compile_rules([Rule(1, "ping", "pong")])
BOTH = Chain([RULES, Model()])


def asked(text: str) -> Question:
    """Return a question."""
    return Question(channel_id=1, message_id=2, author_id=3, author="Ada", text=text)


@pytest.mark.parametrize(
    ("chain", "text", "addressed", "name"),
    [
        pytest.param(BOTH, "ping", True, "rules", id="a rule goes first"),
        pytest.param(BOTH, "ping", False, "rules", id="a rule makes a message addressed"),
        pytest.param(BOTH, "hello", True, "llm", id="the model answers the others"),
        pytest.param(BOTH, "hello", False, None, id="but not what nobody asked the bot"),
        pytest.param(BOTH, " ", True, None, id="nobody answers nothing"),
        pytest.param(Chain([Model(), RULES]), "ping", True, "llm", id="in the order of the settings"),
        pytest.param(Chain([Model(), RULES]), "ping", False, "rules", id="among those that would"),
        pytest.param(Chain([RULES]), "ping", False, "rules", id="one alone"),
        pytest.param(Chain([Model()]), "hello", False, None, id="a model alone"),
        pytest.param(Chain([Broken(), RULES]), "ping", False, "rules", id="one that fails claims nothing"),
    ],
)
def test_first_that_claims_a_question_answers_it(chain: Chain, text: str, name: str | None, *, addressed: bool) -> None:
    """Under its own name."""
    found = chain.choose(asked(text), addressed=addressed)

    assert name == (found.name if found else None)


async def test_who_fails_is_named_and_what_people_said_is_not() -> None:
    """At each message it is shown, and at the end."""
    chain = Chain([Broken(), Model()])

    with capture_logs() as logs:
        chain.choose(asked("my secret"), addressed=False)
        await chain.close()

    assert [(line["responder"], line["at"], line["reason"]) for line in logs] == [
        ("broken", "claims", "KeyError"),
        ("broken", "close", "OSError"),
    ]
    assert "secret" not in str(logs)
