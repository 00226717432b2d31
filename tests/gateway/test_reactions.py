"""Reactions to the bot's messages."""

from __future__ import annotations

import pytest

from bot.core.events import Feeling, ReactionAdded, ReactionRemoved, ReplySent
from bot.moderation.usage import collect
from bot.sandbox.control_client import ControlClient
from tests.erasing import ERASE
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
    why = await bot.moderation.why(int(asked["channel_id"]), int(asked["id"]))
    assert why.data["reactions"] == {"up": 1, "down": 1, "other": 1}
    assert "reactions: 1 down, 1 other, 1 up" in why.lines


@pytest.mark.parametrize(
    ("emoji", "left"),
    [
        pytest.param(None, {}, id="all"),
        pytest.param("👍", {"down": 1, "other": 1}, id="of one emoji"),
    ],
)
async def test_a_moderator_takes_reactions_off(
    launch: Launch, control: ControlClient, emoji: str | None, left: dict[str, int]
) -> None:
    """Each that is left is taken back, once; one given again afterwards counts again."""
    bot = await launch()
    asked = await control.post("ask one")
    (sent,) = await bot.judge.expect(ReplySent)
    answer = str(sent.sent_id)
    for name, user in (("👍", "alice"), ("👍", "bob"), ("👎", "alice"), ("blob:1234567", "bob")):
        await control.react(answer, name, user=user)
    await control.unreact(answer, "👍")

    await control.clear_reactions(answer, emoji)
    await control.clear_reactions(answer, emoji)
    await control.react(answer, "👍", user="bob")
    await bot.judge.expect(ReactionAdded, 5)

    why = await bot.moderation.why(int(asked["channel_id"]), int(asked["id"]))
    assert why.data["reactions"] == {**left, "up": 1}
    assert dict((await collect(bot.bot.log.reader)).reactions) == {**left, "up": 1}
    removed = await bot.judge.of(ReactionRemoved)
    assert len(removed) == (4 if emoji is None else 2)
    words = await bot.judge.words(asked["channel_id"], ReactionRemoved)
    assert {body.text for body in words} == ({"👍", "👎", "blob"} if emoji is None else {"👍"})


async def test_reactions_whose_emoji_is_erased_are_taken_off_by_what_they_say(
    launch: Launch, control: ControlClient
) -> None:
    """A thumb up is one without its word, too."""
    bot = await launch()
    await control.post("ask one")
    (sent,) = await bot.judge.expect(ReplySent)
    await control.react(str(sent.sent_id), "👍", user="bob")
    await control.react(str(sent.sent_id), "👎", user="bob")
    await bot.judge.expect(ReactionAdded, 2)
    await bot.bot.log._writer.connection.run(lambda connection: connection.execute(ERASE))

    await control.clear_reactions(str(sent.sent_id), "👍")
    (removed,) = await bot.judge.expect(ReactionRemoved)

    assert removed.feeling is Feeling.UP
