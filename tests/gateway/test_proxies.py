"""People whom a proxy bot speaks for, over a whole Discord: their copies are answered, and nothing twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from bot.core.events import (
    AbandonReason,
    Author,
    Call,
    KeyKind,
    MessageEdited,
    MessageReceived,
    MessageSkipped,
    ReplyAbandoned,
    ReplyRequested,
    ReplySent,
    SkipReason,
)
from bot.core.streams import stream_of
from bot.moderation.privacy import forget_me
from bot.sandbox.control.records import MessageRecord
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.gateway.test_addressed import Parrot, answers
from tests.harness import Launch, RunningBot, Spawn, judging

LONG = "1m"
"""A grace that no test waits for."""
PATTERN = r"\W*(k: )?ask (?P<what>\w+)\W*"


@dataclass
class Proxy:
    """A proxy bot: it posts what a person wrote once more, by a webhook and under another name, and deletes it."""

    control: ControlClient
    sandbox: Sandbox
    bot_id: str
    webhook: str

    async def copy(self, text: str, name: str = "Kit") -> str:
        """Post a copy and return its id."""
        async with aiohttp.ClientSession() as session:
            body = {"content": text, "username": name}
            async with session.post(f"{self.webhook}?wait=true", json=body) as response:
                return str((await response.json())["id"])

    async def edit(self, message_id: str, text: str) -> None:
        """Change a copy."""
        url = f"{self.webhook}/messages/{message_id}"
        async with aiohttp.ClientSession() as session, session.patch(url, json={"content": text}) as response:
            assert response.status == 200

    async def speak(self, post: MessageRecord, text: str, *, deletes_first: bool = False) -> str:
        """Put a copy in the place of a message, as PluralKit does, or the other way round."""
        if deletes_first:
            await self.control.delete(post["id"])
            return await self.copy(text)
        copy = await self.copy(text)
        await self.control.delete(post["id"])
        return copy


@pytest.fixture
async def proxy(control: ControlClient, sandbox: Sandbox) -> Proxy:
    """Have a proxy bot on the server."""
    bot = await control.create_user("pk", bot=True)
    await control.create_role("pk", bot="pk")
    made = await control.create_webhook("pk", bot="pk")
    url = f"{sandbox.services.addresses.api}/webhooks/{made['id']}/{made['token']}"
    return Proxy(control, sandbox, bot["id"], url)


def replies(proxy: Proxy, grace: str = LONG, **more: object) -> dict[str, object]:
    """Return settings for a server with the proxy bot."""
    return {"proxies": [proxy.bot_id], "proxy_grace": grace, **more}


async def received(bot: RunningBot, message_id: str | int) -> MessageReceived:
    """Return how a message was recorded."""
    [found] = [each for each in await bot.judge.of(MessageReceived) if each.message_id == int(message_id)]
    return found


async def test_the_copy_is_answered_in_place_of_the_original(
    launch: Launch, control: ControlClient, sandbox: Sandbox, proxy: Proxy
) -> None:
    """Whichever goes first; as a reply where the original was one; as the person's, whose words can be erased."""
    own, channel = f"<@{sandbox.services.application.user.id}>", sandbox.services.general.id
    bot = await launch(responder=Parrot(), replies=replies(proxy, edits=True))
    first = await control.post(f"k: {own} one")
    await bot.judge.expect(ReplyRequested)
    one = await proxy.speak(first, f"{own} one")
    [said] = await control.wait_for_messages(author="sandbox-bot")
    second = await control.post(f"[{own} two]")
    two = await proxy.speak(second, f"{own} two", deletes_first=True)
    await control.wait_for_messages(2, author="sandbox-bot")
    third = await control.post("k: three", reply_to=said["id"], ping=False)
    three = await proxy.speak(third, "three")
    chatter = await control.post("k: four")
    four = await proxy.speak(chatter, "four")
    await proxy.edit(four, f"{own} four, indeed")
    await bot.judge.expect(ReplySent, 4)
    await bot.judge.settled(channel)

    assert await answers(control) == ["one!", "two!", "three!", "four, indeed!"]
    calls = {str(event.message_id): event.call for event in await bot.judge.of(ReplyRequested)}
    assert calls == {
        first["id"]: Call.MENTION, one: Call.MENTION, second["id"]: Call.MENTION, two: Call.MENTION,
        third["id"]: Call.REPLY, three: Call.REPLY, four: Call.MENTION,
    }  # fmt: skip
    ended = {str(event.message_id): (event.reason, event.together_with) for event in await bot.judge.of(ReplyAbandoned)}
    assert ended == {
        first["id"]: (AbandonReason.TOGETHER, int(one)),
        second["id"]: (AbandonReason.TRIGGER_DELETED, 0),
        third["id"]: (AbandonReason.TOGETHER, int(three)),
    }
    for copy in (one, two, three, four):
        told = await received(bot, copy)
        assert (told.author, told.author_id) == (Author.PERSON, int(first["author_id"]))
    [edited] = await bot.judge.of(MessageEdited)
    assert edited.author_id == int(first["author_id"])
    assert (await received(bot, three)).reply_to == int(said["id"])

    guild_id = sandbox.services.guild.id
    await forget_me(bot.bot.context, guild_id, by=first["author_id"])
    [kept] = await bot.judge.reader.find(stream_of(channel), KeyKind.RECEIVED, int(three))
    assert not await bot.judge.reader.bodies((kept.position,))


async def test_others_wait_for_the_grace_and_no_longer(
    launch: Launch, control: ControlClient, sandbox: Sandbox, proxy: Proxy
) -> None:
    """A copy that comes later than that asks nothing: its original is answered. Without a proxy bot nobody waits."""
    home = await control.create_guild("home")
    bot = await launch(responder=Parrot(), replies=replies(proxy, grace="50ms", answer_all=[home["channel"]["id"]]))
    own = f"<@{sandbox.services.application.user.id}>"
    post = await control.post(f"k: {own} one")
    await bot.judge.expect(ReplySent)
    copy = await proxy.speak(post, f"{own} one")
    await control.post("two", channel=home["channel"]["id"])
    await bot.judge.expect(ReplySent, 2)

    assert (await received(bot, copy)).author_id == int(post["author_id"])
    assert await answers(control) == [f"k: {own} one!"]
    assert bot.bot.answers.proxies.present(int(home["id"])) is False
    assert [event.message_id for event in await bot.judge.of(ReplyRequested, post["channel_id"])] == [int(post["id"])]


async def test_limits_and_opting_out_reach_the_person_behind(
    launch: Launch, control: ControlClient, sandbox: Sandbox, proxy: Proxy
) -> None:
    """A question and its copy count once; copies of one who opted out have no words; a stranger is known by name."""
    own = f"<@{sandbox.services.application.user.id}>"
    bot = await launch(responder=Parrot(), replies=replies(proxy), limits={"per_person": "1/1h"})
    stranger = await proxy.copy(f"{own} zero", "Nemo")
    first = await control.post(f"k: {own} one")
    await proxy.speak(first, f"{own} one")
    await bot.judge.expect(ReplySent, 2)
    second = await control.post(f"{own} two")
    again = await proxy.copy(f"{own} three", "Nemo")
    out = await control.post("hello", author="bob")
    await bot.judge.expect(MessageReceived, 6)
    await bot.bot.context.owned().opted_out.add(bot.bot.log, int(out["author_id"]))
    hidden = await control.post(f"b: {own} secret", author="bob")
    copy = await proxy.speak(hidden, f"{own} secret")
    await bot.judge.expect(MessageSkipped, 4)

    skipped = {str(event.message_id): event.reason for event in await bot.judge.of(MessageSkipped)}
    assert skipped == {
        second["id"]: SkipReason.PERSON_LIMIT, again: SkipReason.PERSON_LIMIT,
        hidden["id"]: SkipReason.OPTED_OUT, copy: SkipReason.OPTED_OUT,
    }  # fmt: skip
    assert (await received(bot, copy)).author_id == int(out["author_id"])
    assert (await received(bot, stranger)).author is Author.PERSON
    [kept] = await bot.judge.reader.find(stream_of(int(out["channel_id"])), KeyKind.RECEIVED, int(copy))
    assert not await bot.judge.reader.bodies((kept.position,))


@asynccontextmanager
async def pluralkit(senders: dict[str, tuple[str, str]]) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve PluralKit's API on loopback: it knows each copy at the second question. Yields its address and the ids."""
    asked: list[str] = []

    async def message(request: web.Request) -> web.Response:
        asked.append(request.match_info["id"])
        known = senders.get(asked[-1])
        if known is None or asked.count(asked[-1]) < 2:
            return web.json_response({"message": "Message not found.", "code": 20006}, status=404)
        return web.json_response({"id": asked[-1], "sender": known[0], "original": known[1], "system": None})

    app = web.Application()
    app.router.add_get("/v2/messages/{id}", message)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/v2", asked
    finally:
        await runner.cleanup()


class Senders(dict[str, tuple[str, str]]):
    """Knows who sends every copy."""

    def __init__(self, sender: str) -> None:
        self.sender = sender

    def get(self, _copy: str, _default: object = None) -> tuple[str, str]:
        """Return the sender, and an original that the bot never saw."""
        return self.sender, "12345678901234567"


async def test_pluralkit_tells_whose_a_copy_is(launch: Launch, control: ControlClient, proxy: Proxy) -> None:
    """Also where the bot never saw the original; a silent PluralKit costs no message."""
    bob = await control.create_user("bob")
    async with pluralkit(Senders(bob["id"])) as (address, asked):
        bot = await launch(responder=Parrot(), replies=replies(proxy, names=["echo"], pluralkit_api=address))
        known = await proxy.copy("echo, one")
        after = await control.post("after it")
        await bot.judge.expect(ReplySent)
        await bot.judge.expect(MessageReceived, 2)
        await bot.bot.context.owned().opted_out.add(bot.bot.log, int(bob["id"]))
        hidden = await proxy.copy("echo, secret")
        await bot.judge.expect(MessageSkipped)
    silent = await proxy.copy("echo, two", "Nemo")
    await bot.judge.expect(ReplySent, 2)

    order = [event.message_id for event in await bot.judge.of(MessageReceived)]
    assert order == [int(known), int(after["id"]), int(hidden), int(silent)]
    assert (await received(bot, known)).author_id == (await received(bot, hidden)).author_id == int(bob["id"])
    assert asked == [known, known, hidden, hidden]
    assert await answers(control) == ["one!", "two!"]


async def test_a_crash_between_the_two(spawn: Spawn, control: ControlClient, proxy: Proxy) -> None:
    """Killed while the original waits: the copy is found in the history and answered, the original is not."""
    settings = {"replies": replies(proxy), "rules": [{"match": PATTERN, "reply": "re: {what}"}]}
    process = await spawn(**settings)
    post = await control.post("k: ask one")
    async with judging(process.folder) as judge:
        await judge.expect(ReplyRequested)
    await process.kill()
    copy = await proxy.speak(post, "ask one")

    process = await spawn(**settings)
    [said] = await control.wait_for_messages(author="sandbox-bot")
    async with judging(process.folder) as judge:
        await judge.settled(post["channel_id"])
        [ended] = await judge.of(ReplyAbandoned)
        [sent] = await judge.of(ReplySent)

    # Either the copy is found first, or a look for the reply finds that the original is gone.
    assert ended.message_id == int(post["id"])
    assert ended.reason in (AbandonReason.TOGETHER, AbandonReason.TRIGGER_DELETED)
    assert (said["content"], sent.message_id) == ("re: one", int(copy))
