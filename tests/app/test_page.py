"""The page in the running bot, beside ``/healthz``."""

from __future__ import annotations

import aiohttp
import pytest

from bot.app.page import page_of
from bot.config import Config
from bot.errors import ConfigError
from bot.page.application import sign_in_link
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch
from tests.ports import free_port
from tests.waiting import eventually


def settings(**telemetry: object) -> Config:
    """Return settings with the page."""
    return Config.model_validate({"page": {"enabled": True}, "telemetry": telemetry})


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("10.0.0.7", "http://10.0.0.7:8080"),
        ("::1", "http://[::1]:8080"),
        pytest.param("0.0.0.0", "http://127.0.0.1:8080", id="at all addresses"),  # noqa: S104
        pytest.param("::", "http://[::1]:8080", id="at all addresses of IPv6"),
    ],
)
def test_a_link_leads_to_where_the_page_is_served(host: str, address: str) -> None:
    """A number of IPv6 stands in brackets there (RFC 3986)."""
    page = page_of(settings(host=host, port=8080), dict, tuple)

    assert page
    assert page.address == address


def test_a_page_without_a_port_is_refused() -> None:
    """Its links would lead nowhere."""
    with pytest.raises(ConfigError, match=r"set it to a port, or page\.enabled to false"):
        page_of(settings(port=0), dict, tuple)


async def test_the_running_bot_shows_what_was_said_and_the_names_of_channels(
    launch: Launch, control: ControlClient
) -> None:
    """At the same address as /healthz, which asks nobody for a session or for a name."""
    port = free_port()
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
