"""Reactions to the bot's messages."""

from __future__ import annotations

from bot.core.events import Feeling, ReactionAdded, ReactionRemoved, ReplySent
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch


async def test_thumbs_on_the_bots_messages_are_events(launch: Launch, control: ControlClient) -> None:
    """Given, taken back and given again; a person's own message counts for nothing, and `why` counts what is left."""
    bot = await launch()
    asked = await control.post("ask one")
    (sent,) = await bot.judge.expect(ReplySent)
    answer = str(sent.sent_id)

    await control.react(asked["id"], "👍")
    await control.unreact(asked["id"], "👍")
    await control.react(answer, "👍")
    await control.unreact(answer, "👍")
    await control.react(answer, "👍🏽")
    await control.react(answer, "👎", user="bob")
    await control.react(answer, "blob:1234567", user="bob")
    added = await bot.judge.expect(ReactionAdded, 4)
    removed = await bot.judge.of(ReactionRemoved)

    assert {event.message_id for event in (*added, *removed)} == {sent.sent_id}
    assert [event.feeling for event in added] == [Feeling.UP, Feeling.UP, Feeling.DOWN, Feeling.OTHER]
    assert [event.feeling for event in removed] == [Feeling.UP]
    words = await bot.judge.words(asked["channel_id"], ReactionAdded)
    assert [body.text for body in words] == ["👍", "👍🏽", "👎", "blob"]
    why = await bot.bot.moderation.why(int(asked["channel_id"]), int(asked["id"]))
    assert why.data["reactions"] == {"up": 1, "down": 1, "other": 1}
    assert "reactions: 1 down, 1 other, 1 up" in why.lines
