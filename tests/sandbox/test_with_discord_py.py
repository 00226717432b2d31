from __future__ import annotations

import discord
import pytest

from bot.sandbox.control_client import ControlClient
from tests.sandbox.conftest import StartBot


async def test_it_gets_ready_with_its_guild_and_channel(start_bot: StartBot) -> None:
    """Login, READY and GUILD_CREATE satisfy an unmodified client."""
    bot = await start_bot()

    assert [guild.name for guild in bot.guilds] == ["Sandbox"]
    assert [channel.name for channel in bot.guilds[0].text_channels] == ["general"]
    assert bot.user is not None
    assert bot.user.bot


async def test_it_reads_a_message_and_replies_with_a_nonce(start_bot: StartBot, control: ControlClient) -> None:
    """The nonce is in the answer and in the echo, the reference in the report."""
    bot = await start_bot()
    posted = await control.post("ping", author="alice")

    message = await bot.expect("message")
    reply = await message.reply("pong", nonce=f"{message.id}.0", mention_author=False)

    assert (message.content, message.author.name, message.id) == ("ping", "alice", int(posted["id"]))
    assert reply.nonce == f"{message.id}.0"
    assert (await bot.expect("message")).nonce == f"{message.id}.0"
    [row] = (await control.report(answered=True))["messages"]
    assert [(item["content"], item["reference"], item["nonce"]) for item in row["replies"]] == [
        ("pong", posted["id"], f"{message.id}.0")
    ]


async def test_the_same_nonce_brings_back_the_old_message(start_bot: StartBot, control: ControlClient) -> None:
    """Whatever the new text says."""
    bot = await start_bot()
    channel = bot.guilds[0].text_channels[0]

    first = await channel.send("one", nonce="n")
    second = await channel.send("two", nonce="n")

    assert (second.id, second.content) == (first.id, "one")
    assert (await control.counts(bot=True))["total"] == 1


async def test_a_nonce_whose_message_was_deleted_is_an_unknown_message(start_bot: StartBot) -> None:
    """404 10008, as the docs of discord.py promise."""
    bot = await start_bot()
    channel = bot.guilds[0].text_channels[0]
    await (await channel.send("one", nonce="n")).delete()

    with pytest.raises(discord.NotFound) as caught:
        await channel.send("one", nonce="n")

    assert caught.value.code == 10008


async def test_history_pages_through_everything_without_nonces(start_bot: StartBot, control: ControlClient) -> None:
    """Three pages, oldest first."""
    await control.post_many({"content": str(number)} for number in range(250))
    bot = await start_bot()
    channel = bot.guilds[0].text_channels[0]
    await channel.send("mine", nonce="n")

    read = [message async for message in channel.history(limit=None, after=discord.Object(1), oldest_first=True)]

    assert [message.content for message in read] == [*map(str, range(250)), "mine"]
    assert read[-1].nonce is None


async def test_it_sees_edits_deletions_and_reactions(start_bot: StartBot, control: ControlClient) -> None:
    """Each raw event arrives with its ids."""
    bot = await start_bot()
    ids = [(await control.post(text))["id"] for text in ("a", "b", "c")]

    await control.edit(ids[0], "A")
    edited = await bot.expect("raw_message_edit")
    await control.react(ids[0], "👍")
    reacted = await bot.expect("raw_reaction_add")
    await control.unreact(ids[0], "👍")
    unreacted = await bot.expect("raw_reaction_remove")
    await control.delete(ids[0])
    deleted = await bot.expect("raw_message_delete")
    await control.bulk_delete(ids[1:])
    gone = await bot.expect("raw_bulk_message_delete")

    assert edited.message.content == "A"
    assert edited.message.edited_at is not None
    assert (reacted.message_id, str(reacted.emoji)) == (int(ids[0]), "👍")
    assert unreacted.message_id == int(ids[0])
    assert deleted.message_id == int(ids[0])
    assert gone.message_ids == {int(ids[1]), int(ids[2])}


async def test_it_edits_deletes_reacts_and_types(start_bot: StartBot, control: ControlClient) -> None:
    """The other direction, by the methods a bot uses."""
    bot = await start_bot()
    message = await bot.guilds[0].text_channels[0].send("first")

    await message.edit(content="second")
    await message.add_reaction("👀")
    assert bot.user is not None
    await message.remove_reaction("👀", bot.user)
    await message.add_reaction("👍")
    async with message.channel.typing():
        pass
    record = (await control.messages(bot=True))[0]
    await message.delete()

    assert (record["content"], record["edited_at"] is not None) == ("second", True)
    assert record["reactions"] == [{"emoji": "👍", "users": ["sandbox-bot"]}]
    assert (await control.messages(bot=True))[0]["deleted"]
    await control.wait_for_requests(path="/channels/*/typing")


async def test_a_private_message_has_no_guild_and_can_be_answered(start_bot: StartBot, control: ControlClient) -> None:
    """The channel is announced by its first message alone."""
    bot = await start_bot()
    channel = await control.open_dm("alice")
    await control.post("psst", channel=channel["id"], author="alice")

    message = await bot.expect("message")
    await message.reply("yes?")

    assert message.guild is None
    assert isinstance(message.channel, discord.DMChannel)
    assert [item["content"] for item in await control.messages(channel=channel["id"])] == ["psst", "yes?"]


async def test_it_opens_a_private_channel_by_itself(start_bot: StartBot, control: ControlClient) -> None:
    """POST /users/@me/channels, then a message."""
    alice = await control.create_user("alice")
    bot = await start_bot()

    user = discord.Object(int(alice["id"]))
    channel = await bot.create_dm(user)
    await channel.send("hello")

    assert [item["content"] for item in await control.messages(bot=True)] == ["hello"]


async def test_a_message_in_a_thread_has_the_threads_id(start_bot: StartBot, control: ControlClient) -> None:
    """A thread made from a message has that message's id."""
    bot = await start_bot()
    start = await control.post("let us talk")
    thread = await control.create_thread("talk", message=start["id"])
    await control.post("here", channel=thread["id"])
    await bot.expect("thread_create")

    message = await bot.expect("message")
    await message.reply("there")

    assert thread["id"] == start["id"]
    assert isinstance(message.channel, discord.Thread)
    assert (message.channel.id, message.channel.name) == (int(thread["id"]), "talk")
    assert [item.id for item in await bot.guilds[0].active_threads()] == [int(thread["id"])]


async def test_it_starts_threads(start_bot: StartBot, control: ControlClient) -> None:
    """From its own message, and writes into it."""
    bot = await start_bot()
    message = await bot.guilds[0].text_channels[0].send("hello")

    thread = await message.create_thread(name="on hello")
    await thread.send("inside")

    assert thread.id == message.id
    assert [item["content"] for item in await control.messages(channel=str(thread.id))] == ["hello", "inside"][1:]


async def test_it_hears_of_new_and_lost_channels_threads_and_guilds(
    start_bot: StartBot, control: ControlClient
) -> None:
    """An outage of a guild is told apart from leaving it."""
    bot = await start_bot()
    channel = await control.create_channel("help")
    await bot.expect("guild_channel_create")
    thread = await control.create_thread("t", channel="help")
    await bot.expect("thread_create")
    await control.delete_channel(thread["id"])
    await bot.expect("raw_thread_delete")
    await control.delete_channel(channel["id"])
    await bot.expect("guild_channel_delete")

    guild = await control.create_guild("Second")
    joined = await bot.expect("guild_join")
    await control.set_guild_unavailable("Second", unavailable=True)
    await bot.expect("guild_unavailable")
    await control.set_guild_unavailable("Second", unavailable=False)
    await bot.expect("guild_available")
    await control.delete_guild(guild["id"])

    assert (await bot.expect("guild_remove")).id == joined.id == int(guild["id"])


async def test_webhook_messages_are_not_by_a_member(start_bot: StartBot, control: ControlClient) -> None:
    """They come with webhook_id and a bot's face."""
    bot = await start_bot()
    made = await control.create_webhook("builds")
    webhook = discord.Webhook.partial(int(made["id"]), made["token"], client=bot)

    sent = await webhook.send("green", wait=True)
    message = await bot.expect("message")

    assert (message.webhook_id, message.content, message.id) == (int(made["id"]), "green", sent.id)
    assert message.author.bot
