"""What a person is told, once, when a limit keeps the bot from answering."""

from __future__ import annotations

from collections.abc import Sequence

from bot.responders.protocol import Answer, Question, Utterance

NAME = "notice"
TODAY = "notice today"
"""The name of the one that tells of a limit of the day."""


class Notice:
    """Answers with one fixed sentence."""

    wants_history = False

    def __init__(self, text: str, name: str = NAME) -> None:
        self.name = name
        self._text = text

    def claims(self, question: Question) -> bool:
        """Tell that nobody asks for it: it is chosen when a limit is exceeded."""
        del question
        return False

    async def compose(self, question: Question, history: Sequence[Utterance]) -> Answer | None:
        """Return the sentence."""
        del question, history
        return Answer(self._text)


def notices() -> tuple[Notice, Notice]:
    """Return what tells of a limit, and what tells of one of the day."""
    return (
        Notice("I am asked more here than I can answer just now: please ask again in a few minutes."),
        Notice("I have said all that I may for today: please ask me again tomorrow.", TODAY),
    )
