from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

import pytest

from bot.app import bot as app
from bot.core.events import (
    CatchupCompleted,
    HistoryForbidden,
    MessageEdited,
    MessageReceived,
    MessageSkipped,
    ReplyRequested,
    ReplySent,
    SkipReason,
    Via,
)
from bot.core.streams import stream_of
from bot.gateway import catchup
from bot.sandbox.control_client import ControlClient
from bot.sandbox.payloads import channel_payload
from bot.sandbox.server import Sandbox
from bot.times import DAY
from tests.harness import Launch, RunningBot, Spawn
from tests.suite.clock import Clock
from tests.waiting import eventually

HISTORY: dict[str, Any] = {"method": "GET", "path": "/channels/*/messages"}


async def post_many(control: ControlClient, count: int, *, asking: bool = True) -> list[str]:
    """Post chatter in #general, every tenth message a question."""
    asked = range(0, count, 10) if asking else ()
    texts = [f"ask {number}" if number in asked else f"chatter {number}" for number in range(count)]
    return await control.post_many([{"content": text} for text in texts])


async def recorded(bot: RunningBot, channel: str | int, ids: Sequence[str]) -> list[MessageReceived]:
    """Wait until the log holds these messages of a channel, in this order and nothing else."""
    events = await bot.judge.expect(MessageReceived, len(ids), channel)
    assert [event.message_id for event in events] == [int(each) for each in ids]
    return events


async def answered(control: ControlClient, channel: str) -> list[str]:
    """Return what the bot said in a channel, oldest first."""
    return [message["content"] for message in await control.messages(author="sandbox-bot", channel=channel)]


async def test_what_was_missed_is_recorded_once_and_answered(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """In channels, threads and private channels; in those made meanwhile too."""
    old_thread = await control.create_thread("old")
    dm = await control.open_dm("alice")
    rooms = ["general", old_thread["id"], dm["id"]]
    bot = await launch()
    for room in rooms:
        await control.post("ask before", channel=room)
    await bot.judge.expect(ReplySent, 3)
    await bot.stop()

    rooms += [(await control.create_channel("new"))["id"], (await control.create_thread("newer"))["id"]]
    for room in rooms:
        await control.post_many([{"content": text, "channel": room} for text in ("chatter", "ask one", "ask two")])
    bot = await launch()
    await bot.judge.expect(ReplySent, 3 + 2 * len(rooms))

    rooms[0] = str(sandbox.services.general.id)
    for number, room in enumerate(rooms):
        before = ["re: before"] if number < 3 else []
        assert await answered(control, room) == [*before, "re: one", "re: two"]
        missed = (await bot.judge.of(MessageReceived, room))[len(before) :]
        assert [event.via for event in missed] == [Via.CATCHUP] * 3


async def test_a_channel_without_news_costs_no_request(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """Discord announces each channel's newest message; for a private channel it has to be asked."""
    thread = await control.create_thread("aside")
    dm = await control.open_dm("alice")
    bot = await launch()
    await eventually(lambda: {sandbox.services.general.id, int(thread["id"])} <= bot.bot.sync._complete)
    for room in ("general", thread["id"], dm["id"]):
        await control.post("hello", channel=room)
    await bot.judge.expect(MessageReceived, 3)
    await bot.stop()
    seen = (await control.requests())[-1]["number"]

    bot = await launch()
    await control.wait_for_requests(method="GET", path=f"/channels/{dm['id']}/messages", after=seen)

    asked = {request["path"] for request in await control.requests(**HISTORY, after=seen)}
    assert asked == {f"/channels/{dm['id']}/messages"}


async def test_a_channel_without_a_newest_id_is_read(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """Discord's description leaves it open whether a channel names its newest message; an empty one costs no event."""
    empty = await control.create_channel("empty")
    ids = await post_many(control, 5)
    sandbox.services.general.last_message_id = None

    bot = await launch()
    await recorded(bot, sandbox.services.general.id, ids)
    await bot.judge.expect(ReplySent)
    await eventually(lambda: int(empty["id"]) in bot.bot.sync)

    assert await answered(control, "general") == ["re: 0"]
    assert await bot.judge.all(stream_of(int(empty["id"]))) == []


async def test_more_than_a_page_is_read_in_order(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """250 messages are three pages; the watermark ends at the newest."""
    channel = sandbox.services.general.id
    ids = await post_many(control, 250)

    bot = await launch()
    await recorded(bot, channel, ids)
    [completed] = await bot.judge.expect(CatchupCompleted)
    await bot.judge.expect(ReplySent, 25)

    assert (completed.count, completed.truncated, completed.upto) == (250, False, int(ids[-1]))
    assert len(await control.requests(method="GET", path=f"/channels/{channel}/messages", status=200)) >= 3
    assert await answered(control, "general") == [f"re: {number}" for number in range(0, 250, 10)]


async def test_what_is_too_old_is_recorded_and_not_answered(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """With the reason, each."""
    ids = await post_many(control, 30)

    bot = await launch(replies={"max_age": "1ms"})
    await recorded(bot, sandbox.services.general.id, ids)

    assert [event.reason for event in await bot.judge.of(MessageSkipped)] == [SkipReason.TOO_OLD] * 3
    assert await bot.judge.of(ReplyRequested) == []


async def test_what_is_older_than_the_limit_is_not_read(launch: Launch, control: ControlClient) -> None:
    """And the channel counts as complete: the next start asks for nothing."""
    await post_many(control, 30)

    bot = await launch(catchup={"max_age": "1ms"})
    await bot.judge.expect(CatchupCompleted)
    await bot.stop()
    seen = len(await control.requests(**HISTORY))
    bot = await launch(catchup={"max_age": "1ms"})
    post = await control.post("ask now")
    await bot.judge.expect(ReplySent)

    assert [event.message_id for event in await bot.judge.of(MessageReceived)] == [int(post["id"])]
    assert len(await control.requests(**HISTORY)) == seen


async def test_a_catch_up_is_bounded_and_says_so(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """The oldest page and the newest are read, and what lies between is given up."""
    channel = sandbox.services.general.id
    ids = await post_many(control, 450)

    bot = await launch(catchup={"max_messages": 100})
    [completed] = await bot.judge.expect(CatchupCompleted)

    await recorded(bot, channel, ids[:100] + ids[350:])
    assert completed.truncated
    assert completed.upto == int(ids[-1])


async def test_it_can_be_switched_off(launch: Launch, control: ControlClient) -> None:
    """Then only what comes live is recorded."""
    await post_many(control, 10)

    bot = await launch(catchup={"enabled": False})
    post = await control.post("ask now")
    await bot.judge.expect(ReplySent)

    [event] = await bot.judge.of(MessageReceived)
    assert (event.message_id, event.via) == (int(post["id"]), Via.LIVE)
    assert await control.requests(**HISTORY) == []


async def test_live_messages_during_a_catch_up_are_neither_lost_nor_doubled(
    launch: Launch, control: ControlClient, sandbox: Sandbox, clock: Clock
) -> None:
    """They come ahead, are answered at once, and the watermark waits for the catch-up."""
    channel = sandbox.services.general.id
    missed = await post_many(control, 150, asking=False)
    await control.add_fault("delay", **HISTORY, nth=2, seconds=40, when="after")

    bot = await launch(ready=False, replies={"send_timeout": "5m"})
    await bot.judge.expect(MessageReceived, 100)
    await control.wait_for_requests(2, **HISTORY)
    live = await post_many(control, 20)
    await bot.judge.expect(ReplySent, 2)
    meanwhile = await bot.judge.state(channel)
    clock.go_on(40)
    await bot.judge.expect(CatchupCompleted)

    events = await bot.judge.of(MessageReceived)
    assert [event.message_id for event in events] == [int(each) for each in missed[:100] + live + missed[100:]]
    assert {event.via for event in events[100:120]} == {Via.AHEAD}
    assert meanwhile.watermark_id == int(missed[99])
    assert (await bot.judge.state(channel)).watermark_id == int(missed[-1])
    assert await answered(control, "general") == ["re: 0", "re: 10"]


async def test_a_catch_up_killed_in_the_middle_goes_on_where_it_stopped(
    spawn: Spawn, launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """SIGKILL when a further page is asked for; afterwards nothing is missing and nothing double."""
    channel = sandbox.services.general.id
    ids = await post_many(control, 250)
    process = await spawn(ready=False)
    await control.add_fault("kill", **HISTORY, nth=2, pid=process.pid)
    assert await process.process.wait() == -signal.SIGKILL

    bot = await launch()
    await recorded(bot, channel, ids)
    await bot.judge.expect(ReplySent, 25)

    assert sorted(await answered(control, "general")) == sorted(f"re: {number}" for number in range(0, 250, 10))


@pytest.mark.parametrize("denied", ["VIEW_CHANNEL", "READ_MESSAGE_HISTORY"])
async def test_a_history_that_may_not_be_read_is_recorded_once(
    launch: Launch, control: ControlClient, sandbox: Sandbox, denied: str
) -> None:
    """Discord answers 403 or an empty page; either way what was missed stays unknown, and the log says so."""
    channel = sandbox.services.general.id
    await control.set_permissions("general", deny=[denied])
    await post_many(control, 5)

    for _ in range(2):
        bot = await launch()
        await bot.judge.expect(HistoryForbidden, 1, channel)
        await bot.stop()

    bot = await launch()
    assert len(await bot.judge.of(HistoryForbidden, channel)) == 1
    assert await bot.judge.of(CatchupCompleted, channel) == []


async def test_what_was_missed_is_read_once_the_history_may_be(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """The watermark did not move on meanwhile."""
    channel = sandbox.services.general.id
    await control.set_permissions("general", deny=["READ_MESSAGE_HISTORY"])
    ids = await post_many(control, 5)
    bot = await launch()
    await bot.judge.expect(HistoryForbidden)
    ids.append((await control.post("live"))["id"])
    await bot.judge.expect(MessageReceived)

    await control.set_permissions("general", allow=["READ_MESSAGE_HISTORY"])
    ids.append((await control.post("live again"))["id"])
    await bot.judge.expect(CatchupCompleted)

    events = await bot.judge.of(MessageReceived, channel)
    assert sorted(event.message_id for event in events) == [int(each) for each in ids]


async def test_a_history_that_cannot_be_read_just_now_is_asked_for_again(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without waiting for another message in that channel."""
    monkeypatch.setattr(catchup, "LONGEST_PAUSE", 0.1)
    await post_many(control, 5)
    await control.add_fault("status", **HISTORY, status=503, count=2)

    bot = await launch()
    await bot.judge.expect(MessageReceived, 5)
    await bot.judge.expect(ReplySent)

    assert await answered(control, "general") == ["re: 0"]


async def test_a_thread_that_the_bot_is_let_in_to_is_read(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """Discord tells of it as of a new one, and what was said before is in its history."""
    await control.create_channel("hidden")
    await control.set_permissions("hidden", deny=["VIEW_CHANNEL"])
    thread = await control.create_thread("private", channel="hidden")
    post = await control.post("ask early", channel=thread["id"])
    bot = await launch()

    await control.set_permissions("hidden", allow=["VIEW_CHANNEL"])
    data = channel_payload(sandbox.world.channels[int(thread["id"])])
    await control.gateway("dispatch", event="THREAD_CREATE", data=data)
    await bot.judge.expect(ReplySent, 1, thread["id"])

    assert [event.message_id for event in await bot.judge.of(MessageReceived, thread["id"])] == [int(post["id"])]
    assert await answered(control, thread["id"]) == ["re: early"]


@pytest.mark.parametrize("years", [9, -56], ids=["ahead", "in 1970"])
async def test_a_clock_that_is_wrong_for_one_start_loses_and_answers_nothing_else(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    """Discord says in each answer what time it is, and the ages of messages are measured by that."""
    bot = await launch()
    await control.post("ask before")
    await bot.judge.expect(ReplySent)
    await bot.stop()
    missed = [(await control.post(text))["id"] for text in ("chatter", "ask missed")]
    right = app.clock
    monkeypatch.setattr(app, "clock", lambda: right() + years * 365 * DAY)

    bot = await launch()
    await bot.judge.expect(ReplySent, 2)
    await bot.stop()
    monkeypatch.setattr(app, "clock", right)
    bot = await launch()
    await control.post("ask after")
    await bot.judge.expect(ReplySent, 3)

    received = [str(event.message_id) for event in await bot.judge.of(MessageReceived)]
    assert received[1:3] == missed
    assert len(received) == 4
    assert await answered(control, "general") == ["re: before", "re: missed", "re: after"]
    assert await bot.judge.of(MessageSkipped) == []


async def test_an_edit_of_what_came_ahead_is_found(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """It came live while the history could not be read, and was edited when nobody listened any more."""
    bot = await launch()
    await control.post("before")
    await bot.judge.expect(MessageReceived)
    await bot.stop()
    await control.post("missed")
    await control.add_fault("status", status=503, **HISTORY, count=None)
    bot = await launch(ready=False)
    await eventually(lambda: bot.connected)
    ahead = await control.post("ahead")
    await bot.judge.expect(MessageReceived, 2)
    await bot.stop()
    await control.clear_faults()
    await control.edit(ahead["id"], "edited")

    bot = await launch(audit={"enabled": False})

    [edited] = await bot.judge.expect(MessageEdited)
    assert str(edited.message_id) == ahead["id"]
    assert [body.text for body in await bot.judge.words(sandbox.services.general.id, MessageEdited)] == ["edited"]
