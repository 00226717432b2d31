"""What the status of a response, or an error of the connection, says of an answerer."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from bot.responders.failure import GATEWAYS, Failure
from bot.responders.protocol import Trouble
from bot.signed_post import ABOUT_US, LATER

TABLE = "[responders.http]"


@dataclass(frozen=True, slots=True)
class Unanswered(Failure):
    """A failure whose detail says all, what to do included."""

    @property
    def reason(self) -> str:
        """Return the detail."""
        return self.detail


class Failed(Exception):
    """The answerer failed; ``failure`` says how."""

    def __init__(self, failure: Unanswered) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def of_status(status: int, pause: float | None) -> Unanswered | None:
    """Return the failure that a status means, None if it is none; ``pause``: the seconds of its Retry-After.

    409 says that the same question is being answered (draft-ietf-httpapi-idempotency-key-header, section 2.7).
    """
    said = f"the answerer answers {status}"
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if status < HTTPStatus.BAD_REQUEST:
        todo = f"redirects are not followed: set the address that it leads to as the url of {TABLE}"
        return Unanswered(Trouble.UNKNOWN, f"{said}, and {todo}")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in LATER or status == HTTPStatus.CONFLICT:
        suspect = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in GATEWAYS
        return Unanswered(Trouble.AWAY, said, pause, suspect=suspect, unhurried=status == HTTPStatus.TOO_MANY_REQUESTS)
    if status in ABOUT_US or status == HTTPStatus.GONE:
        known = status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)
        what = "the secret and the headers" if known else "the url"
        return Unanswered(Trouble.KEY if known else Trouble.UNKNOWN, f"{said}: check {what} of {TABLE}")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Unanswered(Trouble.TOO_LONG, f"{said}: lower request_bytes of {TABLE}, or have it take more")
    return Unanswered(Trouble.REFUSED, f"{said}: it refuses the question, and what it logs says why")


def of_error(error: Exception, *, began: bool) -> Unanswered:
    """Return the failure that an error of the connection means; its words, which hold the address, are not told."""
    kind = type(error).__name__
    if began:
        cut = f"the answerer's answer was cut off ({kind})"
        return Unanswered(Trouble.AWAY, cut, suspect=True, unhurried=True, cut=True)
    # One that the question makes fail hangs up as well, but only after it has accepted the connection.
    taken = not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return Unanswered(Trouble.AWAY, f"the answerer can't be reached ({kind})", suspect=taken)


def of_silence(said: str, *, began: bool) -> Unanswered:
    """Return the failure of an answerer that is silent for too long; ``said`` says for how long."""
    return Unanswered(Trouble.AWAY, f"the answerer is {said}", suspect=True, unhurried=True, cut=began)


def of_content(why: str) -> Unanswered:
    """Return the failure of an answer that is none."""
    return Unanswered(Trouble.UNREADABLE, f"the answerer's answer can't be read: {why}")
