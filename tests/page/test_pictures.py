"""The pictures of docs/page.md: each view of the demo's log, wide and as on a phone.

``PAGE_PICTURES=docs/page .venv/bin/pytest -m long tests/page/test_pictures.py`` makes them anew.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from bot.sandbox.child_process import tethered
from tests.page.conftest import serving
from tests.page.test_browser import CHROMIUM, PHONE, PICTURES, WIDE, Seen, playwright

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(PICTURES is None, reason="no folder for pictures is named (PAGE_PICTURES)"),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium"),
]


async def test_each_view_of_the_demo_s_log_is_drawn(tmp_path: Path) -> None:
    """Nothing in it for axe to find, either."""
    kept = tmp_path / "kept"
    demo = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, "-m", "bot", "demo", "--keep", str(kept)), stdout=asyncio.subprocess.DEVNULL
    )
    assert await demo.wait() == 0
    async with serving(kept / "data") as served, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport=WIDE, reduced_motion="reduce")
        seen = Seen(page, served.base)
        await page.goto(f"{served.base}/page/enter#{served.token()}")
        await page.wait_for_url("**/page/")
        await _draw(seen)
        await browser.close()


async def _draw(seen: Seen) -> None:
    page = seen.page
    await page.emulate_media(color_scheme="light")
    await seen.judged("list")
    rows = page.locator("tbody tr").filter(has=page.locator("td", has_text=re.compile(r"^\s*[1-9][0-9]\s*$")))
    await rows.first.get_by_role("link").first.click()
    await page.wait_for_url("**/channel/*")
    path = page.url.removeprefix(f"{seen.base}/page")
    await seen.judged("conversation-light")
    await page.set_viewport_size(PHONE)
    await page.emulate_media(color_scheme="dark")
    await seen.judged("conversation-dark")
    await page.set_viewport_size(WIDE)
    await page.emulate_media(color_scheme="light")
    head = int(await page.locator(".here").get_attribute("data-head") or 0)
    await seen.open(f"{path}?at={head}&from={head - 12}")
    await seen.judged("change")
    await page.get_by_role("link", name="why").last.click()
    await page.wait_for_url("**/why/*")
    await seen.judged("why")
    await seen.open("/numbers?since=1h")
    await playwright.expect(page.get_by_role("img")).to_be_visible()
    await seen.judged("numbers")
