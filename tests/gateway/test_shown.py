"""What a person sees of a message, from Discord's JSON to the text that a model or a moderator reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.events import Body, MessageReceived, Shown, ShownKind, Via
from bot.core.seen import marks_in, seen, with_names, words_of
from bot.gateway.incoming import from_payload
from bot.gateway.places import name_in, surroundings
from bot.gateway.shown import LONGEST, LONGEST_OF_ALL, MOST, shown_in
from tests.gateway.payloads import (
    BOB,
    EVE,
    FORUM,
    GENERAL,
    GUILD,
    OWN,
    THREAD,
    UNKNOWN,
    Json,
    attachment,
    member,
    message,
    odd_values,
    reply,
    thread,
    user,
)
from tests.gateway.test_wire import client_of, offline

FORWARDED = {"message_reference": {"type": 1, "message_id": "5", "channel_id": "6"}}


def forward(**more: object) -> Json:
    """Return what a message has that forwards one."""
    inner = {"type": 0, "content": "", "attachments": [], "embeds": [], "components": [], "mentions": [], "flags": 0}
    stamps: Json = {"timestamp": "2026-11-28T12:00:00+00:00", "edited_timestamp": None, "mention_roles": []}
    return {**FORWARDED, "content": "", "message_snapshots": [{"message": {**inner, **stamps, **more}}]}


def poll(**more: object) -> Json:
    """Return a message's poll."""
    answers = [{"answer_id": 1, "poll_media": {"text": "Tea", "emoji": {"name": "🍵"}}},
               {"answer_id": 2, "poll_media": {"text": "Coffee"}}]  # fmt: skip
    return {"poll": {"question": {"text": "What do we drink?"}, "answers": answers, "layout_type": 1, **more}}


def system(kind: int, content: str = "", **more: object) -> Json:
    """Return what a system message has."""
    return {"type": kind, "content": content, **more}


EMBED = {
    "type": "rich",
    "title": "Release 2",
    "description": "Faster.",
    "url": "https://example.org/2",
    "provider": {"name": "Example", "url": None},
    "author": {"name": "Ada"},
    "fields": [{"name": "Size", "value": "3 MB", "inline": True}],
    "footer": {"text": "yesterday"},
}
RESULT = {"poll_question_text": "What?", "victor_answer_text": "Tea", "victor_answer_votes": "3", "total_votes": "4"}
BUTTON, LINK = {"type": 2, "style": 1, "label": "Yes", "custom_id": "y"}, {"type": 2, "style": 5, "url": "https://x.y"}
MENU = {
    "type": 3,
    "placeholder": "Colour",
    "options": [{"label": "red", "value": "1"}, {"label": "blue", "value": "2"}],
}
LAID_OUT = {
    "type": 17,
    "components": [
        {"type": 10, "content": "# News"},
        {"type": 9, "components": [{"type": 10, "content": "Read it"}], "accessory": BUTTON},
        {"type": 12, "items": [{"media": {"url": "u"}, "description": "a chart"}]},
        {"type": 1, "components": [MENU]},
    ],
}
COMMAND = {"id": "4", "type": 2, "name": "do it", "user": user(EVE)}
METADATA = {"id": "4", "type": 2, "user": user(EVE), "authorizing_integration_owners": {}}

TABLE: dict[str, tuple[Json | str, str]] = {
    "a plain one": ({}, "hello"),
    "a forward": (forward(content="the door code is 7"), "[forwarded] the door code is 7"),
    "a forward with a word to it": ({**forward(content="x"), "content": "look"}, "look\n[forwarded] x"),
    "a forward of a file, an embed and a sticker": (
        forward(attachments=[attachment()], embeds=[{"title": "T"}], sticker_items=[{"name": "wave"}]),
        "[forwarded] [file] cat.png\n[sticker] wave\n[embed] T",
    ),
    "a forward of nothing": (forward(), "[forwarded] an empty message"),
    "an embed": (
        {"content": "", "embeds": [EMBED]},
        "[embed] Example\nAda\nRelease 2\nFaster.\nSize: 3 MB\nyesterday\nhttps://example.org/2",
    ),
    "an embed of a picture alone": ({"content": "a", "embeds": [{"type": "image", "image": {"url": "u"}}]}, "a"),
    "a poll": (poll(), "hello\n[poll] What do we drink?\n- 🍵 Tea\n- Coffee"),
    "a poll with votes": (
        poll(results={"is_finalized": False, "answer_counts": [{"id": 2, "count": 3}]}),
        "hello\n[poll] What do we drink?\n- 🍵 Tea: 0\n- Coffee: 3",
    ),
    "a poll that ended": (
        poll(results={"is_finalized": True, "answer_counts": []}),
        "hello\n[poll] What do we drink?\n- 🍵 Tea: 0\n- Coffee: 0\n(ended)",
    ),
    "stickers": ({"content": "", "sticker_items": [{"id": "3", "name": "wave", "format_type": 1}]}, "[sticker] wave"),
    "a voice message": (
        {"content": "", "flags": 8192, "attachments": [attachment(waveform="A", duration_secs=11.6, filename="v.ogg")]},
        "[voice message] 12 seconds\n[file] v.ogg",
    ),
    "a picture that is described": (
        {"attachments": [attachment(description="a cat on a table")]},
        "hello\n[file] cat.png: a cat on a table\n[file] cat.png",
    ),
    "buttons and a menu": (
        {"components": [{"type": 1, "components": [BUTTON, LINK]}, {"type": 1, "components": [MENU]}]},
        "hello\n[shows] button: Yes\nbutton: https://x.y\n[shows] menu: Colour: red, blue",
    ),
    "texts that are laid out": (
        {"content": "", "components": [LAID_OUT]},
        "[shows] # News\nRead it\nbutton: Yes\na chart\nmenu: Colour: red, blue",
    ),
    "an answer to a command": (
        {"type": 20, "interaction": COMMAND, "interaction_metadata": METADATA},
        "hello\n[command] /do it used by eve",
    ),
    "an answer to a command, without its name": (
        {"type": 20, "interaction_metadata": METADATA},
        "hello\n[command] used by eve",
    ),
    "somebody who joined": (system(7), "[joined the server]"),
    "a pin": (system(6, message_reference={"message_id": "5"}), "[pinned a message to this channel]"),
    "a boost": (system(8, "3"), "[boosted the server]"),
    "a thread that was made": (system(18, "Trains"), "[started a thread: Trains]"),
    "the beginning of a thread": (
        {**reply(BOB), **system(21)},
        "[this thread was started from a message of the channel]",
    ),
    "somebody who was added": (system(1, mentions=[user(BOB, "bob")]), "[added bob]"),
    "a poll's result": (
        system(46, embeds=[{"type": "poll_result", "fields": [{"name": n, "value": v} for n, v in RESULT.items()]}]),
        "[the poll What? has ended: Tea won with 3 of 4 votes]",
    ),
    "a poll's result without a winner": (
        system(46, embeds=[{"type": "poll_result", "fields": [{"name": "total_votes", "value": "0"}]}]),
        "[a poll has ended: nothing won, of 0 votes]",
    ),
    "a system message of a type to come": (system(999, "new"), "[a message of Discord's: new]"),
    "a mention": ({"content": f"<@{BOB}> hi", "mentions": [user(BOB, "bob")]}, "@bob hi"),
    "a mention by nickname": (
        {"content": f"hi <@!{BOB}>", "mentions": [user(BOB, "bob", member=member(nick="Bobby"))]},
        "hi @Bobby",
    ),
    "a mention of the bot in a sentence": (
        {"content": f"I like <@{OWN}> a lot", "mentions": [user(OWN, "echo", member=member(nick="Echo"))]},
        "I like @Echo a lot",
    ),
    "mentions that nobody can name": ("<@1> <@&2> <#3>", "@someone @a role #a channel"),
    "other marks": (
        "<t:1800000000:R> <:wave:123> <a:dance:45> </ask me:6> <id:guide> <t:9999999999999>",
        "2027-01-15 08:00 UTC :wave: :dance: /ask me #guide a time",
    ),
    "links into Discord": (
        "https://discord.com/channels/1/2/3 https://canary.discord.com/channels/1/2",
        "a message in #a channel #a channel",
    ),
    "a mention in what is forwarded": (
        forward(content=f"<@{BOB}> said so", mentions=[user(BOB, "bob")]),
        "[forwarded] @bob said so",
    ),
    "no marks": ("a < b, <3, <@>, <t:x>", "a < b, <3, <@>, <t:x>"),
}  # fmt: skip


def body_of(form: Json | str) -> Body:
    """Return the words of a message as the log has them."""
    return from_payload(message(**({"content": form} if isinstance(form, str) else form)), OWN).body


@pytest.mark.parametrize("name", TABLE)
def test_all_that_a_person_sees(name: str) -> None:
    """In one text, without an id."""
    form, expected = TABLE[name]
    body = body_of(form)

    assert seen(body) == expected
    assert Body.model_validate_json(body.model_dump_json()) == body


def test_the_facts_are_in_the_event() -> None:
    """Of which kinds are the things that it shows, how long its sound is, and which message it forwards."""
    sound = attachment(waveform="AA==", duration_secs=1.5)
    incoming = from_payload(message(**{**forward(), "attachments": [sound], "embeds": [{"title": "t"}] * 2}), OWN)
    event = incoming.received(Via.LIVE)

    assert event.shown == (ShownKind.FORWARD, ShownKind.VOICE, ShownKind.EMBED)
    assert (event.forwards, event.reply_to, event.attachments[0].length_ms) == (5, None, 1500)


def test_a_plain_message_is_stored_as_before() -> None:
    """What nobody needs is not written."""
    incoming = from_payload(message(), OWN)

    assert incoming.received(Via.LIVE).model_dump(exclude_defaults=True).keys() == {
        "message_id", "author_id", "sent_at", "guild_id"}  # fmt: skip
    assert incoming.body.model_dump(exclude_defaults=True) == {"name": "eve", "parts": ("hello",)}


@pytest.mark.parametrize("referenced", [reply(OWN)["referenced_message"], None])
def test_a_forward_of_the_bots_message_is_no_reply_to_it(referenced: Json | None) -> None:
    """Whatever comes with it: the type of the reference says what it is."""
    incoming = from_payload(message(**forward(content="mine"), referenced_message=referenced), OWN)

    assert (incoming.replies_to_bot, incoming.reply_to, incoming.forwards) == (False, None, 5)


def test_it_is_bounded() -> None:
    """One thing, all together, and their number; so are names."""
    long, many = shown_in(forward(content="x" * 9000), 0), shown_in({"sticker_items": [{"name": "s"}] * 200}, 0)
    full = shown_in({"embeds": [{"description": "y" * 6000}] * 10}, 0)
    marks = "".join(f"<@{number}>" for number in range(1, 300))
    people = [user(number, "n" * 500) for number in range(1, 300)]
    names = body_of({"content": marks, "mentions": people}).names

    assert [len(each.text) for each in long] == [LONGEST]
    assert (len(many), sum(len(each.text) for each in full)) == (MOST, LONGEST_OF_ALL)
    assert (len(names), max(len(each.name) for each in names)) == (100, 100)


SHOWING: list[Json] = [form for form, _ in TABLE.values() if not isinstance(form, str)]


@given(st.sampled_from(SHOWING), st.data())
def test_whatever_is_odd_costs_nothing_else(form: Json, data: st.DataObject) -> None:
    """A message is taken with its text, and what can be told of the rest."""
    names = [
        "embeds",
        "components",
        "poll",
        "sticker_items",
        "message_snapshots",
        "interaction",
        "interaction_metadata",
    ]
    form = {"content": f"<@{BOB}>", **form}
    odd = {
        name: data.draw(st.one_of(odd_values, st.lists(odd_values, max_size=2)))
        for name in names
        if data.draw(st.booleans())
    }
    whole: dict[str, Any] = message(**{**form, **odd})
    incoming = from_payload(whole, OWN)

    assert incoming.text == whole["content"]
    assert isinstance(incoming.received(Via.LIVE), MessageReceived)
    assert isinstance(seen(incoming.body), str)


@given(st.text(alphabet="<@&#!:/t0123456789a> "))
def test_no_id_is_left(text: str) -> None:
    """Whatever stands around a mark."""
    assert marks_in(with_names(text, {})) == []


def test_what_one_may_look_for_has_no_kinds() -> None:
    """A search for "embed" finds who wrote so."""
    body = body_of({"embeds": [EMBED], "content": f"<@{BOB}>", "mentions": [user(BOB, "bob")]})

    words = words_of(body).split("\n")
    assert (words[:3], words[-1]) == ([f"<@{BOB}>", "Example", "Ada"], "bob")
    assert "[embed]" not in words_of(body)


def test_what_discord_says_stands_in_the_place_of_the_text() -> None:
    """It holds what the text says."""
    body = Body(name="eve", parts=("Trains",), shown=(Shown(ShownKind.SYSTEM, "started a thread: Trains"),))

    assert seen(body) == "[started a thread: Trains]"


async def test_names_and_titles_come_from_the_server(tmp_path: Path) -> None:
    """Of this server alone; a forum's first message lies in the thread, another thread's in the channel above."""
    post = UNKNOWN + 1
    tag = {"id": "31", "name": "bug", "moderated": False, "emoji_id": None, "emoji_name": None}
    forum = {
        "id": str(FORUM),
        "type": 15,
        "guild_id": str(GUILD),
        "name": "help",
        "position": 0,
        "available_tags": [tag],
    }
    async with offline(tmp_path) as bot:
        client = await client_of(bot)
        told = client._connection.parsers
        told["CHANNEL_UPDATE"]({**forum, "permission_overwrites": [], "topic": f"ask <@&5> in <#{GENERAL}>, <#1>"})
        told["THREAD_CREATE"](thread(id=str(post), parent_id=str(FORUM), name="Roof", applied_tags=["31"]))
        around, aside = surroundings(client, post), surroundings(client, THREAD)
        marks = ("&5", f"#{GENERAL}", f"#{THREAD}", f"@{OWN}", f"@{EVE}", "#1")
        names = [name_in(client, mark, GUILD) for mark in marks]
        elsewhere = [name_in(client, mark, UNKNOWN) for mark in marks]
        found = from_payload(message(content=f"<@&5> <#{GENERAL}>"), OWN, client=client)
        await client.close()

    assert (around.thread, around.begins_in) == ("Roof (tags: bug)", post)
    assert (aside.thread, aside.begins_in) == ("aside", GENERAL)
    assert around.topic == "ask @helper in #c0, #a channel"
    assert names == ["helper", "c0", "aside", "echo", "", ""]
    assert elsewhere == ["", "", "", "echo", "", ""]
    assert seen(found.body) == "@helper #c0"
