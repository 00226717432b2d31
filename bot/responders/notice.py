"""The notices that tell a person, once, that a limit keeps the bot from answering."""

from __future__ import annotations

from bot.responders.protocol import Answer, Context, Question, Responder

NAME = "notice"
TODAY = "notice today"
"""The name of the notice of a daily limit."""


class Notice(Responder):
    """Answers with a fixed sentence. It claims no question: it is chosen when a limit is exceeded."""

    def __init__(self, text: str, name: str = NAME) -> None:
        self.name = name
        self._text = text

    def answer(self, question: Question, context: Context) -> Answer:
        """Return the sentence."""
        del question, context
        return Answer(self._text)


def notices() -> tuple[Notice, Notice]:
    """Return the notice of a limit, and that of a daily limit."""
    return (
        Notice("I am asked more here than I can answer just now: please ask again in a few minutes."),
        Notice("I have said all that I may for today: please ask me again tomorrow.", TODAY),
    )
