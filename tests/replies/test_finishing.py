"""The log's note of which channels have unfinished replies, and when it is removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.events import ReplySent
from bot.replies import service
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch, RunningBot, judging
from tests.waiting import eventually


async def answered_in_three_channels(bot: RunningBot, control: ControlClient) -> None:
    """Ask one question in each of three channels, and wait until no channel is worked on."""
    for name in ("one", "two", "three"):
        await control.create_channel(name)
        await control.post("ask it", channel=name)
    await bot.judge.expect(ReplySent, 3)
    await eventually(lambda: not bot.bot.replies.working)


async def test_it_is_removed_a_while_after_the_last_reply(launch: Launch, control: ControlClient) -> None:
    """For all channels, so that no restart looks at them again."""
    bot = await launch()

    await answered_in_three_channels(bot, control)

    async def nothing_left() -> bool:
        return await bot.bot.conversations.unfinished() == []

    await eventually(nothing_left)


async def test_a_stop_removes_it_at_once(
    launch: Launch, control: ControlClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much of the while is left."""
    monkeypatch.setattr(service, "FINISHED_AFTER", 3600.0)
    bot = await launch()
    await answered_in_three_channels(bot, control)
    before = await bot.bot.conversations.unfinished()

    await bot.stop()

    assert len(before) == 3
    async with judging(tmp_path / "log") as judge:
        assert await judge.reader.unfinished() == []


async def test_it_is_removed_later_when_the_log_could_not_be_written(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk costs nothing but a look in vain."""
    monkeypatch.setattr(service, "FINISHED_AFTER", 0.1)
    bot = await launch()
    tried: list[int] = []
    finish = bot.bot.conversations.finish

    async def noted(channel_id: int) -> None:
        tried.append(channel_id)
        if len(tried) == 1:
            await bot.make_log_unwritable()
        await finish(channel_id)

    monkeypatch.setattr(bot.bot.conversations, "finish", noted)
    await control.post("ask it")
    await eventually(lambda: len(tried) > 1)
    before = await bot.bot.conversations.unfinished()
    await bot.make_log_unwritable(unwritable=False)

    async def nothing_left() -> bool:
        return await bot.bot.conversations.unfinished() == []

    await eventually(nothing_left)
    assert len(before) == 1
