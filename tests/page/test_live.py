"""Who looks at a conversation is told that it grew, also after a lost connection, as long as they may look."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

import aiohttp
import pytest

from bot.conversations import Conversations
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.page import live
from bot.page.sessions import Viewer
from tests.page.conftest import FIRST, GENERAL, Browser, said, serving

HEAD = 18


async def news(response: aiohttp.ClientResponse) -> str:
    """Return the data of the next event."""
    while not (line := await response.content.readline()).startswith(b"data: "):
        assert line, "it ended"
    return line.decode().removeprefix("data: ").strip()


def following(browser: Browser, query: str = "", **headers: str) -> aiohttp.client._RequestContextManager:
    """Begin to follow."""
    return browser.client.get(f"{browser.base}/page/channel/{GENERAL}/live{query}", headers=headers)


async def test_what_is_new_is_told_and_what_was_missed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a bot that writes; it ends where the viewer may not look any more, and at the sign-out."""
    monkeypatch.setattr(live, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(live, "HEARTBEAT", 0.02)
    shutil.copytree(folder, tmp_path / "log")
    allowed = {GENERAL}

    async def visible(channels: Collection[int]) -> Collection[int]:
        return allowed & set(channels)

    async with serving(tmp_path / "log") as served:
        log = await open_log(Location(tmp_path / "log"), clock=lambda: 2 * 10**15, full=False)
        conversations = Conversations(log)
        try:
            browser, moderator = await served.signed_in(), await served.signed_in(Viewer("user 7", visible))
            async with following(browser, f"?version={HEAD}") as owner, following(moderator) as other:
                assert await news(other) == str(HEAD)
                await conversations.handle(GENERAL, said(FIRST + 900, "something new"))
                assert await news(owner) == await news(other) == str(HEAD + 1)
                allowed.clear()
                assert b"data" not in await other.content.read()
                await browser.post("/leave")
                assert b"data" not in await owner.content.read()
            again = await served.signed_in()
            async with following(again, f"?version={HEAD + 1}", **{"Last-Event-ID": str(HEAD)}) as response:
                assert await news(response) == str(HEAD + 1)
        finally:
            await conversations.close()
            await log.close()
