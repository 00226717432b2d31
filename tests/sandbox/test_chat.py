"""The chat beside a bot that does whatever a test says, over plain REST and a plain gateway connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import Connect, Rest
from tests.sandbox.plain_bot import EPHEMERAL, INTENTS, PlainBot, button, row
from tests.sandbox.typist import Typist, chatting
from tests.waiting import PATIENCE

WILD = "\x1b[2J\u202egood\x07"
TAME = r"\\x1b\[2J\\u202egood\\x07"


@pytest.fixture
async def typist(sandbox: Sandbox, control: ControlClient) -> AsyncIterator[Typist]:
    """Return somebody at the keyboard."""
    async with chatting(sandbox, control) as (person, _):
        await person.sees("No bot is connected yet")
        yield person


@pytest.fixture
async def bot(sandbox: Sandbox, rest: Rest, connect: Connect, typist: Typist) -> PlainBot:
    """Connect a bot, and see it come."""
    socket = await connect(intents=INTENTS)
    await typist.sees(r"sandbox-bot is here: start a line with its name to mention it")
    return PlainBot(rest, sandbox, socket)


async def test_bots_come_and_go(sandbox: Sandbox, typist: Typist, bot: PlainBot) -> None:
    """Each is told, and that nobody answers while none is there."""
    sandbox.hub.drop(invalidate=True)
    await typist.sees(r"sandbox-bot has left\.")
    typist.type("anybody?")
    await typist.sees("No bot is connected: nobody answers")
    typist.type("/press 1")
    await typist.sees("No message here has a button")
    await bot.registers({"name": "log", "type": 1, "description": "The log."})
    typist.type("/log")
    await typist.sees("sandbox-bot is not connected: nobody would answer")


async def test_a_message_is_shown_with_all_that_is_in_it(bot: PlainBot, typist: Typist, control: ControlClient) -> None:
    """Mentions by name, code without its fence, embeds, files, buttons that can't be pressed, links."""
    asked = await control.post("hello")
    alice = asked["author_id"]
    await bot.says(
        content=f"**Heading**\n```py\n**code** <@{alice}>\n```\n-# small",
        embeds=[{"title": "Title", "description": "Words", "fields": [{"name": "a", "value": "b"}]}],
        components=row(button("Go"), button("Stop", disabled=True), {"type": 2, "style": 5, "label": "Web", "url": "https://a.example"}),
        message_reference={"message_id": asked["id"]},
    )  # fmt: skip

    shown = await typist.sees(r"sandbox-bot \(to alice\):\n(?:  .*\n)+")
    assert shown[0].splitlines() == [
        "sandbox-bot (to alice):",
        "  Heading",
        "  **code** @alice",
        "  small",
        "  Title",
        "  Words",
        "  a: b",
        "  Web: https://a.example",
        "  [1] Go  [2] Stop (disabled)",
    ]


async def test_what_a_model_writes_goes_on(bot: PlainBot, typist: Typist) -> None:
    """An answer that grows is not printed from its beginning each time; any other edit is."""
    message = await bot.says(content="Once upon a ti")
    await typist.sees("sandbox-bot: Once upon a ti\n")
    await bot.edits(message, content="Once upon a time there was")
    await typist.sees(r"sandbox-bot \(goes on\): time there was\n")
    await bot.edits(message, content="No story.")
    await typist.sees(r"sandbox-bot \(edited\): No story\.\n")
    await bot.call("PUT", f"/channels/{bot.general}/messages/{message}/reactions/👍/@me", None)
    await typist.sees('sandbox-bot reacts with 👍 to "No story."')
    await bot.call("DELETE", f"/channels/{bot.general}/messages/{message}", None)
    await typist.sees(r'sandbox-bot has deleted "No story\."')


async def test_nothing_of_a_bot_drives_the_terminal(bot: PlainBot, typist: Typist, control: ControlClient) -> None:
    """Words, embeds, labels, names of channels and people: spelled out, wherever they come from."""
    channel = (await control.create_channel(WILD))["id"]
    await control.create_user(WILD)
    embed = {"title": WILD, "description": WILD, "footer": {"text": WILD}, "author": {"name": WILD}}
    options = [{"label": WILD, "value": "x"}]
    select = {"type": 3, "custom_id": "c", "placeholder": WILD, "options": options}
    await bot.call(
        "POST",
        f"/channels/{channel}/messages",
        {"content": WILD, "embeds": [embed], "components": [*row(button(WILD)), *row(select)]},
    )
    await typist.sees(rf"\[1\] {TAME}  \[2\] {TAME}: {TAME}")
    await control.post("hello", author=WILD)
    message = await bot.says(content="x", message_reference={"message_id": (await control.messages())[-1]["id"]})
    await typist.sees(rf"sandbox-bot \(to {TAME}\): x")
    await bot.call("PUT", f"/channels/{bot.general}/messages/{message}/reactions/%E2%80%AE/@me", None)
    await typist.sees(r"reacts with \\u202e")
    file = aiohttp.FormData({"payload_json": "{}"}, quote_fields=False)
    file.add_field("files[0]", b"x", filename="\u202eexe.txt", content_type="text/plain")
    await bot.rest("POST", f"/channels/{bot.general}/messages", data=file)
    await typist.sees(r"file \\u202eexe\.txt \(1 byte\)")
    await bot.registers({"name": "\u202eWhy", "type": 3})
    typist.type("/menu")
    await typist.sees(r'Entries of menus: "\\u202eWhy"')

    assert set(typist.printed) & {"\x1b", "\x07", "\u202e"} == set()


async def test_a_screen_that_fails_ends_the_chat(sandbox: Sandbox, control: ControlClient) -> None:
    """Rather than a chat that shows nothing any more."""
    async with chatting(sandbox, control) as (typist, running):
        await typist.sees("No bot is connected yet")
        typist.tear()
        typist.type("/help")
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(OSError, match="torn"):
                await running


LOG = {
    "name": "log",
    "type": 1,
    "description": "The log.",
    "options": [
        {"type": 4, "name": "count", "description": "How many."},
        {"type": 3, "name": "since", "description": "From then on.", "autocomplete": True},
        {"type": 3, "name": "kind", "description": "Which.", "choices": [{"name": "Reply", "value": "r"}]},
    ],
}


async def test_an_answer_for_one_person_changes_by_its_buttons(bot: PlainBot, typist: Typist) -> None:
    """A deferred answer, its edit, a press by number and by label, a follow-up."""
    await bot.registers(LOG)
    typist.type("/log count:3")
    used = await bot.used()
    await bot.answers(used, 5, {"flags": EPHEMERAL})
    await bot.finishes(used, content="three events", components=row(button("Next"), button("Back", disabled=True)))
    await typist.sees(r"sandbox-bot \(only you see this\):\n  three events\n  \[1\] Next  \[2\] Back \(disabled\)")
    typist.type("/press 2")
    await typist.sees(r"\[2\] Back is disabled")
    typist.type("/press 3")
    await typist.sees("There is no button '3'")
    typist.type("/press next")
    pressed = await bot.used()
    await bot.answers(pressed, 6)
    await bot.finishes(pressed, content="no more", components=[])
    await typist.sees(r"sandbox-bot \(only you see this, edited\): no more")
    await bot.call("POST", f"/webhooks/{bot.id}/{used['token']}", {"content": "by the way", "flags": EPHEMERAL})
    await typist.sees(r"sandbox-bot \(to sandbox-bot, only you see this\): by the way")

    assert used["data"]["options"] == [{"name": "count", "type": 4, "value": 3}]
    assert used["member"]["user"]["username"] == "alice"
    assert pressed["data"]["custom_id"] == "next"


async def test_a_select_is_chosen_from(bot: PlainBot, typist: Typist) -> None:
    """By the label of a choice, or by somebody's name."""
    options = [{"label": "Red wine", "value": "r"}, {"label": "Blue", "value": "b"}]
    colours = {"type": 3, "custom_id": "colour", "placeholder": "Colour", "options": options}
    await bot.says(content="choose", components=[*row(colours), *row({"type": 5, "custom_id": "who"})])
    await typist.sees(r"\[1\] Colour: Red wine, Blue  \[2\] Choose a person")
    typist.type("/press 1 red wine")
    first = await bot.used()
    await bot.answers(first, 6)
    typist.type("/press 2 @alice")
    second = await bot.used()
    await bot.answers(second, 6)

    assert first["data"]["values"] == ["r"]
    (chosen,) = second["data"]["values"]
    assert second["data"]["resolved"]["users"][chosen]["username"] == "alice"
    assert chosen in second["data"]["resolved"]["members"]


async def test_a_form_is_filled_in_field_by_field(bot: PlainBot, typist: Typist) -> None:
    """What is wrong is asked again; Ctrl-C sends nothing."""
    await bot.registers(LOG)
    inputs = [
        {"type": 4, "custom_id": "why", "label": f"Why{WILD}", "style": 1, "min_length": 3},
        {"type": 4, "custom_id": "more", "label": "More", "style": 2, "required": False},
    ]
    form = {"custom_id": "form", "title": "Reasons", "components": [*row(inputs[0]), *row(inputs[1])]}
    typist.type("/log")
    await bot.answers(await bot.used(), 9, form)
    await typist.sees(r"Form: Reasons")
    typist.type("")
    await typist.sees("has to be filled in")
    typist.type("so")
    await typist.sees("takes 3 to 4000 characters")
    typist.type("because")
    typist.type("")
    sent = await bot.used()
    await bot.answers(sent, 4, {"content": "thanks", "flags": EPHEMERAL})
    await typist.sees(r"only you see this\): thanks")
    typist.type("/log")
    await bot.answers(await bot.used(), 9, form)
    await typist.sees("Form: Reasons")
    typist.press("never\x03")
    await typist.sees("The form was not sent")

    rows = sent["data"]["components"]
    assert {row["components"][0]["custom_id"]: row["components"][0]["value"] for row in rows} == {
        "why": "because",
        "more": "",
    }


async def test_menus_of_messages_and_people(bot: PlainBot, typist: Typist, control: ControlClient) -> None:
    """By name; of the bot's last message, of one that is named, of somebody."""
    await bot.registers({"name": "Why this?", "type": 3}, {"name": "Who?", "type": 2})
    first = await control.post("hello")
    typist.type('/menu "Why this?"')
    await typist.sees("The bot has not said anything here yet")
    said = await bot.says(content="hi")
    await typist.sees("sandbox-bot: hi")
    targets = []
    for line in ('/menu "Why this?"', f"/menu why this? {first['id']}", '/menu "Why this?" ^2', "/menu Who? alice"):
        typist.type(line)
        used = await bot.used()
        await bot.answers(used, 4, {"content": "so", "flags": EPHEMERAL})
        targets.append(used["data"]["target_id"])
    typist.type("/menu Who?")
    await typist.sees("Say whose menu")
    typist.type("/menu Whence?")
    await typist.sees(r"There is no entry 'Whence\?' in a menu; there are: \"Why this\?\", \"Who\?\"")

    assert targets == [said, first["id"], first["id"], first["author_id"]]


async def test_ids_are_shown_on_demand(bot: PlainBot, typist: Typist, control: ControlClient) -> None:
    """Once, or of each message that comes."""
    typist.type("/ids")
    await typist.sees("There is no message here yet")
    typist.type("/ids on")
    await typist.sees("Ids of messages are shown")
    typist.type("hello")
    mine = (await typist.sees(r"(\d+) is the id of this message"))[1]
    theirs = await bot.says(content="hi")
    await typist.sees(rf"{theirs} sandbox-bot: hi")
    typist.type("/ids off")
    typist.type("/ids")
    await typist.sees(rf'\^2 +{mine} +alice: "hello" *\n\^1 +{theirs} +sandbox-bot: "hi"')

    assert [message["id"] for message in await control.messages()] == [mine, theirs]


async def test_mistakes_are_told_and_help_is_given(bot: PlainBot, typist: Typist) -> None:
    """Nothing that is typed ends the chat."""
    await bot.registers(LOG, {"name": "help", "type": 1, "description": "The bot's help."})
    for line, sentence in (
        ("/lgo", "There is no command /lgo: did you mean /log?"),
        ("/repl", "There is no command /repl: did you mean /reply?"),
        ("/reply hi", "has not said anything here yet"),
        ("/edit hi", "You have not said anything here yet"),
        ("/as", "Write /as NAME"),
        ("/as sandbox-bot", "is a bot, which speaks for itself"),
        ("/ids perhaps", "Write /ids, /ids on or /ids off"),
        ("/log count:x", "takes a whole number"),
        ("x" * 4001, "1 to 4000 characters"),
        ("/help", r"/channel NAME +go to a channel"),
    ):
        typist.type(line)
        await typist.sees(sentence)
    await typist.sees(r"The bot's own: /log, /help\.")
    await typist.sees("goes before a bot's of the same name; //name is the bot's")
    typist.type("//help")
    assert (await bot.used())["data"]["name"] == "help"


async def test_a_bot_that_does_not_answer_is_not_waited_for(sandbox: Sandbox, bot: PlainBot, typist: Typist) -> None:
    """Discord's own limit, after which the chat goes on."""
    sandbox.services.interactions.deadline = 0.05
    await bot.registers(LOG)
    typist.type("/log")
    await typist.sees(r"sandbox-bot did not answer within 0\.05 seconds")
    typist.type("on we go")
    assert (await bot.socket.expect("MESSAGE_CREATE"))["content"] == "on we go"


async def test_a_chat_is_left_by_its_keys(sandbox: Sandbox, control: ControlClient) -> None:
    """/quit, and nothing of it stays with the world."""
    async with chatting(sandbox, control) as (typist, running):
        await typist.sees("No bot is connected yet")
        assert sandbox.world.whisper_listeners
        typist.type("/quit")
        async with asyncio.timeout(PATIENCE):
            await running

    assert sandbox.world.whisper_listeners == []
