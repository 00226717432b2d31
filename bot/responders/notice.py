"""What a person is told, once, when a limit keeps the bot from answering."""

from __future__ import annotations

from bot.responders.protocol import Answer, Context, Question, Responder

NAME = "notice"
TODAY = "notice today"
"""The name of the one that tells of a limit of the day."""


class Notice(Responder):
    """Answers with one fixed sentence, and claims no question: it is chosen when a limit is exceeded."""

    def __init__(self, text: str, name: str = NAME) -> None:
        self.name = name
        self._text = text

    def answer(self, question: Question, context: Context) -> Answer:
        """Return the sentence."""
        del question, context
        return Answer(self._text)


def notices() -> tuple[Notice, Notice]:
    """Return what tells of a limit, and what tells of one of the day."""
    return (
        Notice("I am asked more here than I can answer just now: please ask again in a few minutes."),
        Notice("I have said all that I may for today: please ask me again tomorrow.", TODAY),
    )
