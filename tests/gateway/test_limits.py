from __future__ import annotations

import pytest

from bot.core.events import MessageReceived, MessageSkipped, ReplyRequested, ReplySent, SkipReason
from bot.gateway.limits import Bucket
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from bot.sandbox.snowflakes import Snowflakes, wall_clock_ms
from tests.harness import Launch

HOUR_MS = 3_600_000


async def said(control: ControlClient) -> list[str]:
    """Return what the bot said, oldest first."""
    return [message["content"] for message in await control.messages(author="sandbox-bot")]


async def test_a_person_who_asks_too_much_is_told_once(launch: Launch, control: ControlClient) -> None:
    """Others are answered as before, and every skipped question has its reason."""
    bot = await launch(limits={"per_person": "2/10m"})
    for number in range(5):
        await control.post(f"ask {number}")
    await control.post("ask too", author="bob")

    await bot.judge.expect(ReplySent, 4)

    *first, notice, other = await said(control)
    assert first == ["re: 0", "re: 1"]
    assert "ask again" in notice
    assert other == "re: too"
    assert [event.reason for event in await bot.judge.of(MessageSkipped)] == [SkipReason.PERSON_LIMIT] * 3


async def test_a_channel_has_a_limit_too(launch: Launch, control: ControlClient) -> None:
    """Whoever asks there; each hears of it once."""
    bot = await launch(limits={"per_channel": "2/10m"})
    other = await control.create_channel("elsewhere")
    for name in ("ada", "bob", "cem", "cem"):
        await control.post(f"ask {name}", author=name)
    await control.post("ask dan", author="dan", channel=other["id"])

    await bot.judge.expect(ReplySent, 4)

    assert [event.reason for event in await bot.judge.of(MessageSkipped)] == [SkipReason.CHANNEL_LIMIT] * 2
    assert {"re: ada", "re: bob", "re: dan"} <= set(await said(control))


async def test_a_message_delivered_again_does_not_count_again(launch: Launch, control: ControlClient) -> None:
    """Neither live nor by a catch-up: the person asked once."""
    bot = await launch(limits={"per_person": "2/10m"})
    post = await control.post("ask one")
    await bot.judge.expect(ReplySent)
    await control.gateway("repeat", message=post["id"], times=5)

    await control.post("ask two")
    await bot.judge.expect(MessageReceived, 2)

    assert await bot.judge.of(MessageSkipped) == []
    assert len(await bot.judge.of(ReplyRequested)) == 2


async def test_questions_too_old_to_be_answered_do_not_count(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """They are skipped for their age, and the first one asked afterwards is answered."""
    now = sandbox.world.snowflakes
    sandbox.world.snowflakes = Snowflakes(lambda: wall_clock_ms() - HOUR_MS)
    await control.post_many([{"content": f"ask {number}"} for number in range(5)])
    sandbox.world.snowflakes = now

    bot = await launch(limits={"per_person": "2/10m"})
    await bot.judge.expect(MessageSkipped, 5)
    await control.post("ask now")
    await bot.judge.expect(ReplySent)

    assert [event.reason for event in await bot.judge.of(MessageSkipped)] == [SkipReason.TOO_OLD] * 5
    assert await said(control) == ["re: now"]


@pytest.mark.parametrize("uptime", [0.0, 0.1, 1234.5678, 98_765.432_1, 3_000_000.7, 123_456_789.012_3])
@pytest.mark.parametrize(("count", "seconds"), [(1, 3600.0), (3, 10.0), (7, 600.0)])
def test_exactly_so_many_are_let_through(uptime: float, count: int, seconds: float) -> None:
    """Whatever the machine's clock says: what it can't tell apart is no reason to refuse the first one."""
    bucket = Bucket(count, seconds)
    let_through = 0
    while not bucket.full(1, uptime) and let_through < 100:
        bucket.take(1, uptime)
        let_through += 1

    assert let_through == count
