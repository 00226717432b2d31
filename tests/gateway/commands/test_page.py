"""``/page``: a moderator's link, and what is seen behind it: what Discord shows them at that moment."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import aiohttp
import pytest

from bot.core.events import CommandUsed, MessageReceived, RepliesPaused
from bot.gateway.commands import sight
from bot.moderation.page import HERE, OFF
from bot.page.acting import ACTIONS
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.gateway.commands.looking import Looking
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import Launch
from tests.ports import free_port
from tests.waiting import eventually


async def test_a_moderator_sees_what_discord_shows_them_at_that_moment(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel that is closed to them, another server, direct messages: none of it; nothing without the permission."""
    monkeypatch.setattr(sight, "KEPT_SECONDS", 0.0)
    port = free_port()
    bot = await launch(telemetry={"port": port}, page={"enabled": True})
    await Moderator(control).registered()
    await control.create_channel("staff", guild="Sandbox")
    await control.call("POST", "/guilds", {"name": "Second", "owner": "bob"})
    await control.create_channel("theirs", guild="Second")
    direct = (await control.open_dm("alice"))["id"]
    posted = [await control.post("hello", channel=each) for each in ("general", "staff", "theirs")]
    general, staff, theirs = (each["channel_id"] for each in posted)
    await control.post("hello", channel=direct, author="alice")
    await bot.judge.expect(MessageReceived, 4)
    role = {"name": "mods", "permissions": ["MANAGE_GUILD"], "users": ["alice"]}
    await control.call("POST", "/roles", role)

    async with AsyncExitStack() as stack:
        jars = [aiohttp.CookieJar(unsafe=True) for _ in range(2)]
        clients = [await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar)) for jar in jars]
        hers, his = (Looking(client, f"http://127.0.0.1:{port}") for client in clients)
        answer = await Moderator(control, "alice").use("page")
        assert answer["original"]["ephemeral"]
        await hers.enter(text_of(answer))
        await his.enter(text_of(await Moderator(control, "bob", theirs).use("page")))

        assert await hers.listed() == {general, staff}
        assert await his.listed() == {theirs}
        assert [await his.status(each) for each in (general, staff, theirs, direct)] == [404, 404, 200, 404]
        # A connection that ends leaves it open who they are.
        await control.add_fault("fin", method="GET", path="/guilds/*/members/*", count=2)
        assert [await hers.status(general), await hers.status(general)] == [404, 200]
        await control.set_permissions("staff", deny=["VIEW_CHANNEL"], target="alice")
        await eventually(partial(hers.is_closed, staff))
        assert await hers.listed() == {general}
        assert [await hers.status(each) for each in (general, theirs, direct)] == [200, 404, 404]
    assert {use.outcome for use in await bot.judge.expect(CommandUsed, 2)} == {"done"}


async def test_a_moderator_acts_on_the_page_as_in_discord(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """With the same permissions, the same events and the same records; another server's moderator with none of it.

    Discord is asked anew who acts; who looks on meanwhile is not refused. Who loses the role may not act from that
    moment on, though what they see is believed for some seconds more.
    """
    port, carol = free_port(), await control.create_user("carol")
    people = {"commands": {"page": {"people": [int(carol["id"])]}}}
    bot = await launch(telemetry={"port": port}, page={"enabled": True}, moderation=people)
    await Moderator(control).registered()
    await control.call("POST", "/guilds", {"name": "Second", "owner": "bob"})
    await control.create_channel("theirs", guild="Second")
    theirs = (await control.post("hello", channel="theirs"))["channel_id"]
    asked = await control.post("ask one")
    general = asked["channel_id"]
    await bot.judge.expect(MessageReceived, 2)
    await bot.judge.settled(general)
    role = {"name": "mods", "permissions": ["MANAGE_GUILD"], "users": ["alice"]}
    await control.call("POST", "/roles", role)

    async with AsyncExitStack() as stack:

        async def looking(person: str, channel: str) -> Looking:
            jar = aiohttp.CookieJar(unsafe=True)
            client = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
            there = Looking(client, f"http://127.0.0.1:{port}")
            await there.enter(text_of(await Moderator(control, person, channel).use("page")))
            return there

        hers, his, carols = [
            await looking(*each) for each in (("alice", "general"), ("bob", theirs), ("carol", "general"))
        ]
        before = await bot.judge.state(general)
        for command in ACTIONS:
            fields = {"to": "1", "message": asked["id"]}
            assert (await his.act(general, command, **fields))[0] == 404
            status, told = await carols.act(general, command, **fields)
            assert (status, "You may not use this command" in told) == (403, True)
        assert await bot.judge.state(general) == before
        assert await carols.status(general) == 200

        assert (await hers.act(general, "pause"))[0] == 200
        await control.add_fault("delay", method="GET", path="/guilds/*/members/*", when="before", seconds=0.2, count=1)
        acting = asyncio.create_task(hers.act(general, "resume"))
        while not acting.done():
            assert await hers.status(general) == 200
        assert (await acting)[0] == 200
        assert (await hers.act(general, "again", message=asked["id"]))[0] == 200
        alice = (await bot.judge.of(MessageReceived, general))[0].author_id
        assert [each.by for each in await bot.judge.of(RepliesPaused, general)] == [str(alice)]
        await bot.judge.settled(general)

        guild = next(each for each in sandbox.world.guilds.values() if each.name == "Sandbox")
        mods = next(each for each in guild.roles.values() if each.name == "mods")
        sandbox.world.take_role(guild, guild.members[alice], mods)
        assert (await hers.act(general, "pause"))[0] == 404

    uses = await bot.judge.of(CommandUsed)
    refused = [(use.command, use.user_id == int(carol["id"])) for use in uses if use.outcome == "refused"]
    named = [f"{name} preview" if name == "rewind" else name for name in ACTIONS]
    assert refused == [*((name, whose) for name in named for whose in (False, True)), ("pause", False)]
    done = [use.command for use in uses if use.outcome == "done" and use.user_id == alice]
    assert done == ["page", "pause", "resume", "again"]


@pytest.mark.parametrize(("enabled", "server", "said"), [(False, True, OFF), (True, False, HERE)])
async def test_without_a_page_or_a_server_there_is_no_link(
    launch: Launch, control: ControlClient, *, enabled: bool, server: bool, said: str
) -> None:
    """It says who can change that, and where to ask: in private not even an owner gets other people's channels."""
    dora = await control.create_user("dora")
    owner = {"owner": [int(dora["id"])]}
    await launch(moderation=owner, telemetry={"port": free_port()}, page={"enabled": enabled})
    await Moderator(control).registered()
    channel = "general" if server else (await control.open_dm("dora"))["id"]

    assert said in text_of(await Moderator(control, "owner" if server else "dora", channel).use("page"))
