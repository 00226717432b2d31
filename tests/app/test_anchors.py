"""The log's anchor in a channel of the owner's choice: once a day, also after a crash."""

from __future__ import annotations

import pytest

from bot.eventlog.anchor import parse_anchor
from bot.eventlog.verify import verify
from bot.gateway.sender import DiscordSender
from bot.replies.anchors import Anchors
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch

DAY = 24 * 60 * 60 * 1_000_000


async def test_the_anchor_is_posted_once_a_day(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """The line is one that verification takes; a bot that is started again does not repeat it."""
    channel_id = sandbox.services.general.id
    bot = await launch(log={"anchor_channel": channel_id})
    (message,) = await control.wait_for_messages(author="sandbox-bot")
    await bot.stop()

    again = await launch(log={"anchor_channel": channel_id})
    await again.ready()
    assert again.bot.anchors is not None
    await again.bot.anchors.post()
    anchor = parse_anchor(message["content"].strip("`"))
    findings = [found async for page in verify(again.judge.reader, anchor=anchor) for found in page.findings]

    assert findings == []
    assert len(await control.wait_for_messages(author="sandbox-bot")) == 1


async def test_another_day_has_another_anchor(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """Of the log as it is then."""
    channel_id = sandbox.services.general.id
    bot = await launch()
    await bot.ready()
    now = 20_000 * DAY
    sender = DiscordSender(bot.bot.current)
    anchors = Anchors(bot.bot.log, sender, channel_id, lambda: now)

    for now in (20_000 * DAY, 20_000 * DAY + DAY - 1, 20_001 * DAY):  # noqa: B007 - the clock's
        await anchors.post()

    messages = await control.wait_for_messages(author="sandbox-bot", count=2)
    assert len(messages) == 2


async def test_without_the_setting_nothing_is_posted(launch: Launch) -> None:
    """It is off by default."""
    bot = await launch()

    assert bot.bot.anchors is None


@pytest.mark.parametrize("name", ["a", "b"])
async def test_a_note_tells_whether_it_is_another_than_before(launch: Launch, name: str) -> None:
    """Each name has its own."""
    log = (await launch()).bot.log

    assert [await log.note(name, value) for value in (b"1", b"1", b"2", b"1")] == [True, False, True, True]
