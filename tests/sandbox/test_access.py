from __future__ import annotations

import discord
import pytest

from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import StartBot


async def test_permissions_are_those_of_the_channel(
    start_bot: StartBot, control: ControlClient, sandbox: Sandbox
) -> None:
    """Each missing permission refuses what it guards."""
    bot = await start_bot()
    channel = bot.guilds[0].text_channels[0]
    trigger = await control.post("hi")
    await bot.expect("message")

    await control.set_permissions("general", deny=["SEND_MESSAGES"])
    with pytest.raises(discord.Forbidden) as sending:
        await channel.send("no")
    await control.set_permissions("general", deny=["READ_MESSAGE_HISTORY"])
    read = [message async for message in channel.history()]
    with pytest.raises(discord.HTTPException) as replying:
        await channel.send(
            "no", reference=discord.MessageReference(message_id=int(trigger["id"]), channel_id=channel.id)
        )
    await control.set_permissions("general", deny=["VIEW_CHANNEL"])
    with pytest.raises(discord.Forbidden) as viewing:
        await channel.send("no")
    await control.post("unseen")
    await control.set_permissions("general")
    await control.post("seen")

    assert (sending.value.code, viewing.value.code, read) == (50013, 50001, [])
    assert replying.value.status in (400, 403)
    assert (await bot.expect("message")).content == "seen"
    assert (await control.counts(bot=True))["total"] == 0
    assert sandbox.services.general.id == channel.id


async def test_rate_limits_hold_without_losing_a_message(start_bot: StartBot, control: ControlClient) -> None:
    """discord.py waits as the headers tell it to."""
    await control.change_settings(message_rate="2/0.3")
    bot = await start_bot()
    channel = bot.guilds[0].text_channels[0]

    for number in range(5):
        await channel.send(str(number))

    assert [item["content"] for item in await control.messages(bot=True)] == list("01234")
    assert [item["status"] for item in await control.requests(method="POST")].count(200) == 5


async def test_the_wrong_token_is_refused_at_login(start_bot: StartBot, control: ControlClient) -> None:
    """401 becomes LoginFailure."""
    await control.change_settings(token="another.token")
    bot = await start_bot(ready=False)
    await control.change_settings(token="yet.another")

    assert bot.running is not None
    with pytest.raises(discord.LoginFailure):
        await bot.running


async def test_an_intent_that_is_not_switched_on_ends_the_client(start_bot: StartBot, control: ControlClient) -> None:
    """4014 becomes PrivilegedIntentsRequired."""
    await control.change_settings(denied_intents=["message_content"])
    bot = await start_bot(ready=False)

    assert bot.running is not None
    with pytest.raises(discord.PrivilegedIntentsRequired):
        await bot.running


async def test_without_the_content_intent_text_is_empty_but_for_mentions_own_and_private(
    start_bot: StartBot, control: ControlClient
) -> None:
    """The same over the gateway and in history."""
    await control.change_settings(denied_intents=["message_content"])
    bot = await start_bot(discord.Intents(guilds=True, guild_messages=True, dm_messages=True))
    private = await control.open_dm("alice")
    texts = []
    await control.post("secret", attachments=[{"filename": "a.txt", "size": 3}])
    hidden = await bot.expect("message")
    await control.post("look", mention="sandbox-bot")
    texts.append((await bot.expect("message")).content)
    await control.post("private", channel=private["id"])
    texts.append((await bot.expect("message")).content)
    await hidden.channel.send("own")
    texts.append((await bot.expect("message")).content)

    history = [message.content async for message in hidden.channel.history(oldest_first=True)]

    assert (hidden.content, hidden.attachments) == ("", [])
    assert bot.user is not None
    assert texts == [f"<@{bot.user.id}> look", "private", "own"]
    assert history == ["", f"<@{bot.user.id}> look", "own"]
