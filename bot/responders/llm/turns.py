"""Writes the turns of a conversation for a model, so that it can tell who said what.

Where several people write, what each said before stands between quotation marks of a kind that is replaced in people's
words, behind the name. The question stands bare, after a blank line, and the system message says whose it is. Of the
forms that were tried, small models repeat this one least (``make models``): under a line that names its author, they go
on with the next such line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import regex

from bot.responders.llm.fence import header, one_line, plain, quotation, quoted, safe_name, unquoted, with_names
from bot.responders.llm.frames import unframed
from bot.responders.protocol import Context, Question, Utterance

_QUOTE_LENGTH = 60
_PLAIN_NAME = regex.compile(r"[\w .'-]+")
"""One that can't be read as more than a name. It stands bare: small models repeat names between quotation marks."""


@dataclass(frozen=True, slots=True)
class Scribe:
    """Writes turns: the author where ``several`` people write, the person who is answered, the text."""

    several: bool
    people: Mapping[int, str]
    names: Mapping[str, str]
    turns: Mapping[int, Utterance]
    previous: Mapping[int, int]
    """The id of the message before, by the id of a message."""

    @classmethod
    def of(cls, question: Question, context: Context) -> Scribe:
        """Return a scribe that knows the people in the window; those with known ids get different names."""
        people: dict[int, str] = {}
        everything = (*context.quoted, *context.history)
        authors = [(turn.author_id, turn.author) for turn in everything if not turn.by_bot]
        for author_id, author in (*authors, (question.author_id, question.author)):
            if author_id and author_id not in people:
                people[author_id] = _unique(safe_name(author), people.values())
        ids = [*(turn.message_id for turn in context.history), question.message_id]
        turns = {turn.message_id: turn for turn in everything}
        speakers = {turn.author_id or turn.author for turn in context.history if not turn.by_bot}
        several = len(speakers | {question.author_id or question.author}) > 1
        names = {**context.names, **{f"@{person}": name for person, name in people.items()}}
        return cls(several, people, names, turns, dict(zip(ids[1:], ids, strict=False)))

    def said(self, turn: Utterance) -> str:
        """Return the text of a turn of the window, with its author where several people write."""
        text = self._text(turn)
        if turn.by_bot:
            return plain(unframed(text) or text)
        answering = self._answering(turn)
        if not self.several:
            return _under(answering, plain(text))
        whom = f" ({answering})" if answering else ""
        name = self.name(turn)
        return f"{name if _PLAIN_NAME.fullmatch(name) else quoted(name)} said{whom}: {quotation(text)}"

    def asked(self, question: Question) -> str:
        """Return the question, under a line that says what it answers, if that can't be seen from where it stands."""
        text = self._text(question)
        return _under(self._answering(question), unquoted(text) if self.several else plain(text))

    def quote(self, turn: Utterance, what: str) -> tuple[str, str]:
        """Return the title and the text of a message that is not among the turns."""
        return f"{what}, written by {'you' if turn.by_bot else quoted(self.name(turn))}", self._text(turn)

    def name(self, words: Utterance | Question) -> str:
        """Return the name of an author."""
        return self.people.get(words.author_id) or safe_name(words.author)

    def _text(self, words: Utterance | Question) -> str:
        """Return all that a person sees of a message, without ids. Who is in the window is called as there."""
        shown = words.shown if isinstance(words, Question) else ""
        text = "\n".join(part for part in (words.text, shown) if part)
        return with_names(text, {**words.names, **self.names})

    def _answering(self, words: Utterance | Question) -> str:
        """Return whom a message answers, "" where only one person could be meant by the message before."""
        if not words.reply_to:
            return ""
        turn = self.turns.get(words.reply_to)
        if turn is None:
            return "in answer to an earlier message"
        whom = "you" if turn.by_bot else quoted(self.name(turn))
        if self.previous.get(words.message_id) == words.reply_to:
            return f"in answer to {whom}" if self.several else ""
        return f"in answer to {whom}: {quoted(one_line(self._text(turn), _QUOTE_LENGTH))}"


def _under(line: str, text: str) -> str:
    return f"{header(line)}\n{text}" if line else text


def _unique(name: str, taken: Iterable[str]) -> str:
    others = set(taken)
    number, unique = 2, name
    while unique in others:
        unique, number = f"{name} ({number})", number + 1
    return unique
