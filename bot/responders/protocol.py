"""The protocol of responders: what they are asked, what they answer, and which methods they have.

A responder is a class with one method, :meth:`Responder.answer`. With :meth:`Responder.claims` it chooses its messages,
unless it answers everything. This is a complete one:

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
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from bot.responders.tools import Calls


class Attached(NamedTuple):
    """A file attached to a question, before it is fetched; ``size`` is in bytes, ``content_type`` "" if unknown.

    ``id`` and ``name`` are not known before the question is asked of the responder.
    """

    content_type: str
    size: int
    id: int = 0
    name: str = ""


class Question(NamedTuple):
    """The message to answer: ``text`` is without the mention of the bot, ``author`` the name shown in the channel.

    ``channel_id`` is where it was posted: where a thread was opened for the answer, the channel above.
    ``reply_to`` is the id of the message that it replies to, ``files`` are its attachments. ``shown`` is what it shows
    besides its text, in lines: a forwarded message, a poll, the preview of a link. ``names`` holds the names of what it
    mentions, by mark (``@7`` a person, ``&7`` a role, ``#7`` a channel). ``edits``: how often it was edited.
    """

    channel_id: int
    message_id: int
    author_id: int
    author: str
    text: str
    reply_to: int | None = None
    files: tuple[Attached, ...] = ()
    shown: str = ""
    names: Mapping[str, str] = MappingProxyType({})
    edits: int = 0


@dataclass(frozen=True, slots=True)
class Utterance:
    """A turn of the window before the question; ``reply_to`` is the id of the message that it replies to.

    ``text`` is all that a person sees of it, with marks for what it mentions, whose ``names`` are those of
    :class:`Question`. ``author_id`` is 0 if it is not known; then only the name tells people apart.
    """

    message_id: int
    author: str
    text: str
    by_bot: bool
    author_id: int = 0
    reply_to: int | None = None
    names: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class File:
    """A file attached to the question; it was read before its link expired."""

    id: int
    name: str
    content_type: str
    data: bytes


def never() -> bool:
    """Return False."""
    return False


@dataclass(frozen=True, slots=True)
class Context:
    """What an answer may build on, besides the question.

    ``history``: the window before the question, or the replies that lead to it, oldest first. ``summary``: that of the
    time before the window.
    ``persona``: that of this channel ("": that of the settings). ``model``: the one of the responder's ``choices`` that
    was chosen for this channel ("": none). ``topic``: the channel's. ``bot_name``: the bot's name there. ``now``:
    microseconds since the epoch, UTC (0: not known). ``attachments``: files of the question. ``unread``: why others of
    its files could not be fetched, by id. ``names``: what the bot is called where it is mentioned, by mark. ``thread``:
    the title of the thread that this channel is, with the tags of a forum's. ``quoted``: the message that the question
    replies to and the one that the thread was started from, where they are not in ``history``. ``tools``: the calls
    that may be made (None: there are no tools here). ``so_far``: the answer that was cut, which this one goes on with
    ("": none). ``stopped``: tells whether the rest of the answer is not wanted any more; then a responder ends it with
    the ``finish`` "stopped", or is interrupted a second later. ``key`` stands for this answer: it is the same however
    often that is asked for, and another one once the question is edited or somebody asks for another answer.
    ``generation`` counts the answers to this question, from 1. ``rehearsal``: the answer is compared, and not sent.
    """

    history: Sequence[Utterance] = ()
    summary: str = ""
    persona: str = ""
    model: str = ""
    topic: str = ""
    bot_name: str = ""
    now: int = 0
    attachments: Sequence[File] = ()
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    thread: str = ""
    quoted: Sequence[Utterance] = ()
    tools: Calls | None = None
    so_far: str = ""
    stopped: Callable[[], bool] = field(default=never, compare=False)
    unread: Mapping[int, str] = field(default_factory=dict, hash=False)
    key: str = ""
    generation: int = 1
    rehearsal: bool = False


BETWEEN = "\n\n"
"""What joins several messages to one text."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply, of any length, with its origin and its cost (in millionths of a dollar).

    ``cut``: the number of oldest turns that were left out to stay within the budget. ``attachments``: the ids of the
    files that were read. ``finish``: why it ended ("stop", "length", "time", "content_filter", ...; "" if it can't end
    early). ``estimated``: the tokens are estimates, because the provider did not count them. ``priced``: False if a
    price, and so the cost, is not known. ``messages``: where there are any, ``text`` is these, joined by
    :data:`BETWEEN`, and each of them begins a message of Discord's.
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
    messages: tuple[str, ...] = ()


class Trouble(StrEnum):
    """What kept all models from answering. The values appear in logs and events."""

    AWAY = "model away"
    KEY = "key refused"
    UNKNOWN = "no such model"
    QUOTA = "quota used up"
    REFUSED = "question refused"
    TOO_LONG = "too long"
    UNREADABLE = "no answer that can be read"


WAITS = frozenset((Trouble.AWAY, Trouble.KEY, Trouble.UNKNOWN, Trouble.QUOTA))
"""Troubles that do not depend on the question: it waits until a model can answer."""

FINAL = frozenset((Trouble.REFUSED, Trouble.TOO_LONG))
"""Troubles that depend on the question: asking again gives the same result."""


class ModelFailed(Exception):
    """All models failed; ``reason`` says how in our own words, because a provider's may quote people.

    ``retry_after``: the seconds to wait before the next attempt (None: not known). ``others``: the number of questions
    that were answered until then, if this one may be the cause of the trouble; 0 if it can't be. ``cut``: the
    connection to a model was lost in the middle of its answer. ``tokens_in``, ``tokens_out``, ``cost_micros``,
    ``priced``: what was spent in spite of the failure, as in :class:`Answer`.
    """

    def __init__(  # noqa: PLR0913 - each is a separate fact, given by name
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
        """Tell whether the trouble does not depend on the question, which is asked again when a model can answer."""
        return self.trouble in WAITS

    @property
    def permanent(self) -> bool:
        """Tell whether asking again is useless until somebody changes the settings or the question."""
        return self.trouble in FINAL


class Condition(NamedTuple):
    """The condition of a model or provider: ``trouble`` ("": none), for how many ``seconds``, after how many ``tries``.

    ``tokens`` is how long a prompt may be (0: not known).
    """

    name: str
    trouble: str = ""
    seconds: float = 0.0
    tries: int = 0
    tokens: int = 0


class Absence(NamedTuple):
    """Why no model can be asked now, and in how many ``seconds`` one may be."""

    reason: str
    seconds: float


class Seen(NamedTuple):
    """What the server of a model tells about itself, at no cost.

    ``trouble`` says why it tells nothing ("": it does). ``waits``: questions wait because of that. ``known``: the model
    is on the list of ``models``. ``tokens`` is the size of its context, prompt and answer together (0: not told).
    """

    name: str
    trouble: str = ""
    waits: bool = False
    known: bool = False
    models: Sequence[str] | None = None
    tokens: int = 0


class Anew(NamedTuple):
    """Tells that the pieces before it were no part of the answer, which begins anew; they are replaced where shown."""


Said: TypeAlias = str | Answer | None
"""The answer to a question; None: no answer."""

Reply: TypeAlias = Said | Awaitable[Said] | AsyncGenerator[str | Answer | Anew, None]
"""What :meth:`Responder.answer` returns: at once (``def``), later (``async def``), or piece by piece (``yield``)."""


class Responder(ABC):
    """The base class of responders, which answer questions.

    ``name`` is the name in the settings; it is recorded with each question. ``costs``: its answers cost money, so
    the daily limits apply to them. ``wants_history``: it builds on the :class:`Context`; otherwise that is empty,
    and nothing is fetched for it. ``wants_files``: the attached files are among that. ``answers_everything``: it
    answers any text, so its claim does not make a message addressed to the bot, as a rule's claim does.
    ``timeout``: seconds for an answer (None: it limits its time itself). ``choices``: the models that moderators
    may choose for a channel.
    """

    name: str = ""
    costs: bool = False
    wants_history: bool = False
    wants_files: bool = True
    answers_everything: bool = False
    timeout: float | None = 120.0
    choices: Sequence[str] = ()

    def claims(self, question: Question) -> bool:
        """Tell at once, from the question alone, whether this responder would answer it; by default, if it has text.

        It is called for all messages that are recorded, addressed to the bot or not.
        """
        return self.answers_everything and bool(question.text.strip())

    @abstractmethod
    def answer(self, question: Question, context: Context) -> Reply:
        """Answer the question, or return None to give no answer.

        A plain method that wants no history and costs nothing is called while the question is recorded, and its answer
        is recorded with it, so it must not wait for anything. A coroutine may wait. An asynchronous generator yields
        the pieces that the answer grows by, which are shown at once, and :class:`Anew` if they turn out to be no part
        of it. An :class:`Answer` at the end adds facts; if pieces came before it, its text has to be all of them
        together. The generator is closed when the answer is no longer needed.

        Of an error only its kind is recorded. The question is then asked again, and given up after the third time.
        Raises :class:`ModelFailed` if it is known whether the trouble depends on the question.
        """

    async def close(self) -> None:  # noqa: B027 - most have none
        """Close its connections; nothing is asked afterwards."""

    async def summarise(self, summary: str, turns: Sequence[Utterance]) -> Answer | None:
        """Sum up ``turns``, the oldest first, together with ``summary`` of the time before them; None if it can't.

        Raises :class:`ModelFailed`.
        """
        del summary, turns
        return None

    def absence(self) -> Absence | None:
        """Return why no model can be asked now, or None if one can. This sends no request and costs nothing."""
        return None

    def condition(self) -> Sequence[Condition]:
        """Return the condition of its models, in the order in which they are asked."""
        return ()

    async def look(self) -> Sequence[Seen]:
        """Ask the servers of its models about themselves, at no cost; never raises."""
        return ()
