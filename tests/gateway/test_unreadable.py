"""What Discord says of channels, where it cannot be had or understood just now."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.http import HTTPClient, Route

from bot.app import from_settings
from bot.core.events import CatchupCompleted, MessageReceived, ReplySent
from bot.gateway import catchup, listening
from bot.gateway.supervisor import checked_token
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import SEND_TIMEOUT, Launch, settings
from tests.suite.clock import Clock
from tests.waiting import eventually

HISTORY: dict[str, Any] = {"method": "GET", "path": "/channels/*/messages"}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less between one attempt and the next."""
    monkeypatch.setattr(catchup, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(listening, "LONGEST_PAUSE", 0.1)


async def test_a_history_that_never_comes_is_asked_for_again(
    launch: Launch, control: ControlClient, clock: Clock
) -> None:
    """As a send has it, so that one request that hangs does not keep a channel waiting for minutes."""
    await control.post_many([{"content": f"ask {number}"} for number in range(5)])
    await control.add_fault("hang", **HISTORY)

    bot = await launch(ready=False)
    await eventually(lambda: control.requests(**HISTORY))
    clock.go_on(SEND_TIMEOUT)
    await bot.judge.expect(CatchupCompleted)

    await bot.judge.expect(ReplySent, 5)


ERRORS = [
    pytest.param(KeyError("retry_after"), id="a rate limit that says no time"),
    pytest.param(TypeError("string indices must be integers"), id="a page of HTML"),
    pytest.param(ValueError("unexpected end of data"), id="half a JSON"),
]


def stumble(monkeypatch: pytest.MonkeyPatch, path: str, errors: list[Exception]) -> None:
    """Have discord.py raise what it stumbles over where something in front of Discord answers with anything."""
    whole = HTTPClient.request

    async def request(http: HTTPClient, route: Route, **kwargs: Any) -> Any:  # noqa: ANN401 - Discord's JSON
        if errors and route.path == path:
            raise errors.pop()
        return await whole(http, route, **kwargs)

    monkeypatch.setattr(HTTPClient, "request", request)


@pytest.mark.parametrize("error", ERRORS)
async def test_a_history_that_discord_py_cannot_read_is_asked_for_again(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Without waiting for another message in that channel."""
    errors = [error] * 3
    stumble(monkeypatch, "/channels/{channel_id}/messages", errors)
    await control.post_many([{"content": f"chatter {number}"} for number in range(5)])

    bot = await launch()
    await bot.judge.expect(CatchupCompleted)

    assert len(await bot.judge.of(MessageReceived)) == 5
    assert errors == []


@pytest.mark.parametrize("error", ERRORS)
async def test_an_answer_that_says_nothing_about_the_token_is_no_reason_not_to_start(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The gateway is tried as if Discord could not be reached."""
    stumble(monkeypatch, "/users/@me", [error])
    endpoint = from_settings.endpoint(settings(sandbox, tmp_path, {}))

    assert await checked_token(endpoint, sandbox.services.application.token, asyncio.Event())


async def test_an_empty_history_is_all_there_is_where_no_server_lists_the_bot(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large server may come without members: discord.py then has none of its own, and knows no permissions."""
    monkeypatch.setattr(discord.Guild, "me", None)
    await control.delete((await control.post("gone"))["id"])

    bot = await launch()
    await bot.judge.expect(CatchupCompleted)


async def test_active_threads_that_cannot_be_listed_just_now_are_asked_for_again(
    launch: Launch, control: ControlClient
) -> None:
    """The start of a session names none that the bot was let in to meanwhile."""
    await control.add_fault("status", method="GET", path="/guilds/*/threads/active", status=503, count=2)

    await launch()

    await control.wait_for_requests(method="GET", path="/guilds/*/threads/active", status=200)
