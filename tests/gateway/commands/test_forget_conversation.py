"""`/forget-conversation`: a reset that people may do themselves, where a setting says so."""

from __future__ import annotations

from bot.core.events import CommandUsed, ConversationReset, ConversationRewound, ReplySent
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, labels, text_of
from tests.harness import Launch

NAME = "forget-conversation"


async def test_everybody_may_where_the_setting_says_so(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """It tells numbers and no words, takes it back at a press, and leaves alone what was changed since."""
    running = await launch(moderation={"forget_conversation": "everybody"})
    await moderator.registered()
    moderator.user = "alice"
    await control.post("ask a secret")
    await running.judge.expect(ReplySent)

    preview = await moderator.use(NAME)
    await moderator.press(preview, "Forget conversation")
    forgotten = await moderator.sees(preview, "I have forgotten")
    again = await moderator.use(NAME)
    await moderator.press(forgotten, "Undo")
    undone = await moderator.sees(preview, "I remember again")
    second = await moderator.use(NAME)
    await moderator.press(second, "Forget conversation")
    late = await moderator.sees(second, "I have forgotten")
    owner = Moderator(control)
    await owner.ask("undo")
    await moderator.press(late, "Undo")
    refused = await moderator.sees(second, "it stays as it is")

    assert text_of(preview).startswith("**I would forget 2 turns of this conversation.**")
    assert "secret" not in text_of(preview) + text_of(forgotten) + text_of(undone)
    assert text_of(again) == "I remember nothing of this conversation."
    assert labels(again) == labels(undone) == labels(refused) == []
    assert len({reset.by for reset in await running.judge.of(ConversationReset)}) == 1
    assert len(await running.judge.of(ConversationRewound)) == 2
    used = [use.command for use in await running.judge.of(CommandUsed)]
    assert used[:4] == [f"{NAME} preview", NAME, f"{NAME} preview", f"{NAME} undo"]
    (listed,) = [command for command in await control.commands() if command["name"] == NAME]
    assert listed["default_member_permissions"] is None


async def test_everybody_may_in_their_direct_messages(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """By the setting for that; in a channel it is for moderators then, as it is by default everywhere."""
    running = await launch(moderation={"forget_conversation": "direct"})
    await moderator.registered()
    alice = Moderator(control, "alice", (await control.open_dm("alice"))["id"])
    await control.post("ask it", channel=alice.channel)
    await control.post("nothing for you")
    await running.judge.expect(ReplySent)

    preview = await alice.use(NAME)
    await alice.press(preview, "Forget conversation")
    await alice.sees(preview, "I have forgotten 2 turns")
    alice.channel = "general"
    refused, allowed = text_of(await alice.use(NAME)), text_of(await moderator.use(NAME))

    assert "You may not use this command" in refused
    assert "I would forget 1 turn of" in allowed
    assert len(await running.judge.of(ConversationReset)) == 1
