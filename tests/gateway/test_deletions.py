"""What is deleted in Discord loses its words in the log, and what belongs to it does, too."""

from __future__ import annotations

import pytest

from bot.core.events import (
    Author,
    ChannelDeleted,
    MessageDeleted,
    MessageReceived,
    ReplySent,
    ServerLeft,
    ThreadSeen,
    Via,
    WordsErased,
)
from bot.eventlog.verify import verify
from bot.gateway.after_deletion import NOTE, AfterDeletion
from bot.gateway.incoming import Incoming
from bot.gateway.places import Place
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator
from tests.harness import Launch, RunningBot
from tests.waiting import eventually


async def words(bot: RunningBot) -> set[str]:
    """Return every word that the log holds."""
    positions = [recorded.position for recorded in await bot.judge.all()]
    bodies = (await bot.judge.reader.bodies(positions)).values()
    return {word for body in bodies for part in (*body.parts, *body.files) for word in part.split()}


async def gone(bot: RunningBot, *erased: str) -> set[str]:
    """Wait until the log holds none of some words, and return those that it holds."""

    async def without() -> bool:
        return (await words(bot)).isdisjoint(erased)

    await eventually(without)
    return await words(bot)


async def whole(bot: RunningBot) -> bool:
    """Tell whether nothing is wrong with the log."""
    return not [fault async for progress in verify(bot.judge.reader) for fault in progress.findings]


async def test_deleted_messages_lose_their_words(launch: Launch, control: ControlClient) -> None:
    """One, in bulk, edited before, of the bot itself; others keep theirs, and so do answers without the setting."""
    bot = await launch()
    files = [{"filename": "cv.pdf", "content_type": "application/pdf", "size": 10}]
    single = await control.post("aks single", attachments=files)
    await control.edit(single["id"], "ask single")
    bulk = await control.post_many([{"content": f"bulk{number}"} for number in range(3)])
    asked = await control.post("ask answered")
    own = await control.post("ask quoted")
    sent = await bot.judge.expect(ReplySent, 2)
    assert await words(bot) >= {"aks", "single", "cv.pdf", "bulk0", "re:", "answered", "quoted"}

    await control.delete(single["id"])
    await control.bulk_delete(bulk[:2])
    await control.delete(asked["id"])
    await control.delete(str(next(each.sent_id for each in sent if each.message_id == int(own["id"]))))

    await bot.judge.expect(MessageDeleted, 5)
    left = await gone(bot, "single", "aks", "cv.pdf", "bulk0", "bulk1")
    assert left == {"bulk2", "re:", "answered", "ask", "quoted"}
    await bot.judge.expect(WordsErased)
    assert await whole(bot)

    # A page of history that was read before brings no word back.
    incoming = Incoming(
        int(asked["channel_id"]), int(asked["id"]), 7, Author.PERSON, "alice", "ask again", 1, edited_at=9
    )
    place = Place(incoming.channel_id, None, int(asked["guild_id"] or 0))
    assert bot.bot.intake.message(incoming, place, Via.CATCHUP, 1) is None
    assert bot.bot.intake.edit(incoming, place, 1) is None
    assert not await bot.bot.intake.edited_unseen(incoming, place, 1)


def _crash_after_deletions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a bot record deletions and do nothing of what follows, as one that is killed then."""

    async def unnoted(_: AfterDeletion, _position: int) -> None:
        return

    monkeypatch.setattr(AfterDeletion, "begin", lambda *_: None)
    monkeypatch.setattr(AfterDeletion, "_note", unnoted)


async def test_answers_go_with_their_question_by_setting(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that a crash left."""
    setting = {"privacy": {"erase_answers": True}}
    bot = await launch(**setting)
    first, second = [(await control.post(f"ask {name}"))["id"] for name in ("first", "second")]
    await bot.judge.expect(ReplySent, 2)

    await control.delete(first)
    assert await gone(bot, "first") == {"ask", "re:", "second"}

    with monkeypatch.context() as crashing:
        _crash_after_deletions(crashing)
        await control.delete(second)
        await bot.judge.expect(MessageDeleted, 2)
        assert await words(bot) == {"re:", "second"}
        await bot.stop()
    bot = await launch(**setting)
    assert await words(bot) == set()
    assert await whole(bot)
    receipts = len(await bot.judge.of(WordsErased))
    await bot.stop()
    bot = await launch(**setting)
    assert len(await bot.judge.of(WordsErased)) == receipts


async def test_a_deleted_channel_takes_its_threads_along(launch: Launch, control: ControlClient) -> None:
    """Also those that are archived, which Discord does not name; and where nothing is recorded any more."""
    bot = await launch()
    other = await control.create_channel("other")
    channel = await control.create_channel("doomed")
    archived, active = [await control.create_thread(name, channel=channel["id"]) for name in ("old", "new")]
    for place in (channel["id"], archived["id"], active["id"], "general", "other"):
        await control.post(f"in-{place}", channel=place)
    await bot.judge.expect(MessageReceived, 5)
    assert len(await bot.judge.expect(ThreadSeen, 2)) == 2
    await control.change_thread(archived["id"], archived=True)
    client = bot.supervisor.client
    assert client is not None
    await eventually(lambda: client.get_channel(int(archived["id"])) is None)

    await control.delete_channel(channel["id"])

    assert await gone(bot, f"in-{channel['id']}", f"in-{archived['id']}", f"in-{active['id']}") == {
        "in-general",
        "in-other",
    }
    assert len(await bot.judge.expect(ChannelDeleted, 3)) == 3
    await bot.stop()

    bot = await launch(channels={"record": [1]})
    await control.delete((await control.messages(contains="in-general"))[0]["id"])
    await control.delete_channel(other["id"])
    assert await gone(bot, "in-general", "in-other") == set()
    assert await whole(bot)


async def test_a_server_that_is_left_loses_its_words_and_one_in_an_outage_none(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own stream too, also what a crash left."""
    bot, moderator = await launch(), Moderator(control)
    await moderator.registered()
    guilds = [await control.create_guild(name) for name in ("One", "Two")]
    rooms = [await control.create_channel("room", guild=guild["id"]) for guild in guilds]
    threads = [await control.create_thread("aside", channel=room["id"]) for room in rooms]
    for place in (*rooms, *threads):
        await control.post(f"in-{place['id']}", channel=place["id"])
    for room in rooms:
        moderator.channel = room["id"]
        await moderator.use("persona set", {"text": f"persona-{room['id']}", "scope": "server"})
    await control.post("stays")
    await bot.judge.expect(MessageReceived, 5)
    for thread in threads:
        await control.change_thread(thread["id"], archived=True)
    told = await words(bot)

    await control.set_guild_unavailable("One", unavailable=True)
    await control.set_guild_unavailable("One", unavailable=False)
    await control.post("still", channel="general")
    await bot.judge.expect(MessageReceived, 6)
    assert await words(bot) >= told

    await control.delete_guild(guilds[0]["id"])
    of_one = {f"in-{rooms[0]['id']}", f"in-{threads[0]['id']}", f"persona-{rooms[0]['id']}"}
    left = await gone(bot, *of_one)
    assert left >= {"stays", "still", f"in-{rooms[1]['id']}", f"persona-{rooms[1]['id']}"}

    with monkeypatch.context() as crashing:
        _crash_after_deletions(crashing)
        await control.delete_guild(guilds[1]["id"])
        await bot.judge.expect(ServerLeft, 2)
        await bot.judge.expect(ChannelDeleted, 2)
        assert f"persona-{rooms[1]['id']}" in await words(bot)
        await bot.stop()
    bot = await launch()
    assert await words(bot) == {"stays", "still"}
    assert await bot.judge.reader.noted(NOTE)
    assert await whole(bot)
