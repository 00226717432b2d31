"""The check that asks the answerer of the responder ``http`` whether it is there. It is sent no question."""

from __future__ import annotations

from bot.cli.check_result import Result, failed, fine, warned
from bot.responders import Chain
from bot.responders.failure import Failure
from bot.responders.http.responder import HttpResponder
from bot.responders.protocol import WAITS

_NAME = "answerer"


async def check_answerer(answering: Chain) -> list[Result]:
    """Ask it, if the settings name it among those who answer."""
    return [_result(await one.check()) for one in answering.members if isinstance(one, HttpResponder)]


def _result(failure: Failure | None) -> Result:
    if failure is None:
        return fine(_NAME, "is there, and takes what is posted")
    if failure.trouble in WAITS:
        todo = "Start it, or correct [responders.http]: until then questions wait for it."
        return failed(_NAME, failure.reason, todo)
    todo = 'Have it answer 204 to what has the type "check", which is no question (docs/howto/http-answerer.md).'
    return warned(_NAME, failure.reason, todo)
