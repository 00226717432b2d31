"""Several responders in a row."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.responders import Answer, Chain, Question, Responder, Rule, Utterance, claimant, compile_rules, members


class Model:
    """Answers everything, once it is addressed."""

    name = "llm"
    wants_history = True
    only_addressed = True

    def claims(self, question: Question) -> bool:
        """Take what has words."""
        return bool(question.text)

    async def compose(self, question: Question, history: Sequence[Utterance]) -> Answer | None:
        """Say how much of the window it was given."""
        return Answer(f"{question.text} after {len(history)}")


RULES = compile_rules([Rule(1, "ping", "pong")])
BOTH = Chain([RULES, Model()])


def asked(text: str) -> Question:
    """Return a question."""
    return Question(channel_id=1, message_id=2, author_id=3, author="Ada", text=text)


@pytest.mark.parametrize(
    ("responder", "text", "addressed", "name"),
    [
        pytest.param(BOTH, "ping", True, "rules", id="a rule goes first"),
        pytest.param(BOTH, "ping", False, "rules", id="a rule makes a message addressed"),
        pytest.param(BOTH, "hello", True, "llm", id="the model answers the others"),
        pytest.param(BOTH, "hello", False, None, id="but not what nobody asked the bot"),
        pytest.param(BOTH, "", True, None, id="nobody answers nothing"),
        pytest.param(Chain([Model(), RULES]), "ping", True, "llm", id="in the order of the settings"),
        pytest.param(Chain([Model(), RULES]), "ping", False, "rules", id="among those that would"),
        pytest.param(RULES, "ping", False, "rules", id="one alone"),
        pytest.param(Model(), "hello", False, None, id="a model alone"),
    ],
)
def test_first_that_claims_a_question_answers_it(
    responder: Responder, text: str, name: str | None, *, addressed: bool
) -> None:
    """Under its own name."""
    found = claimant(responder, asked(text), addressed=addressed)

    assert name == (found.name if found else None)


async def test_chain_is_a_responder() -> None:
    """It answers as its members do."""
    chain: Responder = BOTH
    said = Utterance(1, "Ada", "hi", by_bot=False)

    answers = [await chain.compose(asked(text), (said,)) for text in ("ping", "hello", "")]

    assert answers == [Answer("pong", rule="1"), Answer("hello after 1"), None]
    assert [chain.claims(asked(text)) for text in ("ping", "hello", "")] == [True, True, False]
    assert (chain.wants_history, Chain([RULES]).wants_history) == (True, False)
    assert [member.name for member in members(chain)] == ["rules", "llm"]
    assert members(RULES) == (RULES,)
