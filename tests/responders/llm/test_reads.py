"""What a model is told of what stands in a channel, from Discord to the model's server."""

from __future__ import annotations

import re
from typing import Any

from bot.core.events import MessageDeleted, MessageEdited, MessagePreviewed, MessageReceived, ReplyComposed
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch, RunningBot
from tests.responders.llm.model_server import ModelServer

BOT = "sandbox-bot"


async def begin(launch: Launch, server: ModelServer, **more: Any) -> RunningBot:  # noqa: ANN401 - settings
    """Start a bot that a model answers for."""
    llm = {"model": "openai:tiny", "base_url": server.url, **more}
    return await launch(replies={"responder": "llm"}, rules=[], llm=llm)


async def told(bot: RunningBot, server: ModelServer, answers: int = 1) -> str:
    """Return what the model was sent for the last answer, without the system message."""
    await bot.judge.expect(ReplyComposed, answers)
    messages = server.requests[-1].body["messages"][1:]
    return "\n".join(f"{each['role']}: {each['content']}" for each in messages)


def lines_of(prompt: str) -> list[str]:
    """Return the lines of a prompt without what says who spoke, and without blank ones."""
    return [re.sub(r"^\w+ said[^“]*“|”$", "", line) for line in prompt.splitlines() if line]


async def test_it_is_told_all_that_people_see(launch: Launch, control: ControlClient, server: ModelServer) -> None:
    """Forwards, polls, previews, stickers, voices, buttons, and what Discord says; names and no ids."""
    bot = await begin(launch, server)
    await control.call("PATCH", "/members", {"guild": "Sandbox", "user": BOT, "nick": "Robin"})
    role = await control.call("POST", "/roles", {"name": "cooks", "permissions": [], "users": ["bob"]})
    general = (await control.post("the code is 7", author="carol"))["channel_id"]
    original = await control.post("bring a <t:1800000000>", author="dave", stickers=["wave"])
    await control.post("", author="bob", type=7)
    await control.post("", author="bob", forward=original["id"])
    await control.post("", author="bob", poll={"question": "Tea?", "answers": ["Yes", "No"], "votes": [3, 1]})
    await control.post(
        "", author="bob", attachments=[{"filename": "v.ogg", "seconds": 12, "content_type": "audio/ogg"}]
    )
    await control.post("news", author="bob", embeds=[{"title": "Release", "fields": [{"name": "Size", "value": "3"}]}])
    button = {"type": 2, "style": 1, "label": "Join", "custom_id": "j"}
    await control.post("", author="bob", components=[{"type": 1, "components": [button]}])
    bots_id = next(each["id"] for each in (await control.world())["users"] if each["name"] == BOT)
    await control.post(f"hm, <@{bots_id}> and <@&{role['id']}> in <#{general}>?", mention=BOT)

    prompt = await told(bot, server)

    assert "\n".join(lines_of(prompt)).endswith(
        "bring a 2027-01-15 08:00 UTC\n[sticker] wave\n[joined the server]\n"
        "[forwarded] bring a 2027-01-15 08:00 UTC\n[sticker] wave\n[poll] Tea?\n- Yes: 3\n- No: 1\n"
        "[voice message] 12 seconds\n[file] v.ogg\nnews\n[embed] Release\nSize: 3\n[shows] button: Join\n"
        "hm, @Robin and @cooks in #general?"
    )
    assert not [each for each in (bots_id, role["id"], general) if each in prompt]


async def test_a_preview_that_comes_later_is_told_once_and_goes_with_its_message(
    launch: Launch, control: ControlClient, server: ModelServer
) -> None:
    """It is no edit, and what only changes its flags is nothing."""
    bot = await begin(launch, server)
    post = await control.post("look: https://example.org")
    await bot.judge.expect(MessageReceived)
    await control.preview(post["id"], {"type": "link", "title": "Trains", "description": "On time"})
    await bot.judge.expect(MessagePreviewed)
    await control.preview(post["id"], {"type": "link", "title": "Another"})
    await control.post("what is there?", mention=BOT)

    assert "look: https://example.org\n[embed] Trains\nOn time\n" in await told(bot, server)
    assert (len(await bot.judge.of(MessagePreviewed)), await bot.judge.of(MessageEdited)) == (1, [])

    await control.delete(post["id"])
    await bot.judge.expect(MessageDeleted)
    await control.post("and now?", mention=BOT)

    assert "Trains" not in await told(bot, server, 2)
    preview = [each for each in await bot.judge.all() if isinstance(each.event, MessagePreviewed)]
    assert await bot.judge.reader.bodies(each.position for each in preview) == {}


async def test_it_is_told_what_a_question_replies_to(
    launch: Launch, control: ControlClient, server: ModelServer
) -> None:
    """Beyond the window by the log; what the log never held is read from Discord, and not recorded."""
    before = await control.post("the bridge is closed", author="carol")
    own = await control.post("The gate is open.\n-# 🔧 `recall`", author=BOT)
    bot = await launch(
        replies={"responder": "llm"},
        rules=[],
        llm={"model": "openai:tiny", "base_url": server.url},
        catchup={"enabled": False},
    )
    asked = await control.post("the tower is open", author="dave")
    await control.post_many([{"content": f"word {number}"} for number in range(70)])
    await control.post("which one?", mention=BOT, reply_to=asked["id"])

    prompt = await told(bot, server)
    assert '⟦earlier message that the last one replies to, written by "dave"⟧\nthe tower is open\n⟦end⟧' in prompt

    await control.post("and this?", mention=BOT, reply_to=before["id"])
    prompt = await told(bot, server, 2)
    assert "the bridge is closed\n⟦end⟧" in prompt
    assert int(before["id"]) not in {event.message_id for event in await bot.judge.of(MessageReceived)}

    await control.post("sure?", mention=BOT, reply_to=own["id"])
    assert "written by you⟧\nThe gate is open.\n⟦end⟧" in await told(bot, server, 3)


async def test_in_a_thread_it_is_told_the_title_and_the_message_it_began_with(
    launch: Launch, control: ControlClient, server: ModelServer
) -> None:
    """The message is one of the channel above."""
    bot = await begin(launch, server)
    first = await control.post("the roof leaks", author="carol")
    thread = await control.create_thread("Roof", message=first["id"])
    await control.post("", channel=thread["id"], type=21, reply_to=first["id"])
    await control.post("what is it about?", channel=thread["id"], mention=BOT)

    prompt = await told(bot, server)
    assert 'The title of this thread is "Roof". ' in server.requests[-1].body["messages"][0]["content"]
    assert '⟦message that this thread began with, written by "carol"⟧\nthe roof leaks\n⟦end⟧' in prompt


async def test_a_forward_of_its_own_message_asks_nothing_and_unread_files_are_named(
    launch: Launch, control: ControlClient, server: ModelServer
) -> None:
    """Why a file is not read stands beside its name."""
    bot = await begin(launch, server)
    await control.post("hello", mention=BOT)
    await bot.judge.expect(ReplyComposed)
    (answer,) = await control.wait_for_messages(1, author=BOT)
    await control.post("", author="bob", forward=answer["id"])
    files = [{"filename": "a.mp4", "content_type": "video/mp4", "size": 9}, {"filename": "b.txt", "size": 9_000_000}]
    await control.post("see?", mention=BOT, attachments=files)

    prompt = await told(bot, server, 2)
    assert "[forwarded] you said" in prompt.replace("[forwarded] " + answer["content"], "[forwarded] you said")
    assert "⟦file \"a.mp4\", which you can't read: you can't watch anything⟧" in prompt
    assert '⟦file "b.txt", which you can\'t read: it is too large⟧' in prompt
    assert len(server.requests) == 2
