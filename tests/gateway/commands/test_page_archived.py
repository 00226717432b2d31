"""Archived threads on the page: a moderator sees those that Discord shows them, though the gateway names none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import aiohttp
import pytest

from bot.core.events import CatchupCompleted, ChannelDeleted, CommandUsed, MessageReceived, RepliesPaused, ThreadSeen
from bot.gateway.commands import archived_threads, sight
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.looking import Looking
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import Launch, RunningBot
from tests.ports import free_port
from tests.waiting import eventually

LISTS = "/channels/*/threads/archived/public"


@dataclass
class Place:
    """A server with a bot that may manage threads, and alice at the page, who moderates but may not."""

    bot: RunningBot
    control: ControlClient
    alice: Looking

    async def archived(self, name: str, channel: str = "general", *, private: bool = False) -> str:
        """Return a thread in which bob wrote, and that is archived."""
        thread = (await self.control.create_thread(name, channel=channel, owner="bob", private=private))["id"]
        await self.control.post(f"in {name}", channel=thread, author="bob")
        await self.bot.judge.expect(MessageReceived, 1, thread)
        # What is recorded of a thread has it asked for again.
        await self.bot.judge.expect(CatchupCompleted, 1, thread)
        await self.archive(thread)
        return thread

    async def archive(self, thread: str) -> None:
        """Archive a thread, and wait until the bot's client does not know it any more."""
        await self.control.change_thread(thread, archived=True)
        client = self.bot.supervisor.client
        assert client
        await eventually(lambda: client.get_channel(int(thread)) is None)

    async def lists(self, *threads: str) -> bool:
        """Tell whether just some threads are listed on the page."""
        return await self.alice.listed() == {*threads}

    async def asked(self, *threads: str) -> list[int]:
        """Return how often Discord was asked for each of some threads."""
        paths = [each["path"] for each in await self.control.requests(method="GET", path="/channels/*")]
        return [paths.count(f"/channels/{thread}") for thread in threads]

    async def asked_for_lists(self) -> int:
        """Return how often Discord was asked for a page of a channel's archived threads."""
        return len(await self.control.requests(method="GET", path=LISTS))


@pytest.fixture
async def place(launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """Return the server, the bot and the page."""
    monkeypatch.setattr(sight, "KEPT_SECONDS", 0.0)
    port = free_port()
    bot = await launch(telemetry={"port": port}, page={"enabled": True})
    await Moderator(control).registered()
    await control.create_role("mods", permissions=["MANAGE_GUILD"], users=["alice"])
    await control.create_role("bots", permissions=["MANAGE_THREADS"], users=["sandbox-bot"])
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        alice = Looking(client, f"http://127.0.0.1:{port}")
        await alice.enter(text_of(await Moderator(control, "alice").use("page")))
        yield Place(bot, control, alice)


async def test_a_moderator_sees_the_archived_threads_that_discord_shows_them(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A public one of a channel that they see; a private one with the permission to manage threads alone.

    Each is asked for once, alone or with the list of its channel, also what the bot itself may not see; none of a
    channel that is closed to them, and none of another server.
    """
    control, alice = place.control, place.alice
    for name in ("staff", "quiet"):
        await control.create_channel(name, guild="Sandbox")
    await control.set_permissions("staff", deny=["VIEW_CHANNEL"], target="alice")
    await control.create_guild("Second", owner="bob")
    await control.create_channel("theirs", guild="Second")
    public, hidden, staff, theirs = [
        await place.archived(f"old {channel}", channel) for channel in ("general", "quiet", "staff", "theirs")
    ]
    await control.set_permissions("quiet", deny=["VIEW_CHANNEL"])
    private = await place.archived("secret", private=True)
    threads = (public, private, hidden, staff, theirs)

    for _ in range(2):
        assert await alice.listed() == {public}
        assert [await alice.status(each) for each in threads] == [200, 404, 404, 404, 404]
    assert "old general" in await alice.page()
    assert "secret" not in await alice.page()
    assert await place.asked(*threads) == [0, 1, 1, 0, 0]
    assert await place.asked_for_lists() == 1

    assert [(await alice.act(each, "pause"))[0] for each in threads] == [200, 404, 404, 404, 404]
    assert len(await place.bot.judge.of(RepliesPaused, public)) == 1
    uses = [each for each in await place.bot.judge.expect(CommandUsed, 6) if each.command == "pause"]
    assert [each.outcome for each in uses] == ["done", *["refused"] * 4]

    await control.create_role("managers", permissions=["MANAGE_THREADS"], users=["alice"])
    assert await alice.listed() == {public, private}
    await control.set_permissions("quiet", allow=["VIEW_CHANNEL"])
    assert await alice.listed() == {public, private}
    monkeypatch.setattr(archived_threads, "FORBIDDEN_SECONDS", 0.0)
    assert await alice.listed() == {public, private, hidden}
    await control.set_permissions("general", deny=["READ_MESSAGE_HISTORY"], target="alice")
    await eventually(partial(alice.is_closed, public))
    assert await alice.listed() == {hidden}


async def test_an_archived_thread_that_is_deleted_in_an_outage_is_closed(place: Place) -> None:
    """Nobody tells the bot of that; it is asked for again once the server is back."""
    deleted, kept = [await place.archived(name) for name in ("deleted", "kept")]
    assert await place.alice.listed() == {deleted, kept}

    await place.control.set_guild_unavailable("Sandbox", unavailable=True)
    await place.control.delete_channel(deleted)
    await place.control.set_guild_unavailable("Sandbox", unavailable=False)

    await eventually(partial(place.lists, kept))
    assert not await place.bot.judge.of(ChannelDeleted)


@pytest.mark.long
async def test_an_archived_thread_that_is_deleted_between_two_sessions_is_closed(place: Place) -> None:
    """Nobody tells the bot of that either."""
    deleted, kept = [await place.archived(name) for name in ("deleted", "kept")]
    assert await place.alice.listed() == {deleted, kept}

    await place.control.gateway("drop", invalidate=True)
    await place.control.delete_channel(deleted)

    await eventually(partial(place.lists, kept))
    assert not await place.bot.judge.of(ChannelDeleted)


async def test_an_archived_thread_that_is_deleted_is_closed(place: Place) -> None:
    """Whether somebody looked at it before, looks just then, or after that.

    While Discord is away nothing is known of a thread, and it is asked for again.
    """
    control, alice = place.control, place.alice
    names = ("looked at", "seen", "delayed", "listed", "unseen")
    looked_at, seen, delayed, *_ = threads = [await place.archived(name) for name in names]
    await control.add_fault("status", method="GET", path=f"/channels/{delayed}", status=503, count=1)
    assert [await alice.status(each) for each in (seen, delayed, delayed)] == [200, 404, 200]
    slow = (f"/channels/{looked_at}", LISTS)
    for path in slow:
        await control.add_fault("delay", method="GET", path=path, when="after", seconds=0.3, count=1)
    looking = [asyncio.create_task(each) for each in (alice.status(looked_at), alice.listed())]
    for path in slow:
        await control.wait_for_requests(method="GET", path=path)

    for each in threads:
        await control.delete_channel(each)
    await place.bot.judge.expect(ChannelDeleted, 5)
    for each in threads:
        await place.bot.bot.conversations.settled(int(each))
    # Nearly always Discord's answers, from before the deletions, come after them.
    await asyncio.gather(*looking)
    assert await alice.listed() == set()
    asked = await place.asked(*threads)
    assert [await alice.status(each) for each in threads] == [404] * 5
    assert await alice.listed() == set()
    assert await place.asked(*threads) == asked


async def test_discord_is_asked_for_a_few_threads_at_a_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest first, the others the next time; once, however many look at the same time.

    What the list of a channel tells is not asked for alone.
    """
    monkeypatch.setattr(archived_threads, "MOST_ASKED", 3)
    monkeypatch.setattr(archived_threads, "PAGE", 2)
    private, *public = threads = [await place.archived(f"number {number}", private=not number) for number in range(7)]
    await place.bot.judge.expect(ThreadSeen, 7)

    # Two of the list, and two alone.
    assert await place.alice.listed() == {*public[2:]}
    assert (await place.asked(*threads), await place.asked_for_lists()) == ([0, 0, 0, 1, 1, 0, 0], 1)
    await asyncio.gather(*(place.alice.listed() for _ in range(5)))
    assert await place.alice.listed() == {*public}
    assert max(await place.asked(*threads)) == 1
    assert await place.asked(private) == [1]
    told = await place.asked_for_lists()
    assert await place.alice.listed() == {*public}
    assert await place.asked_for_lists() == told
    assert 2 <= told <= 4
