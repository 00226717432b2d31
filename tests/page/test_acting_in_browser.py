"""Acting on the page in Chromium: by keyboard, answered in place, and without script by pages of their own."""

from __future__ import annotations

import os

import pytest

from tests.page.conftest import ASKED, GENERAL, WAITING
from tests.page.test_acting import Running, running
from tests.page.test_browser import CHROMIUM, WIDE, Seen, playwright
from tests.suite.children import kill_descendants

__all__ = ["running"]

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium"),
]


async def test_a_moderator_acts_by_keyboard_and_is_answered_in_place(running: Running) -> None:
    """A preview, its confirmation, undo, drop, a rehearsal beside what was said; axe finds nothing in it."""
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context(viewport=WIDE, reduced_motion="reduce")
        seen = Seen(await context.new_page(), running.served.base)
        page, answer = seen.page, seen.page.locator("#answer")
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        expect = playwright.expect
        await page.goto(f"{seen.base}/page/enter#{running.served.token()}")
        await page.wait_for_url("**/page/")
        await seen.open(f"/channel/{GENERAL}?at=3")
        address = page.url

        await page.get_by_role("button", name="Rewind to version 3").press("Enter")
        await expect(answer).to_contain_text("would change its window so")
        await expect(answer).to_be_focused()
        await seen.judged("rewind")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(answer).to_contain_text("is rewound to version 3")
        assert page.url == address
        await page.get_by_role("button", name="Undo the newest rewind").press("Enter")
        await expect(answer).to_contain_text("Undone in channel")

        await seen.open(f"/channel/{GENERAL}")
        await page.get_by_role("button", name=f"rehearse message {ASKED}").first.press("Enter")
        await expect(answer).to_contain_text("Three spoons <b>a cup</b>.")
        await seen.judged("rehearse")
        await page.get_by_role("button", name=f"drop message {WAITING}").press("Enter")
        await expect(answer).to_contain_text(f"The reply to message {WAITING} is given up")
        await expect(page.get_by_role("button", name=f"retry message {WAITING}")).to_be_visible()
        assert seen.errors == []

        scriptless = await browser.new_context(java_script_enabled=False)
        await scriptless.add_cookies(await context.cookies())
        plain = await scriptless.new_page()
        await plain.goto(f"{seen.base}/page/channel/{GENERAL}?at=3")
        await plain.get_by_role("button", name="Rewind to version 3").click()
        await plain.get_by_role("button", name="Cancel").click()
        await expect(plain.get_by_role("heading", level=2)).to_have_text("Nothing was changed.")
        await browser.close()
    assert kill_descendants(os.getpid()) == []
