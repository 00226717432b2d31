from __future__ import annotations

import asyncio

import discord
import pytest

from bot.sandbox.control_client import ControlClient
from tests.sandbox.conftest import Connect, Rest, StartBot

MEMBERS = discord.Intents.default()
MEMBERS.members = True
MEMBERS.presences = False


async def roles_of(control: ControlClient, user: str) -> list[str]:
    """Return the names of a person's roles."""
    [guild] = (await control.world())["guilds"]
    return [role["name"] for role in guild["roles"] if user in role["users"]]


async def test_roles_are_given_and_taken_and_members_are_told_of(start_bot: StartBot, control: ControlClient) -> None:
    """Twice is as good as once; all members come with the start, where the intent is there."""
    regular = await control.create_role("Regular")
    await control.create_role("bots", permissions=["MANAGE_ROLES"], users=["sandbox-bot", "alice"])
    bot = await start_bot(MEMBERS)
    guild = bot.guilds[0]
    alice = guild.get_member_named("alice")
    role = discord.Object(int(regular["id"]))
    assert alice is not None

    for _ in range(2):
        await alice.add_roles(role)
        assert await roles_of(control, "alice") == ["Regular", "bots"]
    assert await bot.expect("member_update") == alice
    assert [each.name for each in alice.roles] == ["@everyone", "Regular", "bots"]
    for _ in range(2):
        await alice.remove_roles(role)
        assert await roles_of(control, "alice") == ["bots"]


async def test_members_are_found_by_name_and_by_id(start_bot: StartBot, control: ControlClient) -> None:
    """Without the intent for all of them."""
    await control.create_role("x", users=["alice", "albert", "bob"])
    bot = await start_bot()
    [guild] = bot.guilds
    alice, albert = await guild.query_members("AL", limit=5)

    assert [alice.name, albert.name] == ["alice", "albert"]
    assert [each.name for each in await guild.query_members(user_ids=[albert.id, 5])] == ["albert"]
    assert await guild.query_members("nobody") == []


async def test_all_members_come_in_thousands_and_only_with_the_intent(connect: Connect, control: ControlClient) -> None:
    """1,203 of them in two chunks; who has no intent hears nothing."""
    await control.create_role("x", users=[f"member-{number}" for number in range(1201)])
    [guild] = (await control.world())["guilds"]
    bare, socket = await connect(intents=1), await connect(intents=3)
    await asyncio.gather(bare.expect("GUILD_CREATE"), socket.expect("GUILD_CREATE"))

    for each in (bare, socket):
        await each.send(8, {"guild_id": guild["id"], "query": "", "limit": 0, "nonce": "n"})
        await each.send(8, {"guild_id": guild["id"], "query": "member-7", "limit": 2, "nonce": "o"})
    chunks = [await socket.expect("GUILD_MEMBERS_CHUNK") for _ in range(2)]

    assert [(len(each["members"]), each["chunk_index"], each["chunk_count"], each["nonce"]) for each in chunks] == [
        (1000, 0, 2, "n"),
        (203, 1, 2, "n"),
    ]
    assert (await bare.expect("GUILD_MEMBERS_CHUNK"))["nonce"] == "o"


async def test_people_are_added_to_a_thread_and_removed(start_bot: StartBot, control: ControlClient) -> None:
    """Discord tells of it where the bot has the intent for members."""
    await control.create_role("x", users=["alice"])
    bot = await start_bot(MEMBERS)
    channel = bot.guilds[0].text_channels[0]
    alice = bot.guilds[0].get_member_named("alice")
    assert alice is not None
    assert bot.user is not None
    thread = await channel.create_thread(name="ours", invitable=False)

    await thread.add_user(alice)
    await thread.add_user(alice)
    assert {member.id for member in await thread.fetch_members()} == {alice.id, bot.user.id}
    assert (await bot.expect("thread_member_join")).id == alice.id
    await thread.remove_user(alice)
    assert (await bot.expect("thread_member_remove")).id == alice.id
    assert [member.id for member in await thread.fetch_members()] == [bot.user.id]
    told = [(message.type, message.mentions) async for message in thread.history(oldest_first=True)]
    assert told == [(discord.MessageType.recipient_add, [alice]), (discord.MessageType.recipient_remove, [alice])]
    with pytest.raises(discord.NotFound):
        await thread.add_user(discord.Object(5))


async def test_a_private_thread_is_there_for_its_members_and_for_who_manages_threads(
    start_bot: StartBot, rest: Rest, control: ControlClient
) -> None:
    """Archived or not; a bot that is added is told of it. Members of an archived one stay as they are."""
    other = {"Authorization": "Bot t2"}
    await control.call("POST", "/applications", {"name": "other-bot", "token": "t2"})
    bot = await start_bot()
    [channel] = bot.guilds[0].text_channels
    assert bot.user
    made = await rest("POST", f"/channels/{channel.id}/threads", {"name": "staff", "type": 12}, headers=other)
    thread, here = int(made.body["id"]), f"/channels/{made.body['id']}"

    with pytest.raises(discord.Forbidden):
        await bot.fetch_channel(thread)
    await rest("PUT", f"{here}/thread-members/{bot.user.id}", headers=other)
    joined = await bot.expect("thread_join")
    await rest("PATCH", here, {"archived": True}, headers=other)
    await bot.expect("thread_update")
    found = await bot.fetch_channel(thread)
    assert isinstance(found, discord.Thread)
    assert (joined.id, found.archived, found.is_private()) == (thread, True, True)
    assert bot.get_channel(thread) is None
    kept = await rest("DELETE", f"{here}/thread-members/@me")
    await rest("PATCH", here, {"archived": False}, headers=other)
    assert (kept.status, kept.body["code"]) == (400, 50083)
    await rest("DELETE", f"{here}/thread-members/@me")
    with pytest.raises(discord.Forbidden):
        await bot.fetch_channel(thread)
    await control.create_role("mods", permissions=["MANAGE_THREADS"], users=["sandbox-bot"])
    assert (await bot.fetch_channel(thread)).id == thread
