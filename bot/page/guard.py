"""What is let in: by host, origin, session and token against forgery; and what every answer says to the browser.

The host is checked against rebinding of names (a foreign name that leads to this machine), the origin and the token
against forms on other people's pages.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus

import structlog
from aiohttp import web

from bot.errors import EcholessError
from bot.loading import place_of
from bot.moderation.command import ModerationError
from bot.page.rendering import render
from bot.page.sessions import Session, Sessions

LOOPBACK = ("127.0.0.1", "localhost", "::1")
CSRF_FIELD, CSRF_HEADER = "csrf", "X-CSRF-Token"

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With "no-referrer" a browser would send no origin along with a form either.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer of the page tells a browser, unless it says otherwise itself."""
_SAFE = ("GET", "HEAD")
_log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Closed = Callable[[web.Request, Session], Awaitable[web.StreamResponse]]
"""A handler that is called for who is signed in only."""


class Refused(EcholessError):
    """A request that is not let in; the message is a sentence for who sent it."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Guard:
    """Puts the checks before handlers; ``hosts`` are the names under which the page may be asked for."""

    def __init__(self, sessions: Sessions, hosts: Collection[str]) -> None:
        self._sessions = sessions
        self._hosts = {host.lower() for host in hosts}

    def open(self, handler: Handler) -> Handler:
        """Return a handler for everybody who asks from the page itself."""

        async def checked(request: web.Request) -> web.StreamResponse:
            self._require_host(request)
            if request.method not in _SAFE:
                self._require_origin(request)
            return await handler(request)

        return _answering(checked)

    def closed(self, handler: Closed) -> Handler:
        """Return a handler for who is signed in; to what changes something the token has to come, too."""

        async def checked(request: web.Request) -> web.StreamResponse:
            session = self._sessions.of(request.cookies.get(cookie_name(request), ""))
            if session is None:
                raise Refused(HTTPStatus.UNAUTHORIZED, "Sign in first, with a link that works once.")
            if request.method not in _SAFE:
                await _require_token(request, session)
            return await handler(request, session)

        return self.open(checked)

    def _require_host(self, request: web.Request) -> None:
        if request.url.host not in self._hosts:
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, "This page is not known under that name (page.address).")

    def _require_origin(self, request: web.Request) -> None:
        # Every browser sends it along with a form, and no form of another page can change it.
        scheme, _, name = request.headers.get("Origin", "").partition("://")
        if scheme not in ("http", "https") or name.lower() != request.headers.get("Host", "").lower():
            raise Refused(HTTPStatus.FORBIDDEN, "This was asked for by another page.")


def cookie_name(request: web.Request) -> str:
    """Return the name of the session's cookie: browsers give those of all ports of a host to each of them."""
    return f"echoless_page_{request.url.port}"


def _answering(handler: Handler) -> Handler:
    """Return a handler whose every answer carries what the browser has to be told; errors become a sentence."""

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Refused as refused:
            response = _sentence(refused.status, str(refused))
        except ModerationError as error:
            response = _sentence(HTTPStatus.NOT_FOUND, str(error))
        except web.HTTPException as error:
            response = _sentence(error.status, error.reason)
        except Exception as error:  # noqa: BLE001 - its words may be people's
            _log.error("page.failed", error=place_of(error))
            response = _sentence(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here: the log says where.")
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return answered


async def _require_token(request: web.Request, session: Session) -> None:
    given = request.headers.get(CSRF_HEADER) or (await request.post()).get(CSRF_FIELD, "")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise Refused(HTTPStatus.FORBIDDEN, "This form is from an earlier session: load the page again.")


def _sentence(status: int, sentence: str) -> web.Response:
    """Return a page that says one sentence."""
    return render("sentence.html", status=status, sentence=sentence, needs_entry=status == HTTPStatus.UNAUTHORIZED)
