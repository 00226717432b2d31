from __future__ import annotations

from bot.core.conversation import Conversation
from bot.core.events import GapFound, MessageDeleted, MessageEdited, MessageReceived, ReplySent, Via
from bot.core.streams import BOT_STREAM
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch
from tests.waiting import eventually

AUDIT = {"audit": {"every": "1s"}, "catchup": {"enabled": False}}


async def test_a_message_that_nothing_brought_is_found_and_answered(launch: Launch, control: ControlClient) -> None:
    """Without catch-up, what was posted while the bot was away can only come by the audit, and is reported."""
    bot = await launch(**AUDIT)
    await control.post("before")
    await bot.judge.expect(MessageReceived)
    await bot.stop()
    missed = await control.post("ask missed")
    bot = await launch(**AUDIT)
    await control.post("after")

    [gap] = await bot.judge.expect(GapFound, stream=BOT_STREAM)
    [sent] = await bot.judge.expect(ReplySent)

    assert (gap.missing, gap.deleted) == (1, 0)
    assert sent.message_id == int(missed["id"])
    healed = [event for event in await bot.judge.of(MessageReceived) if event.via is Via.AUDIT]
    assert [event.message_id for event in healed] == [int(missed["id"])]


async def test_a_message_deleted_while_away_leaves_the_window(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """No gateway reports what happened before the session."""
    bot = await launch(**AUDIT)
    kept, gone = await control.post("kept"), await control.post("gone")
    await bot.judge.expect(MessageReceived, 2)
    await bot.stop()
    await control.delete(gone["id"])
    bot = await launch(**AUDIT)
    await control.post("after")

    [deleted] = await bot.judge.expect(MessageDeleted)

    assert (deleted.message_id, deleted.via) == (int(gone["id"]), Via.AUDIT)

    async def window() -> Conversation:
        return await bot.judge.state(sandbox.services.general.id)

    assert [turn.message_id for turn in (await window()).window][:1] == [int(kept["id"])]
    assert (await window()).turn(int(gone["id"])) is None


async def test_an_edit_made_while_away_is_found_once(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """In the window, with its words; a message that was not edited has none, nor has one that was edited back."""
    bot = await launch(**AUDIT)
    kept, edited, back = [(await control.post(text))["id"] for text in ("kept", "before it", "same")]
    await bot.judge.expect(MessageReceived, 3)
    await bot.stop()
    await control.edit(edited, "after it")
    await control.edit(back, "other")
    await control.edit(back, "same")
    bot = await launch(**AUDIT)
    channel = sandbox.services.general.id
    await control.post("and now")

    [event] = await bot.judge.expect(MessageEdited)
    assert [body.text for body in await bot.judge.words(channel, MessageEdited)] == ["after it"]

    path = f"/channels/{channel}/messages"
    for number in range(2):
        seen = (await control.requests())[-1]["number"]
        await control.post(f"more {number}")
        await control.wait_for_requests(method="GET", path=path, after=seen)
    assert event.message_id == int(edited)
    assert await bot.judge.of(MessageEdited) == [event]
    assert kept not in {edited, back}
    assert await bot.judge.of(GapFound, BOT_STREAM) == []


async def test_where_nothing_is_missing_nothing_is_reported(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """The bot's own answers are no gap."""
    bot = await launch(**AUDIT)
    await control.post("ask one")
    await control.post("two")
    await bot.judge.expect(ReplySent)
    path = f"/channels/{sandbox.services.general.id}/messages"

    async def looked() -> bool:
        return bool(await control.requests(method="GET", path=path))

    await eventually(looked)
    seen = len(await control.requests(method="GET", path=path))
    await control.post("three")

    async def looked_again() -> bool:
        return len(await control.requests(method="GET", path=path)) > seen

    await eventually(looked_again)
    assert await bot.judge.of(GapFound, BOT_STREAM) == []
