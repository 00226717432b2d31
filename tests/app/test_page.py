"""The page in the running bot, beside ``/healthz``."""

from __future__ import annotations

import aiohttp
from aiohttp.test_utils import unused_port

from bot.page.application import sign_in_link
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch
from tests.waiting import eventually


async def test_the_running_bot_shows_what_was_said_and_the_names_of_channels(
    launch: Launch, control: ControlClient
) -> None:
    """At the same address as /healthz, which asks nobody for a session or for a name."""
    port = unused_port()
    bot = await launch(telemetry={"port": port}, page={"enabled": True})
    await control.post("ask one")
    page, base = bot.process.page, f"http://127.0.0.1:{port}"
    assert page
    token = sign_in_link(page.site, base).partition("#")[2]

    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:

        async def ask(path: str, **headers: str) -> tuple[int, str]:
            async with browser.get(base + path, headers=headers) as response:
                return response.status, await response.text()

        assert (await ask("/page/"))[0] == 401
        assert (await ask("/healthz", Host="anybody"))[0] == 200
        async with browser.post(f"{base}/page/enter", data={"token": token}, headers={"Origin": base}) as entered:
            assert entered.status == 200
        await eventually(lambda: _holds(ask, "ask one"))
        assert "general" in (await ask("/page/"))[1]


async def _holds(ask: object, text: str) -> bool:
    """Tell whether the only conversation shows a text."""
    _, listed = await ask("/page/")  # type: ignore[operator]
    if "/page/channel/" not in listed:
        return False
    path = "/page/channel/" + listed.partition("/page/channel/")[2].partition('"')[0]
    return text in (await ask(path))[1]  # type: ignore[operator]
