from __future__ import annotations

from typing import Any

import pytest

from bot import conversations
from bot.core.events import MessageReceived, Proof, ReplyComposed, ReplyRequested, ReplySent, Via
from bot.gateway import healing
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Gated, Launch, RunningBot
from tests.suite.clock import Clock
from tests.waiting import eventually

HISTORY: dict[str, Any] = {"method": "GET", "path": "/channels/*/messages"}
POST: dict[str, Any] = {"method": "POST", "path": "/channels/*/messages"}


@pytest.fixture(autouse=True)
def frequent_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the log more often whether it takes events again."""
    monkeypatch.setattr(healing, "PROBE_SECONDS", 0.05)


async def unwritable(bot: RunningBot) -> None:
    """Wait until the bot has noticed that it can't write its log."""
    await eventually(lambda: bot.bot.health().log == "unwritable")


async def said(control: ControlClient) -> list[str]:
    """Return what the bot said, oldest first."""
    return [message["content"] for message in await control.messages(author="sandbox-bot")]


async def test_what_the_log_refused_is_fetched_once_it_takes_events_again(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """It stays connected, says what is wrong, and forgets and doubles nothing; in private channels too."""
    channels = [str(sandbox.services.general.id), (await control.open_dm("alice"))["id"]]
    bot = await launch()
    ids = {channel: [(await control.post("ask before", channel=channel))["id"]] for channel in channels}
    await bot.judge.expect(ReplySent, 2)
    refused: set[int] = set()
    bot.bot.conversations.on_failed.append(lambda channel_id, _error: refused.add(channel_id))

    await bot.make_log_unwritable()
    for text in ("ask meanwhile", "chatter"):
        for channel in channels:
            ids[channel].append((await control.post(text, channel=channel))["id"])
    await unwritable(bot)
    await eventually(lambda: len(refused) == len(channels))
    health = bot.bot.health()
    await bot.make_log_unwritable(unwritable=False)
    await bot.judge.expect(ReplySent, 4)
    for channel in channels:
        ids[channel].append((await control.post("ask after", channel=channel))["id"])
    await bot.judge.expect(ReplySent, 6)

    assert health.gateway == "connected"
    assert any("read-only" in reason for reason in health.reasons)
    await eventually(lambda: bot.bot.health().reasons == ())
    fetched = 0
    for channel in channels:
        via = {event.message_id: event.via for event in await bot.judge.of(MessageReceived, channel)}
        assert sorted(via) == [int(each) for each in ids[channel]]
        fetched += list(via.values()).count(Via.CATCHUP)
        replies = [each["content"] for each in await control.messages(author="sandbox-bot", channel=channel)]
        assert replies == ["re: before", "re: meanwhile", "re: after"]
    # How many of them Discord had delivered by the time the log could be written again depends on the machine.
    assert fetched


async def test_a_gap_that_opens_during_a_catch_up_is_closed_by_another(
    launch: Launch, control: ControlClient, clock: Clock
) -> None:
    """A message is refused while a page without it is on its way: that page can't vouch for the channel."""
    ids = [(await control.post("ask 0"))["id"]]
    await control.add_fault("delay", **HISTORY, when="after", seconds=40)
    bot = await launch(ready=False, replies={"send_timeout": "5m"})
    await eventually(lambda: control.requests(**HISTORY))

    await bot.make_log_unwritable()
    ids.append((await control.post("ask 1"))["id"])
    await unwritable(bot)
    await bot.make_log_unwritable(unwritable=False)
    clock.go_on(40)
    await bot.judge.expect(ReplySent)
    ids.append((await control.post("ask 2"))["id"])
    await bot.judge.expect(ReplySent, 3)

    events = await bot.judge.of(MessageReceived)
    assert sorted(event.message_id for event in events) == [int(each) for each in ids]
    assert sorted(await said(control)) == ["re: 0", "re: 1", "re: 2"]


async def test_nothing_is_sent_that_is_not_in_the_log_first(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """A text that can't be recorded waits, and is sent once."""
    responder = Gated()
    bot = await launch(responder=responder)
    await control.post("ask it")
    await bot.judge.expect(ReplyRequested)

    await bot.make_log_unwritable()
    responder.open.set()
    await unwritable(bot)
    early = await said(control)
    await bot.make_log_unwritable(unwritable=False)
    await bot.judge.settled(sandbox.services.general.id)

    assert early == []
    assert await said(control) == ["re: it"]
    assert len(await bot.judge.of(ReplyComposed)) == 1


async def test_a_reply_that_could_not_be_noted_as_sent_is_found_and_not_repeated(
    launch: Launch, control: ControlClient, clock: Clock
) -> None:
    """Discord accepted it, the record failed, and no echo came: the history tells."""
    responder = Gated()
    bot = await launch(responder=responder, replies={"send_timeout": "5m"})
    await control.add_fault("delay", **POST, when="after", seconds=40)
    await control.post("ask it")
    await bot.judge.expect(ReplyRequested)
    await control.gateway("mute")
    responder.open.set()
    await control.wait_for_messages(author="sandbox-bot")
    await bot.make_log_unwritable()
    clock.go_on(40)
    await unwritable(bot)

    await bot.make_log_unwritable(unwritable=False)
    [sent] = await bot.judge.expect(ReplySent)

    assert sent.proof is Proof.HISTORY
    assert await said(control) == ["re: it"]
    assert len(await control.requests(**POST)) == 1


async def test_too_much_at_once_is_fetched_later(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit into the mailboxes is refused, counted as a gap, and read from the history."""
    monkeypatch.setattr(conversations, "BATCH", 8)
    bot = await launch()
    await control.post("up to date")
    await bot.judge.expect(MessageReceived)
    bot.bot.conversations._queue = 16

    ids = await control.post_many([{"content": f"message {number}"} for number in range(120)])
    events = await bot.judge.expect(MessageReceived, 121)

    # What comes while the history is read comes ahead of it.
    assert sorted(event.message_id for event in events)[1:] == [int(each) for each in ids]
