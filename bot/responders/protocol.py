"""Say what a responder is asked, what it answers, and what it has to look like.

A responder is a class with one method, :meth:`Responder.answer`. It says by :meth:`Responder.claims` which messages are
for it, unless it answers everything. This one is whole:

>>> class Echo(Responder):
...     def claims(self, question: Question) -> bool:
...         return question.text.startswith("!echo ")
...
...     def answer(self, question: Question, context: Context) -> str:
...         return question.text.removeprefix("!echo ")

>>> question = Question(channel_id=1, message_id=2, author_id=3, author="Ada", text="!echo hello")
>>> Echo().claims(question)
True
>>> Echo().answer(question, Context())
'hello'
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias


class Attached(NamedTuple):
    """Tell of a file attached to a question before it is fetched; ``size`` in bytes, ``content_type`` "" if unknown."""

    content_type: str
    size: int


class Question(NamedTuple):
    """Carry the message to answer: ``text`` without the mention of the bot, ``author`` as shown in the channel.

    ``reply_to`` is the id of the message it replies to, ``files`` tell what is attached to it.
    """

    channel_id: int
    message_id: int
    author_id: int
    author: str
    text: str
    reply_to: int | None = None
    files: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Utterance:
    """Carry one turn of the window before the question; ``reply_to`` is the id of the message it replies to.

    ``author_id`` 0: not known, people are told apart by their names.
    """

    message_id: int
    author: str
    text: str
    by_bot: bool
    author_id: int = 0
    reply_to: int | None = None


@dataclass(frozen=True, slots=True)
class File:
    """Carry a file attached to the question, as it was read before its link expired."""

    id: int
    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Context:
    """Carry what an answer may build on, besides the question.

    ``history``: the window before the question, oldest first. ``summary``: what came before the window. ``persona``:
    who to be in this channel ("": what the settings say). ``topic``: the channel's. ``bot_name``: the bot's name there.
    ``now``: microseconds since the epoch, UTC (0: not told). ``attachments``: files of the question.
    """

    history: Sequence[Utterance] = ()
    summary: str = ""
    persona: str = ""
    topic: str = ""
    bot_name: str = ""
    now: int = 0
    attachments: Sequence[File] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Carry the reply, of any length, and what it came from and cost (in millionths of a dollar).

    ``cut``: how many of the oldest turns were left out to stay within the budget. ``attachments``: the ids of the files
    that were read. ``finish``: why it ended ("stop", "length", "time", "content_filter", ...; "" where nothing can end
    it early). ``estimated``: the provider did not count tokens, so that they are estimates. ``priced``: False where no
    price is known, so that the cost is not.
    """

    text: str
    rule: str = ""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_micros: int = 0
    cut: int = 0
    attachments: tuple[int, ...] = ()
    finish: str = ""
    estimated: bool = False
    priced: bool = True


class Trouble(StrEnum):
    """What kept every model from answering, in the words that logs and events have for it."""

    AWAY = "model away"
    KEY = "key refused"
    UNKNOWN = "no such model"
    QUOTA = "quota used up"
    REFUSED = "question refused"
    TOO_LONG = "too long"
    UNREADABLE = "no answer that can be read"


WAITS = frozenset((Trouble.AWAY, Trouble.KEY, Trouble.UNKNOWN, Trouble.QUOTA))
"""What says nothing about the question: it waits until somebody can answer."""

FINAL = frozenset((Trouble.REFUSED, Trouble.TOO_LONG))
"""What is so of this very question, however often it is asked."""


class ModelFailed(Exception):
    """Every model failed; ``reason`` says how in words of our own, never a provider's, which may quote people.

    ``retry_after``: the seconds to wait before the next attempt, where they are known. ``others``: how many questions
    were answered until then, where this one may be the cause of the trouble; where it can't be, 0. ``cut``: a model was
    lost in the middle of its answer. ``tokens_in``, ``tokens_out``, ``cost_micros``, ``priced``: what was spent all the
    same, as in :class:`Answer`.
    """

    def __init__(  # noqa: PLR0913 - each is a fact of its own, by name
        self,
        reason: str,
        trouble: Trouble = Trouble.UNREADABLE,
        *,
        retry_after: float | None = None,
        others: int = 0,
        cut: bool = False,
        tokens_in: int = 0,
        tokens_out: int = 0,
        cost_micros: int = 0,
        priced: bool = True,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.trouble = trouble
        self.retry_after = retry_after
        self.others = others
        self.cut = cut
        self.tokens_in = tokens_in
        self.tokens_out = tokens_out
        self.cost_micros = cost_micros
        self.priced = priced

    @property
    def waits(self) -> bool:
        """Tell that the question is not to blame: it is asked again once somebody can answer."""
        return self.trouble in WAITS

    @property
    def permanent(self) -> bool:
        """Tell that asking this again can't help before somebody changes the settings or the question."""
        return self.trouble in FINAL


class Condition(NamedTuple):
    """Tell how one that helps is: ``name``, ``trouble`` ("": none), for how many ``seconds``, after how many ``tries``.

    ``tokens`` is how long a prompt may be (0: not known).
    """

    name: str
    trouble: str = ""
    seconds: float = 0.0
    tries: int = 0
    tokens: int = 0


class Absence(NamedTuple):
    """Tell why nobody can be asked just now, and in how many ``seconds`` somebody may be."""

    reason: str
    seconds: float


class Seen(NamedTuple):
    """Tell what somebody that helps says when asked, which costs nothing.

    ``trouble`` says why there is no answer ("": there is one), ``waits`` that this keeps questions waiting. ``known``:
    the model is on the list of ``models``; ``tokens`` is how much it holds, prompt and answer together (0: not told).
    """

    name: str
    trouble: str = ""
    waits: bool = False
    known: bool = False
    models: Sequence[str] | None = None
    tokens: int = 0


Said: TypeAlias = str | Answer | None
"""What is said to a question; None is silence."""

Reply: TypeAlias = Said | Awaitable[Said] | AsyncGenerator[str | Answer, None]
"""What :meth:`Responder.answer` returns: at once (``def``), later (``async def``), or piece by piece (``yield``)."""


class Responder(ABC):
    """Answer questions.

    ``name`` is what the settings call it, recorded with each question. ``costs``: its answers are paid for, so that the
    limits of a day hold for them. ``wants_history``: it builds on the :class:`Context`; else that comes empty, and
    nothing is fetched for it. ``answers_everything``: it would answer whatever is said, so that its claim does not make
    a message addressed to the bot, as a rule's does. ``timeout``: seconds for an answer; None: it keeps time itself.
    """

    name: str = ""
    costs: bool = False
    wants_history: bool = False
    answers_everything: bool = False
    timeout: float | None = 120.0

    def claims(self, question: Question) -> bool:
        """Tell at once, from the question alone, whether this responder would answer it; by default, if it has words.

        Every message that is recorded is shown to it, addressed to the bot or not.
        """
        return self.answers_everything and bool(question.text.strip())

    @abstractmethod
    def answer(self, question: Question, context: Context) -> Reply:
        """Answer the question, or stay silent by None.

        A plain method that wants no history and costs nothing is asked while the question is recorded, and its answer
        is recorded along with it: it must not wait for anything. A coroutine may. An asynchronous generator yields what
        the answer grows by, which is shown meanwhile; an :class:`Answer` at the end tells more than its text, which has
        to be all that was yielded, if anything was. It is closed where nobody waits for the answer any more.

        What it raises is recorded by its kind alone. It is asked again, and given up after the third time. Raises
        :class:`ModelFailed` where it is known whether the question is to blame.
        """

    async def close(self) -> None:  # noqa: B027 - most hold none
        """Close the connections it holds; nothing is asked afterwards."""

    async def summarise(self, summary: str, turns: Sequence[Utterance]) -> Answer | None:
        """Sum up ``turns``, the oldest first, and what ``summary`` says of the time before them; None where it can't.

        Raises :class:`ModelFailed`.
        """
        del summary, turns
        return None

    def absence(self) -> Absence | None:
        """Return why nobody who helps can be asked just now; None where somebody can. Costs nothing, asks nobody."""
        return None

    def condition(self) -> Sequence[Condition]:
        """Return how those are who help, in the order in which they are asked."""
        return ()

    async def look(self) -> Sequence[Seen]:
        """Ask those who help how they are, which costs nothing; never raises."""
        return ()
