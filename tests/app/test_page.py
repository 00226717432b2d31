"""The page in the running bot, beside ``/healthz``."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest

from bot.app.page import page_of
from bot.config import Config
from bot.consumers.consumers import FOLDER, Consumers
from bot.consumers.status import State
from bot.consumers.wishes import Wishes
from bot.core.events import Draft, GatewayLost, ReplySent
from bot.core.streams import BOT_STREAM
from bot.errors import ConfigError
from bot.page.application import sign_in_link
from bot.page.serving import address_of
from bot.sandbox.control_client import ControlClient
from tests.consumers.following import caught_up
from tests.harness import Launch
from tests.ports import free_port
from tests.waiting import eventually

CONSUMER = re.compile(
    r'<tr><th scope="row">(\w+)</th><td>([^<]*)</td>' + r'<td class="number">([^<]*)</td>' * 3 + "<td>([^<]*)</td>"
)
"""A row of a consumer: name, state, position, lag, parked events, trouble."""


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


def test_no_host_is_all_addresses() -> None:
    """As for the server itself: `echoless page --host ""`."""
    assert address_of("", 8080) == "http://127.0.0.1:8080"


def test_a_page_without_a_port_is_refused() -> None:
    """Its links would lead nowhere."""
    with pytest.raises(ConfigError, match=r"set it to a port, or page\.enabled to false"):
        page_of(settings(port=0), dict, tuple)


async def test_the_running_bot_shows_what_was_said_and_the_names_of_channels(
    launch: Launch, control: ControlClient, tmp_path: Path
) -> None:
    """At the same address as /healthz, which asks nobody for a session or for a name.

    Its owner sees the consumers, too: how far each is behind, that one rests, and why one does not get on.
    """
    port, taken = free_port(), tmp_path / "not\u202eours"
    taken.mkdir()
    (taken / "2026-01-01.jsonl").touch()
    consumers = {"activity": {}, "search": {}, "jsonl": {"folder": str(taken)}}
    bot = await launch(telemetry={"port": port}, page={"enabled": True}, consumers=consumers)
    await _pause(bot.bot.consumers, "search", tmp_path / "log")
    await bot.bot.log.append(BOT_STREAM, [Draft(GatewayLost())] * 1000)
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
        await bot.judge.expect(ReplySent)
        await caught_up(bot.bot.consumers, "activity")
        await eventually(lambda: bot.bot.consumers.status("jsonl").state is State.WAITING)
        _, numbers = await ask("/page/numbers")

    rows = {row[0]: row[1:] for row in re.findall(CONSUMER, numbers)}
    head = rows["activity"][1]
    assert rows["activity"] == ("following", head, "0", "0", "")
    state, position, lag, parked, trouble = rows["search"]
    assert (state, _number(position) + _number(lag), parked, trouble) == ("paused", _number(head), "0", "")
    assert re.fullmatch(r"1,\d{3}", lag)
    assert rows["jsonl"][:4] == ("waiting", "0", head, "0")
    assert r"not\u202eours holds daily files that are not its own" in rows["jsonl"][4]
    assert len(rows) == len(consumers)


async def _pause(consumers: Consumers, name: str, log: Path) -> None:
    """Have a consumer that has caught up rest."""
    await caught_up(consumers, name)
    wishes = Wishes(log / FOLDER)
    wishes.pause(name)
    await consumers.look(wishes)
    await eventually(lambda: consumers.status(name).state is State.PAUSED)


def _number(shown: str) -> int:
    return int(shown.replace(",", ""))


async def _holds(ask: object, text: str) -> bool:
    """Tell whether the only conversation shows a text."""
    _, listed = await ask("/page/")  # type: ignore[operator]
    if "/page/channel/" not in listed:
        return False
    path = "/page/channel/" + listed.partition("/page/channel/")[2].partition('"')[0]
    return text in (await ask(path))[1]  # type: ignore[operator]
