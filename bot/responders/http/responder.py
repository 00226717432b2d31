"""The responder ``http``: an answerer elsewhere, in any language, that is posted each question with its history."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from http import HTTPStatus
from pathlib import Path
from random import Random

import aiohttp
import structlog

from bot.responders.breaker import Breaker
from bot.responders.http.call import ACCEPT, Call, Limits
from bot.responders.http.failures import Failed, Unanswered, of_error, of_silence, of_status
from bot.responders.http.forms import Growing, Piece, rasa, whole
from bot.responders.http.question import check_body, question_body, rasa_body
from bot.responders.http.settings import NAME, HttpSettings, settings_of
from bot.responders.patience import OutOfTime
from bot.responders.protocol import (
    BETWEEN,
    FINAL,
    WAITS,
    Absence,
    Anew,
    Answer,
    Condition,
    Context,
    ModelFailed,
    Question,
    Responder,
    Trouble,
)
from bot.signed_post import Poster

CONNECT_SECONDS = 5.0
CHECK_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class HttpResponder(Responder):
    """Answers whatever somebody says to the bot, by asking an answerer elsewhere.

    One that is away is asked by one question at a time, with pauses, until it answers. ``clock`` returns seconds since
    the epoch.
    """

    name = NAME
    wants_history = True
    wants_files = False
    answers_everything = True
    # A question may wait for its turn, and the time limits begin only then.
    timeout = None

    def __init__(
        self, settings: HttpSettings, secret: bytes, headers: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._slots = asyncio.Semaphore(settings.concurrency)
        # For the jitter of pauses, not for secrets.
        self._breaker = Breaker(NAME, time.monotonic, Random())  # noqa: S311
        self._answers = 0
        self._poster = Poster(
            settings.url,
            secret,
            {**headers, "Accept": ACCEPT, "Accept-Encoding": "identity"},
            aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            clock,
        )

    def claims(self, question: Question) -> bool:
        """Tell whether the question shows anything, if only a file."""
        return bool(question.text.strip() or question.shown or question.files)

    async def answer(self, question: Question, context: Context) -> AsyncGenerator[str | Answer | Anew, None]:
        """Yield the pieces of the answer, then the answer, if there is one; raises ModelFailed."""
        async with self._slots:
            who = object()
            if not self._breaker.admit(who):
                raise self._absent()
            try:
                async with aclosing(self._asked(question, context)) as pieces:
                    async for piece in pieces:
                        yield piece
            except Failed as error:
                raise self._failed(who, error.failure, question) from None
            finally:
                self._breaker.release(who)

    async def _asked(self, question: Question, context: Context) -> AsyncGenerator[str | Answer, None]:
        body, cut = self._body(question, context)
        growing, finish, call = Growing(), "", self._call(context.key, body)
        try:
            async with aclosing(call.pieces()) as pieces:
                async for piece in pieces:
                    if (text := growing.take(piece)) and call.streams:
                        yield text
                    if finish := _end(piece, growing, context):
                        break
        except OutOfTime:
            if not growing.messages:
                raise Failed(of_silence(f"silent for {self._settings.total:g} s", began=False)) from None
            finish = "time"
        self._answers += 1
        self._breaker.answered()
        if growing.messages:
            messages = growing.messages
            yield Answer(BETWEEN.join(messages), cut=cut, finish=finish, messages=messages)

    def _body(self, question: Question, context: Context) -> tuple[bytes, int]:
        """Return what is posted, and how many of the oldest turns are left out."""
        if self._settings.format == "rasa":
            # Rasa keeps the history itself.
            return rasa_body(question, context), 0
        return question_body(question, context, self._settings.request_bytes)

    def _call(self, key: str, body: bytes) -> Call:
        settings = self._settings
        deadline = asyncio.get_running_loop().time() + settings.total
        return Call(
            self._poster.post(key, body),
            rasa if settings.format == "rasa" else whole,
            Limits(settings.begin, settings.between, deadline),
            self._breaker.alive,
            self._clock,
        )

    def _absent(self) -> ModelFailed:
        absence, failure = self._breaker.absence(), self._breaker.failure
        failure = failure or Unanswered(Trouble.AWAY, "another question asks the answerer")
        return ModelFailed(
            f"{NAME}: {failure.reason}", failure.trouble, retry_after=absence.seconds if absence else 0.0
        )

    def _failed(self, who: object, failure: Unanswered, question: Question) -> ModelFailed:
        """Take a failure, and return the error for it; if the answerer is away, its breaker logs that, once."""
        pause = None
        if failure.trouble in WAITS:
            pause = self._breaker.failed(who, failure)
        else:
            if failure.trouble in FINAL:
                self._breaker.alive()
            _log.warning("answerer.failed", reason=failure.reason, message=question.message_id)
        others = self._answers + 1 if failure.suspect else 0
        reason = f"{NAME}: {failure.reason}"
        return ModelFailed(reason, failure.trouble, retry_after=pause, others=others, cut=failure.cut)

    def absence(self) -> Absence | None:
        """Return why it can't be asked now, and in how many seconds it may be; None if it may."""
        absence = self._breaker.absence()
        return absence and absence._replace(reason=f"{NAME}: {absence.reason}")

    def condition(self) -> Sequence[Condition]:
        """Return the condition of the answerer."""
        return (self._breaker.condition(0),)

    async def check(self) -> Unanswered | None:
        """Ask the answerer whether it is there, without a question; return what keeps it from answering, if anything.

        Rasa is asked by a GET, which its channel refuses with 405 without beginning a dialogue. Never raises.
        """
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                if self._settings.format == "rasa":
                    async with self._poster.get() as response:
                        there = response.status == HTTPStatus.METHOD_NOT_ALLOWED
                        return None if there else of_status(response.status, None)
                async with self._poster.post("check", check_body()) as response:
                    return of_status(response.status, None)
        except TimeoutError:
            return of_silence(f"silent for {CHECK_SECONDS:g} s", began=False)
        except (aiohttp.ClientError, OSError) as error:
            return of_error(error, began=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()


def _end(piece: Piece, growing: Growing, context: Context) -> str:
    """Return why an answer ends with a piece, "" if it goes on."""
    if growing.full or (piece.done and piece.more):
        return "length"
    if piece.done:
        return "stop"
    return "stopped" if growing.messages and context.stopped() else ""


def build_responder(
    table: Mapping[str, object], folder: Path, environ: Mapping[str, str], clock: Callable[[], float]
) -> HttpResponder:
    """Return the responder of a table ``[responders.http]``; raise ConfigError. ``clock`` is as in HttpResponder."""
    settings, secret = settings_of(table, folder, environ)
    return HttpResponder(settings, secret, settings.all_headers(NAME, environ), clock)
