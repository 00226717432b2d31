"""Who gets in: nobody without a session, nobody by a foreign name or from a foreign page, a moderator to their own."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection

import pytest
from aiohttp import web

from bot.page.application import application
from bot.page.sessions import Viewer
from tests.page.conftest import ASKED, ELSEWHERE, GENERAL, PRIVATE, QUIET, Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPEN = {
    ("GET", "/enter"),
    ("HEAD", "/enter"),
    ("POST", "/enter"),
    ("GET", "/static/{name}"),
    ("HEAD", "/static/{name}"),
}
"""What everybody may ask for: the form that takes a token, the style, the script."""


def routes(page: web.Application) -> list[tuple[str, str]]:
    """Return each method and address of the page, with a channel in it."""
    return [(route.method, route.resource.canonical) for route in page.router.routes() if route.resource]


async def test_nothing_is_shown_without_a_session(served: Served) -> None:
    """Every route there is, by its method: a new one is closed unless it is listed here as open."""
    browser, walked = await served.browser(), 0
    for method, path in routes(application(served.site)):
        if (method, path) not in OPEN:
            answered = await browser.ask(
                method, path.format(channel_id=GENERAL, message_id=ASKED, part=0), {"Origin": browser.base}, {}
            )
            assert answered.status == 401, (method, path)
            assert "coffee" not in answered.text
            walked += 1
    assert walked > 8


async def test_a_token_works_once_and_becomes_a_cookie_that_no_script_sees(served: Served) -> None:
    """It stands in no address, and the cookie is sent by no page but this one."""
    token, first, second = served.token(), await served.browser(), await served.browser()

    entered, again = await first.enter(token), await second.enter(token)

    assert (entered.status, entered.headers["Location"]) == (303, "/page/")
    cookie = entered.headers["Set-Cookie"]
    assert token not in cookie
    assert {"HttpOnly", "SameSite=Strict", "Path=/page"} <= set(cookie.split("; "))
    assert again.status == 401
    assert (await first.get("/")).status == 200
    assert (await second.get("/")).status == 401


async def test_signing_out_ends_the_session(served: Served) -> None:
    """Also for who kept the cookie."""
    browser = await served.signed_in()
    header = "; ".join(f"{morsel.key}={morsel.value}" for morsel in browser.client.cookie_jar)

    assert header
    assert (await browser.post("/leave")).status == 303
    assert (await (await served.browser()).get("/", Cookie=header)).status == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "10.0.0.1"])
async def test_a_foreign_name_for_this_machine_is_refused(served: Served, host: str) -> None:
    """A page of that name could read the answers: DNS rebinding."""
    browser = await served.signed_in()

    answered = await browser.get("/", Host=host.format(port=served.base.rpartition(":")[2]))

    assert answered.status == 421
    assert "general" not in answered.text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://127.0.0.1:1", "file://"])
async def test_a_form_of_another_page_is_refused(served: Served, origin: str) -> None:
    """Even with the token, which that page can't know."""
    browser = await served.signed_in()

    assert (await browser.post("/", {"Origin": origin}, words="general")).status == 403
    assert (await browser.post("/enter", {"Origin": origin}, token=served.token())).status == 403


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_session_over_tls_is_sent_over_nothing_else(served: Served, scheme: str) -> None:
    """The TLS may be a proxy's."""
    browser = await served.browser()

    entered = await browser.post("/enter", {"Origin": served.base.replace("http:", f"{scheme}:")}, token=served.token())

    assert entered.status == 303
    assert ("Secure" in entered.headers["Set-Cookie"]) == (scheme == "https")


async def test_a_form_without_this_session_s_token_is_refused(served: Served) -> None:
    """Another session's does not do."""
    first, second = await served.signed_in(), await served.signed_in()

    first.csrf, second.csrf = second.csrf, ""

    assert [(await each.post("/", words="general")).status for each in (first, second)] == [403, 403]


async def test_the_browser_is_told_to_load_and_frame_nothing_foreign(served: Served) -> None:
    """On every answer, errors too; nothing in a page is inline."""
    browser = await served.signed_in()
    for path in ("/", f"/channel/{GENERAL}", "/channel/9", "/static/page.js", "/static/no.js", "/enter"):
        answered = await browser.get(path)
        policy = answered.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert answered.headers["Cache-Control"] == "no-store"
        assert "style=" not in answered.text
        assert "onclick" not in answered.text


async def test_a_browser_keeps_style_and_script_as_long_as_they_stay_the_same(served: Served) -> None:
    """Their addresses name their content; under another address nothing is kept."""
    browser = await served.signed_in()
    addresses = re.findall(r'(?:href|src)="/page(/static/[^"]+)"', (await browser.get("/")).text)

    kept = [(await browser.get(each)).headers["Cache-Control"] for each in addresses]
    stale = await browser.get(f"{addresses[0]}0")

    assert kept == ["max-age=31536000, immutable"] * 3
    assert (stale.status, stale.headers["Cache-Control"]) == (200, "no-store")


async def test_a_viewer_sees_what_they_may_see_at_that_moment(served: Served) -> None:
    """In the list, and at every address of a conversation; whether it exists tells nobody."""
    allowed = {GENERAL, QUIET}

    async def visible(channels: Collection[int]) -> Collection[int]:
        return allowed & set(channels)

    browser = await served.signed_in(Viewer("user 7", visible))
    everything = await browser.get("/")
    unknown = await browser.get("/channel/9")

    assert "general" in everything.text
    assert all(str(hidden) not in everything.text for hidden in (ELSEWHERE, PRIVATE))
    for path in ("", "/moment", "/older", f"/why/{ASKED}", "/live"):
        if path != "/live":
            assert (await browser.get(f"/channel/{GENERAL}{path}")).status == 200
        for hidden in (ELSEWHERE, PRIVATE):
            refused = await browser.get(f"/channel/{hidden}{path}")
            assert (refused.status, refused.text) == (404, unknown.text)

    allowed.remove(GENERAL)

    assert (await browser.get(f"/channel/{GENERAL}")).status == 404
    assert "general" not in (await browser.get("/")).text


async def test_an_error_says_nothing_of_words(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Neither to the browser nor in the log line; tokens reach none either."""

    async def broken(_channels: Collection[int]) -> Collection[int]:
        raise RuntimeError("what alice wrote")

    token = served.token(Viewer("user 7", broken))
    browser = await served.browser()
    with caplog.at_level(logging.DEBUG):
        await browser.enter(token)
        answered = await browser.get(f"/channel/{GENERAL}")

    assert answered.status == 500
    assert "alice" not in answered.text + caplog.text
    assert token not in caplog.text
