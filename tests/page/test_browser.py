"""The page in Chromium: what a person does with pointer and keyboard, and what axe finds.

Where the variable ``PAGE_PICTURES`` names a folder, a picture of each view is put there.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
import pytest_asyncio

from bot.conversations import Conversations
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from tests.page.conftest import CHATTER, ELSEWHERE, FIRST, GENERAL, LONG, QUIET, REPLY, Served, said, serving
from tests.suite.children import kill_descendants

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, ViewportSize

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDE: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}
PICTURES = os.environ.get("PAGE_PICTURES")
playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")

pytestmark = [
    pytest.mark.long,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium"),
]


@dataclass
class Seen:
    """A window of the browser in which the owner is signed in, and what went wrong in it."""

    page: Page
    base: str
    errors: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        """Go to an address of the page."""
        await self.page.goto(f"{self.base}/page{path}")

    async def version(self, version: int) -> None:
        """Wait until a version is shown, at an address of its own."""
        await playwright.expect(self.page.locator("#when")).to_contain_text(f"Version {version} of")
        await playwright.expect(self.page).to_have_url(re.compile(rf"[?&]at={version}(&|$)"))

    async def judged(self, name: str) -> None:
        """Have axe look at it, and draw it where pictures are wanted."""
        found = await axe.Axe().run(self.page)
        assert found.violations_count == 0, found.generate_report()
        if PICTURES:
            if self.page.viewport_size == WIDE:
                await self.page.screenshot(path=Path(PICTURES) / f"{name}.png")
            await self.page.set_viewport_size(PHONE)
            await self.page.screenshot(path=Path(PICTURES) / f"{name}-phone.png")
            await self.page.set_viewport_size(WIDE)

    async def fits_a_phone(self) -> None:
        """Check that nothing but a table of its own is wider than a phone."""
        await self.page.set_viewport_size(PHONE)
        assert await self.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        await self.page.set_viewport_size(WIDE)


@pytest.fixture(autouse=True)
def no_process_is_left() -> None:
    """Leave the browser to the next test: whether it is gone is looked at when all are done."""


@pytest.fixture(scope="module")
def logged(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a log of this file's own."""
    return Path(shutil.copytree(folder, tmp_path_factory.mktemp("looked at") / "log"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(logged: Path) -> AsyncIterator[tuple[Served, Browser]]:
    """Return the page and the one browser of this file."""
    async with serving(logged) as served, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield served, browser
        await browser.close()
    assert kill_descendants(os.getpid()) == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def window(opened: tuple[Served, Browser]) -> AsyncIterator[Seen]:
    """Return the window in which the owner is signed in, as by the link in a terminal."""
    served, browser = opened
    context = await browser.new_context(viewport=WIDE, reduced_motion="reduce")
    window = Seen(await context.new_page(), served.base)
    window.page.on("pageerror", lambda error: window.errors.append(str(error)))
    window.page.on("console", lambda said: window.errors.append(said.text) if said.type == "error" else None)
    await window.page.goto(f"{served.base}/page/enter#{served.token()}")
    await window.page.wait_for_url("**/page/")
    yield window
    await context.close()


@pytest.fixture
def seen(window: Seen) -> Iterator[Seen]:
    """Return the window; nothing may go wrong in it, such as a script that the policy forbids."""
    yield window
    assert window.errors == []


async def test_the_list_narrows_while_one_types(seen: Seen) -> None:
    """The link's token is gone from the address, and what is typed never comes into it."""
    await seen.open("/")
    rows = seen.page.locator("tbody tr")
    await playwright.expect(rows).to_have_count(4)
    await seen.judged("list")

    await seen.page.get_by_label("Find").press_sequentially("server 5 222")

    await playwright.expect(rows).to_have_count(1)
    await playwright.expect(rows).to_contain_text("222")
    assert seen.page.url == f"{seen.base}/page/"


async def test_the_slider_goes_through_time_by_keys(seen: Seen) -> None:
    """An event back and forth, to the beginning; what was there before an edit; each moment has an address."""
    await seen.open(f"/channel/{GENERAL}?at=6")
    edited = seen.page.locator(f"#m{CHATTER}")
    await playwright.expect(edited).to_contain_text("second wording <script>alert(1)</script>")
    slider = seen.page.get_by_role("slider")
    await playwright.expect(slider).to_be_focused()
    await edited.get_by_text("1 earlier wording").click()
    await playwright.expect(edited).to_contain_text("first wording")
    await slider.focus()

    await seen.page.keyboard.press("ArrowLeft")
    await seen.version(5)
    await playwright.expect(edited).not_to_contain_text("second wording")
    await playwright.expect(slider).to_have_attribute("aria-valuetext", re.compile("Version 5 of .*: reply.sent"))
    await seen.page.keyboard.press("ArrowRight")
    await seen.version(6)
    await seen.page.keyboard.press("Home")
    await seen.version(0)
    await seen.page.reload()
    await playwright.expect(seen.page.locator("#when")).to_contain_text("before the first event")


async def test_the_slider_goes_by_time(seen: Seen) -> None:
    """From the first event's time to the newest's."""
    await seen.open(f"/channel/{GENERAL}?at=1")
    await seen.page.get_by_label("Drag by").select_option("time")
    await seen.page.get_by_role("slider").evaluate(
        "(range) => { range.value = 3e6; range.dispatchEvent(new Event('input')); }"
    )
    await playwright.expect(seen.page.locator("#when")).to_contain_text("22:13:24.000Z")


async def test_the_change_between_two_points_is_in_colour(seen: Seen) -> None:
    """From where one began to compare, at each step further."""
    await seen.open(f"/channel/{GENERAL}?at=4")
    await seen.page.get_by_role("link", name="Compare from here").click()
    await playwright.expect(seen.page).to_have_url(re.compile("from=4"))
    await seen.page.get_by_role("slider").focus()
    for version in (5, 6):
        await seen.page.keyboard.press("ArrowRight")
        await seen.version(version)

    await playwright.expect(seen.page.locator(f"#m{REPLY}")).to_have_class(re.compile(r"\bcame\b"))
    await playwright.expect(seen.page.locator(f"#m{CHATTER}")).to_have_class(re.compile(r"\bedited\b"))
    await seen.judged("change")


async def test_an_answer_leads_to_what_made_it(seen: Seen) -> None:
    """By a click; each event there leads to its moment."""
    await seen.open(f"/channel/{GENERAL}")
    await seen.page.locator(f"#m{REPLY}").get_by_role("link", name="why").click()
    await playwright.expect(seen.page.get_by_role("heading", level=1)).to_have_text("Why: answered in 1 part")
    await seen.judged("why")
    await seen.page.get_by_role("link", name="reply.composed").click()
    await playwright.expect(seen.page.locator("#when")).to_contain_text("Version 4 of")


async def test_the_prompt_of_an_answer_is_read_piece_by_piece(seen: Seen) -> None:
    """What people and the bot said is open, the instructions are opened by a click."""
    await seen.open(f"/channel/{GENERAL}/why/{LONG}")
    await playwright.expect(seen.page.get_by_role("heading", name="Prompt")).to_be_visible()
    told = seen.page.get_by_text("Write your reply alone")
    instructions = seen.page.get_by_text("Instructions")
    await playwright.expect(instructions).to_be_visible()
    await playwright.expect(told).not_to_be_visible()
    await instructions.click()
    await playwright.expect(told).to_be_visible()
    await seen.judged("prompt")
    await seen.fits_a_phone()


async def test_what_is_said_now_comes_by_itself(seen: Seen, logged: Path) -> None:
    """While the newest version is shown and nobody reads; who looks at an earlier one stays there."""
    await seen.open(f"/channel/{QUIET}")
    log = await open_log(Location(logged), clock=lambda: 2 * 10**15, full=False)
    try:
        conversations = Conversations(log)
        await conversations.handle(QUIET, said(FIRST + 900, "something new"))
        await playwright.expect(seen.page.locator(f"#m{FIRST + 900}")).to_contain_text("something new")
        assert seen.page.url == f"{seen.base}/page/channel/{QUIET}"
        words = seen.page.locator(f"#m{FIRST + 900} .words")
        await words.evaluate("(words) => getSelection().selectAllChildren(words)")
        await conversations.handle(QUIET, said(FIRST + 901, "something newer"))
        await playwright.expect(seen.page.locator("#news")).to_be_visible()
        assert await seen.page.evaluate("getSelection().toString()") == "something new"
        await seen.page.evaluate("getSelection().removeAllRanges()")
        await playwright.expect(seen.page.locator(f"#m{FIRST + 901}")).to_contain_text("something newer")
        await playwright.expect(seen.page.locator("#news")).to_be_hidden()
        await seen.page.keyboard.press("ArrowLeft")
        await seen.version(4)
        await conversations.close()
    finally:
        await log.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_spoiler_is_opened_by_keyboard(seen: Seen, scheme: Literal["light", "dark"]) -> None:
    """It stays open while the slider moves; and the other marks leave nothing for axe to find."""
    await seen.page.emulate_media(color_scheme=scheme)
    await seen.open(f"/channel/{QUIET}?at=2")
    message = seen.page.locator(f"#m{FIRST + 20}")
    hidden = message.get_by_text("nobody knows")
    await playwright.expect(hidden).not_to_be_visible()
    await seen.judged(f"markdown-{scheme}")

    await message.get_by_text("spoiler").focus()
    await seen.page.keyboard.press("Enter")

    await playwright.expect(hidden).to_be_visible()
    await seen.judged(f"spoiler-{scheme}")
    await seen.page.get_by_role("slider").press("ArrowRight")
    await seen.version(3)
    await playwright.expect(hidden).to_be_visible()
    await seen.page.emulate_media(color_scheme="light")


async def test_a_link_of_somebody_s_is_no_step_of_the_slider(seen: Seen) -> None:
    """Even if its path is the page's: it opens beside it."""
    await seen.page.context.route("https://example.com/**", lambda route: route.fulfill(body="elsewhere"))
    await seen.open(f"/channel/{QUIET}?at=2")

    async with seen.page.context.expect_page() as opened:
        await seen.page.get_by_role("link", name="a page").click()

    elsewhere = await opened.value
    await playwright.expect(elsewhere).to_have_url(f"https://example.com/page/channel/{QUIET}")
    assert seen.page.url.endswith("?at=2")
    await elsewhere.close()


async def test_numbers_come_with_a_picture(seen: Seen) -> None:
    """Which the page's policy lets in."""
    await seen.open("/")
    await seen.page.get_by_role("link", name="Numbers").click()
    await seen.page.get_by_label("Since a time").fill("2023-11-01")
    await seen.page.get_by_role("button", name="Count").click()
    chart = seen.page.get_by_role("img")
    await playwright.expect(chart).to_be_visible()
    assert await chart.evaluate("(image) => image.decode().then(() => image.naturalWidth > 100)")
    await seen.judged("numbers")
    await seen.fits_a_phone()


async def test_older_messages_come_while_one_scrolls(seen: Seen) -> None:
    """By windows, until the first."""
    await seen.open(f"/channel/{ELSEWHERE}")
    await playwright.expect(seen.page.locator(f"#m{FIRST + 169}")).to_be_in_viewport()
    pane = seen.page.get_by_role("region", name="Messages")
    for first in (FIRST + 110, FIRST + 80, FIRST + 50, FIRST + 30):
        await pane.evaluate("(pane) => { pane.scrollTop = -pane.scrollHeight; }")
        await playwright.expect(seen.page.locator(f"#m{first}")).to_be_attached()
    await playwright.expect(seen.page.locator(".message")).to_have_count(121)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
async def test_a_conversation_can_be_read_by_everybody(
    seen: Seen, scheme: Literal["light", "dark"], width: int
) -> None:
    """Dark and light, on a phone too: nothing for axe to find, nothing wider than the window."""
    await seen.page.emulate_media(color_scheme=scheme)
    await seen.page.set_viewport_size(PHONE if width < WIDE["width"] else WIDE)
    await seen.open(f"/channel/{GENERAL}")
    assert await seen.page.evaluate("document.documentElement.scrollWidth") <= width
    await seen.judged(f"conversation-{scheme}")
    await seen.page.emulate_media(color_scheme="light")
    await seen.page.set_viewport_size(WIDE)


async def test_without_script_it_goes_by_links_and_forms(opened: tuple[Served, Browser]) -> None:
    """The token is pasted then."""
    served, browser = opened
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{served.base}/page/enter")
    await page.get_by_label("The token").fill(served.token())
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("link", name=str(GENERAL), exact=True).click()
    await page.get_by_label("Go to").fill("2023-11-14T22:13:24Z")
    await page.get_by_role("button", name="Go").click()
    await playwright.expect(page.locator("#when")).to_contain_text("Version 5 of")
    await page.get_by_role("link", name="One event back").click()
    await playwright.expect(page.locator("#when")).to_contain_text("Version 4 of")
    await context.close()
