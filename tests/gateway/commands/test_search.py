"""Words are found in Discord and on the command line, by those who may see them, until they are erased."""

from __future__ import annotations

import asyncio
import json
import re
from itertools import count
from pathlib import Path

from click.testing import CliRunner

from bot.cli.main import echoless
from bot.consumers.search import Search
from bot.core.events import MessageDeleted, MessageEdited, MessageReceived, ReplySent, WordsErased
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, Record, labels, text_of
from tests.harness import Launch, RunningBot
from tests.torture.grep import found_in
from tests.waiting import eventually

UNSEEN = "no such channel that you can see"
SEARCH: dict[str, object] = {"search": {}}


async def _read(running: RunningBot) -> None:
    """Wait until the index has seen everything."""
    await eventually(lambda: not running.bot.consumers.lag("search"))


async def _typed(folder: Path, *words: str) -> list[Record]:
    """Search on the command line; return what it says for machines."""
    ran = await asyncio.to_thread(CliRunner().invoke, echoless, ["search", *words, "--log", str(folder), "--json"])
    assert ran.exit_code == 0, ran.output
    return [json.loads(line) for line in ran.output.splitlines()]


async def test_words_are_found_until_they_are_erased(
    launch: Launch, control: ControlClient, moderator: Moderator, tmp_path: Path
) -> None:
    """An edit replaces them; a deletion and `/privacy forget-me` take them away. The terminal finds the same."""
    bot = await launch(consumers=SEARCH)
    await moderator.registered()
    asked = await control.post("ask zyxwvu **bold** ``` @everyone")
    await bot.judge.expect(ReplySent)
    edited = await control.post("zyxwvu before", author="bob")
    deleted = await control.post("zyxwvu deleted", author="bob")
    await bot.judge.expect(MessageReceived, 3)
    await _read(bot)

    answer = await moderator.use("search", {"words": "ZYXWVU"})
    by_bob = text_of(await moderator.use("search", {"words": "zyxwvu bef*", "channel": asked["channel_id"]}))
    refused = text_of(await Moderator(control, "alice").use("search", {"words": "zyxwvu"}))
    typed = await _typed(tmp_path / "log", "zyxwvu")

    assert text_of(answer).count("```") == 2
    assert (answer["original"]["ephemeral"], answer["original"]["mentions"]) == (True, [])
    link = f"https://discord.com/channels/{asked['guild_id']}/{asked['channel_id']}/{{}}"
    assert f"[1](<{link.format(deleted['id'])}>) · [2](<{link.format(edited['id'])}>)" in text_of(answer)
    assert f"[4](<{link.format(asked['id'])}>)" in text_of(answer)
    assert " 1  " in text_of(answer)
    assert "#general  bob: zyxwvu deleted" in text_of(answer)
    assert "#general  bot: re: zyxwvu" in text_of(answer)
    assert by_bob.count("zyxwvu") == 1
    assert "You may not use this command" in refused
    assert [row["excerpt"] for row in typed][:2] == ["zyxwvu deleted", "zyxwvu before"]
    assert len(typed) == 4
    assert found_in(tmp_path / "log", [b"zyxwvu"]) == []

    await control.edit(edited["id"], "zyxwvu after")
    await control.delete(deleted["id"])
    await bot.judge.expect(MessageEdited)
    await bot.judge.expect(MessageDeleted)
    alice = Moderator(control, "alice")
    await alice.press(await alice.use("privacy forget-me"), "Forget me")
    await bot.judge.expect(WordsErased)
    await _read(bot)

    left = text_of(await moderator.use("search", {"words": "zyxwvu"}))
    with_bot = await _typed(tmp_path / "log", "zyxwvu")
    index = bot.bot.context.index
    assert isinstance(index, Search)
    held = await index.looked(lambda raw: raw.execute("SELECT text FROM messages WHERE NOT replaced").fetchall())
    bytes_of_it = await index.looked(lambda raw: raw.serialize())
    await bot.stop()
    without_bot = await _typed(tmp_path / "log", "zyxwvu")

    assert "bob: zyxwvu after" in left
    assert left.count("zyxwvu") == 1
    assert with_bot == without_bot
    assert [row["excerpt"] for row in with_bot] == ["zyxwvu after"]
    assert held == [("zyxwvu after",)]
    assert (b"zyxwvu after" in bytes_of_it, b"zyxwvu deleted" in bytes_of_it) == (True, False)
    assert found_in(tmp_path / "log", [b"zyxwvu"]) == []


async def test_only_what_the_asker_can_see_is_found(launch: Launch, control: ControlClient) -> None:
    """No closed channel, no other server, nobody's direct messages; a page is turned by those who still may."""
    dora = await control.create_user("dora")
    bot = await launch(consumers=SEARCH, moderation={"owner": [int(dora["id"])]})
    await Moderator(control).registered()
    secret = (await control.create_channel("secret"))["id"]
    await control.call("POST", "/roles", {"name": "mods", "permissions": ["MANAGE_GUILD"], "users": ["bob"]})
    await control.set_permissions("secret", deny=["VIEW_CHANNEL"], target="bob")
    other = (await control.create_guild("Second", owner="eve"))["channel"]["id"]
    direct, doras = [(await control.open_dm(name))["id"] for name in ("alice", "dora")]
    thread = (await control.create_thread("a thread"))["id"]
    places = {"general": "alice", "secret": "alice", other: "eve", direct: "alice", doras: "dora", thread: "alice"}
    for channel, author in places.items():
        await control.post(f"zyxwvu {channel}", channel=channel, author=author)
    await bot.judge.expect(MessageReceived, len(places))
    await _read(bot)

    async def search(user: str, at: str = "general", **options: object) -> list[str]:
        answer = text_of(await Moderator(control, user, at).use("search", {"words": "zyxwvu", **options}))
        return [line.partition("zyxwvu ")[2] for line in answer.splitlines() if "zyxwvu " in line] or [answer]

    assert await search("bob") == [thread, "general"]
    assert await search("owner") == [thread, "secret", "general"]
    assert await search("owner", channel=secret) == ["secret"]
    assert await search("dora", doras) == [doras]
    for closed in (secret, other, direct):
        assert UNSEEN in (await search("bob", channel=closed))[0]
    assert UNSEEN in (await search("dora", doras, channel=secret))[0]


async def test_a_page_is_turned_by_those_who_still_may(launch: Launch, control: ControlClient) -> None:
    """Who lost sight of a channel between two pages has to ask again."""
    bot = await launch(consumers=SEARCH)
    moderator = Moderator(control, "bob")
    await moderator.registered()
    await control.call("POST", "/roles", {"name": "mods", "permissions": ["MANAGE_GUILD"], "users": ["bob"]})
    await control.create_channel("secret")
    await control.post_many(
        [{"content": f"zyxwvu {number}", "channel": "secret", "author": "alice"} for number in range(25)]
    )
    await bot.judge.expect(MessageReceived, 25)
    await _read(bot)

    shown = await moderator.use("search", {"words": "zyxwvu"})
    told = text_of(shown)
    for page in count(2):
        if "Next" not in labels(shown):
            break
        shown = await moderator.sees(await moderator.press(shown, "Next"), f"Page {page}")
        told += text_of(shown)
    await control.set_permissions("secret", deny=["VIEW_CHANNEL"], target="bob")
    pressed = await moderator.press(shown, "Previous")

    assert [int(number) for number in re.findall(r"zyxwvu (\d+)", told)] == [*reversed(range(25))]
    await moderator.sees(pressed, "Which channels you can see has changed")


async def test_what_a_moderator_searches_with_is_no_query_language(launch: Launch, control: ControlClient) -> None:
    """Without the consumer the command says how to get it."""
    await launch()
    await Moderator(control).registered()

    assert "[consumers.search]" in text_of(await Moderator(control).use("search", {"words": "one"}))
