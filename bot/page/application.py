"""The page as a part of a server: its addresses, all of them behind the guard."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from bot.page.acting import Acting, commands
from bot.page.conversation import ConversationPage
from bot.page.guard import LOOPBACK, Guard, Refused, cookie_name
from bot.page.listing import Listing
from bot.page.live import Live
from bot.page.numbers import Numbers
from bot.page.rendering import prepare, render
from bot.page.sessions import OWNER, SESSION_SECONDS, Session, Viewer
from bot.page.site import PREFIX, Site
from bot.page.static_files import static_files
from bot.page.why import Why

FOREVER = "max-age=31536000, immutable"
"""For a year (RFC 9111), and without asking whether it changed (RFC 8246)."""
_CHANNEL = "/channel/{channel_id:[0-9]{1,19}}"


class Entrance:
    """Signs viewers in and out, and hands out style and script, which tell nothing."""

    def __init__(self, site: Site) -> None:
        self._sessions = site.sessions

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show the form for a token; the script takes it from the address's fragment, which no server is sent."""
        del request
        return render("enter.html")

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """Change a token for a session."""
        token = (await request.post()).get("token", "")
        cookie = self._sessions.enter(token.strip()) if isinstance(token, str) else None
        if cookie is None:
            raise Refused(HTTPStatus.UNAUTHORIZED, "That link was used, or is older than ten minutes: ask for another.")
        response = _elsewhere("/")
        response.set_cookie(
            cookie_name(request),
            cookie,
            max_age=SESSION_SECONDS,
            path=PREFIX,
            httponly=True,
            samesite="Strict",
            # Behind a proxy only the origin tells that the browser speaks TLS.
            secure=request.headers["Origin"].startswith("https:"),
        )
        return response

    async def leave(self, request: web.Request, _session: Session) -> web.StreamResponse:
        """End the session."""
        self._sessions.leave(request.cookies[cookie_name(request)])
        response = _elsewhere("/enter")
        response.del_cookie(cookie_name(request), path=PREFIX)
        return response

    async def static(self, request: web.Request) -> web.StreamResponse:
        """Return style or script; a browser may keep what its address names."""
        found = static_files().get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        kept = {"Cache-Control": FOREVER} if request.query.get("is") == found.digest else {}
        return web.Response(body=found.content, content_type=found.media_type, charset="utf-8", headers=kept)


def _elsewhere(path: str) -> web.Response:
    """Return the answer that leads to another address of the page."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": f"{PREFIX}{path}"})


def application(site: Site, addresses: Collection[str] = ()) -> web.Application:
    """Return the page, to be served below :data:`PREFIX`; ``addresses`` are its own, beside those of the loopback.

    Raises ConfigError without Jinja2.
    """
    prepare()
    hosts = [host for each in addresses if (host := urlsplit(each).hostname)]
    guard = Guard(site.sessions, (*LOOPBACK, *hosts))
    entrance, listing, conversation, why = Entrance(site), Listing(site), ConversationPage(site), Why(site)
    live, numbers, acting = Live(site), Numbers(site), Acting(site)
    made = web.Application()
    made.add_routes(
        (
            web.get("", guard.closed(listing.show)),
            web.get("/", guard.closed(listing.show)),
            web.post("/", guard.closed(listing.find)),
            web.get(_CHANNEL, guard.closed(conversation.show)),
            web.get(f"{_CHANNEL}/moment", guard.closed(conversation.moment)),
            web.get(f"{_CHANNEL}/older", guard.closed(conversation.older)),
            web.get(f"{_CHANNEL}/live", guard.closed(live.follow), allow_head=False),
            web.get(f"{_CHANNEL}/why/{{message_id:[0-9]{{1,19}}}}", guard.closed(why.show)),
            *(web.post(f"{_CHANNEL}/act/{name}", guard.closed(acting.of(each))) for name, each in commands().items()),
            web.get("/numbers", guard.closed(numbers.show)),
            web.get("/numbers/{part:[0-9]{1,4}}.svg", guard.closed(numbers.picture)),
            web.get("/enter", guard.open(entrance.show)),
            web.post("/enter", guard.open(entrance.enter)),
            web.post("/leave", guard.closed(entrance.leave)),
            web.get("/static/{name}", guard.open(entrance.static)),
        )
    )
    made.on_shutdown.append(live.stop)
    return made


def sign_in_link(site: Site, base: str, viewer: Viewer = OWNER) -> str:
    """Return a link with which a viewer may sign in, once; ``base`` is where the server is."""
    return f"{base}{PREFIX}/enter#{site.sessions.invite(viewer)}"
