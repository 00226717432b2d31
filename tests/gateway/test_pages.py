"""Something between the bot and Discord answers instead of it: what it says is no verdict about anything."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.app import from_settings
from bot.core.events import (
    CatchupCompleted,
    HistoryForbidden,
    MessageReceived,
    Proof,
    ReplyAbandoned,
    ReplyDelayed,
    ReplySent,
)
from bot.core.fate import Sent, Unknown
from bot.errors import TokenError
from bot.gateway import catchup, listening, origin
from bot.gateway.check import Unreachable, examine
from bot.gateway.places import Places
from bot.gateway.sender import DiscordSender
from bot.gateway.supervisor import checked_token
from bot.replies import sending, worker
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import Gated, Launch, Spawn, settings

POSTS: dict[str, Any] = {"method": "POST", "path": "/channels/*/messages"}
HISTORY: dict[str, Any] = {"method": "GET", "path": "/channels/*/messages"}
STATUSES = (200, 400, 401, 403, 404, 429)
BODIES = ("", "{}", "null", '{"error": "sign in"}')
OF_DISCORD = "application/json; charset=utf-8"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less between one attempt and the next."""
    for module in (sending, worker, catchup, listening):
        monkeypatch.setattr(module, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(origin, "SHUT_OUT_SECONDS", 0.1)


@pytest.mark.parametrize(
    ("status", "body"), [*((status, origin.HINT) for status in STATUSES), *((200, body) for body in BODIES)]
)
async def test_a_look_that_a_page_answers_is_tried_later(
    launch: Launch, control: ControlClient, status: int, body: str
) -> None:
    """An empty history would be a proof that nothing was sent, and a refused one that nobody can tell."""
    responder = Gated()
    bot = await launch(responder=responder)
    await control.change_settings(nonce_window=0)
    await control.post("ask it")
    await bot.judge.expect(MessageReceived)
    await control.gateway("mute")
    await control.add_fault("status", status=503, when="after", **POSTS)
    await control.add_fault("page", status=status, body=body, count=2, **HISTORY)
    responder.open.set()

    [sent] = await bot.judge.expect(ReplySent)

    assert sent.proof is Proof.HISTORY
    assert len(await control.messages(author="sandbox-bot")) == 1
    assert len(await bot.judge.of(ReplyDelayed)) == 3


@pytest.mark.parametrize("status", STATUSES)
async def test_a_catch_up_that_a_page_answers_is_tried_later(
    launch: Launch, control: ControlClient, status: int
) -> None:
    """The channel is neither complete nor forbidden."""
    await control.post("ask it")
    await control.add_fault("page", status=status, count=2, **HISTORY)

    bot = await launch()
    await bot.judge.expect(ReplySent)

    assert len(await bot.judge.of(CatchupCompleted)) == 1
    assert await bot.judge.of(HistoryForbidden) == []


@pytest.mark.parametrize("status", STATUSES)
async def test_a_page_is_no_verdict_about_the_token(
    sandbox: Sandbox, control: ControlClient, tmp_path: Path, status: int
) -> None:
    """It is told what answered, and the start goes on."""
    await control.add_fault("page", status=status, method="GET", path="/users/@me", count=None)
    endpoint = from_settings.endpoint(settings(sandbox, tmp_path, {}))
    token = sandbox.services.application.token

    with capture_logs() as lines:
        assert await checked_token(endpoint, token, asyncio.Event())
    with pytest.raises(Unreachable, match="Something between the bot and Discord"):
        await examine(endpoint, token, Places())

    assert [(line["event"], line["hint"]) for line in lines] == [("discord.intercepted", origin.HINT)]


@pytest.mark.parametrize("status", [302, 307])
async def test_a_portal_that_leads_elsewhere_gives_no_verdict(
    launch: Launch, sandbox: Sandbox, control: ControlClient, tmp_path: Path, status: int
) -> None:
    """Nobody is asked there: the token stays between the bot and Discord."""
    portal = f"{sandbox.services.addresses.control}/portal"
    led: dict[str, Any] = {"status": status, "location": portal}
    await control.add_fault("page", **led, path="/users/@me")
    endpoint = from_settings.endpoint(settings(sandbox, tmp_path, {}))
    assert await checked_token(endpoint, sandbox.services.application.token, asyncio.Event())
    bot = await launch()
    await control.add_fault("page", **led, **POSTS)
    await control.post("ask it")

    await bot.judge.expect(ReplySent)

    assert [event.reason for event in await bot.judge.of(ReplyDelayed)] == [f"status {status}, not Discord's"]


async def test_the_bot_comes_in_once_the_page_is_gone(spawn: Spawn, control: ControlClient) -> None:
    """It says what is wrong and how to find it, and never leaves for good."""
    await control.add_fault("page", status=401, method="GET", path="/users/@me", count=2)

    bot = await spawn()
    await control.post("ask it")
    await control.wait_for_messages(author="sandbox-bot")

    assert [(line["status"], line["hint"]) for line in bot.lines("discord.intercepted")] == [(401, origin.HINT)] * 2


async def test_a_verdict_is_believed_whatever_its_type_is_called(
    launch: Launch, sandbox: Sandbox, control: ControlClient, tmp_path: Path
) -> None:
    """A server that names the charset is still Discord by what it says."""
    endpoint = from_settings.endpoint(settings(sandbox, tmp_path, {}))
    refused = '{"message": "401: Unauthorized", "code": 0}'
    await control.add_fault("page", status=401, body=refused, content_type=OF_DISCORD, path="/users/@me")
    with pytest.raises(TokenError):
        await checked_token(endpoint, "wrong", asyncio.Event())

    bot = await launch()
    missing = '{"message": "Missing Permissions", "code": 50013}'
    await control.add_fault("page", status=403, body=missing, content_type=OF_DISCORD, **POSTS)
    await control.post("ask it")
    [abandoned] = await bot.judge.expect(ReplyAbandoned)

    assert (abandoned.reason, abandoned.detail) == ("forbidden", "code 50013")


async def test_every_answer_is_believed_whatever_its_type_is_called(launch: Launch, control: ControlClient) -> None:
    """From the start on: the account, histories, threads, posts and responses to commands."""
    await control.post("ask before")
    await control.add_fault("relabel", content_type=OF_DISCORD, count=None)
    bot = await launch(replies={"ask": True})
    moderator = Moderator(control)
    await moderator.registered()
    await control.post("ask it")
    await bot.judge.expect(ReplySent, 2)

    assert text_of(await moderator.use("ask", {"question": "ask me"})) == "re: me"
    assert "ask it" in await moderator.ask("state")
    assert await bot.judge.of(ReplyDelayed) == []
    assert len(await bot.judge.of(CatchupCompleted)) == 1


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_command_is_answered_all_the_same(
    launch: Launch, control: ControlClient, status: int, when: str
) -> None:
    """Its acknowledgement and its answer may each be made twice without harm."""
    bot = await launch(replies={"ask": True})
    moderator = Moderator(control)
    await moderator.registered()
    await control.add_fault("page", status=status, when=when, method="POST", path="/interactions/*")
    await control.add_fault("page", status=status, when=when, method="PATCH", path="/webhooks/*", count=2)

    answer = await moderator.use("ask", {"question": "ask me"})
    await bot.judge.expect(ReplySent)

    assert (text_of(answer), answer["followups"]) == ("re: me", [])
    assert await bot.judge.of(ReplyAbandoned) == []


@pytest.mark.parametrize("status", STATUSES)
async def test_what_is_deleted_is_deleted_whatever_a_page_says(
    launch: Launch, control: ControlClient, sandbox: Sandbox, status: int
) -> None:
    """And edited: neither a success nor a refusal counts that is not Discord's."""
    bot = await launch()
    await control.post("ask it")
    [sent] = await bot.judge.expect(ReplySent)
    sender, channel = DiscordSender(bot.bot.current), sandbox.services.general.id
    await control.add_fault("page", status=status, method="PATCH", path="/channels/*")
    await control.add_fault("page", status=status, body="{}", method="DELETE", path="/channels/*")

    outcomes = [await sender.edit(channel, sent.sent_id, "other"), await sender.remove(channel, sent.sent_id)]
    again = [await sender.edit(channel, sent.sent_id, "other"), await sender.remove(channel, sent.sent_id)]

    assert [type(outcome) for outcome in (*outcomes, *again)] == [Unknown, Unknown, Sent, Sent]
