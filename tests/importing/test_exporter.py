"""DiscordChatExporter's files."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from bot.core.events import Attachment, Author, Body, MessageImported, Source
from bot.gateway.snowflakes import snowflake_time
from bot.importing import exporter
from bot.importing.found import CUT, NO_MESSAGE, Aside, Findings, Found
from tests.importing.samples import ALICE, BOB, CHANNEL, FIRST, GUILD, HOOK, ROBOT, THREAD, export, message, user


def read(text: str | bytes, own_id: int = 0) -> list[Findings]:
    """Return what is in a file."""
    return list(exporter.read(io.BytesIO(text.encode() if isinstance(text, str) else text), own_id))


def one(text: str, own_id: int = 0) -> Found:
    """Return the only message of a file."""
    (found,) = read(text, own_id)
    assert isinstance(found, Found)
    return found


def test_a_message_is_taken_whole() -> None:
    """Its ids as numbers, its time from its id, its words and the names of its files apart."""
    files = [
        {"id": "600000000000000001", "url": "general.json_Files/a.png", "fileName": "a.png", "fileSizeBytes": 12},
        {"id": "600000000000000002", "url": "https://x", "fileName": "b.txt", "fileSizeBytes": -1},
    ]
    found = one(export([message(1, "hello", attachments=files, type="Reply", reference={"messageId": str(FIRST)})]))

    assert found.place.channel_id == CHANNEL
    assert found.event == MessageImported(
        message_id=FIRST + 1,
        author_id=ALICE,
        sent_at=snowflake_time(FIRST + 1),
        source=Source.EXPORTER,
        reply_to=FIRST,
        guild_id=GUILD,
        kind=19,
        attachments=(Attachment(id=600000000000000001, size=12), Attachment(id=600000000000000002, size=0)),
    )
    assert found.body == Body(name="Alice", parts=("hello",), files=("a.png", "b.txt"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "Default"}, {"kind": 0}),
        ({"type": "46"}, {"kind": 46}),
        ({"type": "SomethingNew"}, {"kind": 0}),
        ({"type": None}, {"kind": 0}),
        ({"reference": {"messageId": None, "channelId": None, "guildId": None}}, {"reply_to": None}),
        ({"reference": None}, {"reply_to": None}),
        ({"reference": {"type": "Forward", "messageId": "7", "channelId": "8"}}, {"reply_to": 7}),
        ({"author": user(ROBOT, "robot", bot=True, discriminator="1234")}, {"author": Author.BOT}),
        ({"author": user(HOOK, "hook", bot=True)}, {"author": Author.WEBHOOK}),
        ({"author": user(99, "echo", bot=True, discriminator="1234")}, {"author": Author.SELF}),
        ({"attachments": None}, {"attachments": ()}),
        ({"id": FIRST + 1}, {"message_id": FIRST + 1}),
    ],
)
def test_oddities_are_understood(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """As the releases of the exporter and Discord's types have them."""
    event = one(export([message(1, "hello", **fields)]), own_id=99).event

    assert {name: getattr(event, name) for name in expected} == expected


def test_a_notice_is_not_put_into_anybodys_mouth() -> None:
    """The exporter writes a sentence of its own in the place of the content."""
    assert one(export([message(1, "Joined the server.", type="GuildMemberJoin")])).body.parts == ("",)
    assert one(export([message(1, "words", type="Reply")])).body.parts == ("words",)


def test_older_releases_lack_fields() -> None:
    """Such as nicknames, stickers and references."""
    bare = {"id": str(FIRST), "type": "Default", "content": "hello", "author": {"id": "41", "name": "alice"}}

    assert one(export([bare])).body.model_dump(exclude_defaults=True) == {"name": "alice", "parts": ("hello",)}


@pytest.mark.parametrize(
    ("channel", "guild_id", "place"),
    [
        ({}, GUILD, (CHANNEL, GUILD, 0)),
        ({"type": "DirectTextChat", "categoryId": None}, 0, (CHANNEL, None, 0)),
        ({"id": str(THREAD), "type": "GuildPublicThread", "categoryId": str(CHANNEL)}, GUILD, (THREAD, GUILD, CHANNEL)),
        ({"id": str(THREAD), "type": "GuildPrivateThread", "categoryId": None}, GUILD, (THREAD, GUILD, 0)),
    ],
)
def test_a_channel_is_placed(channel: dict[str, Any], guild_id: int, place: tuple[int, int | None, int]) -> None:
    """In its server, and a thread in its channel, which the exporter calls a category."""
    found = one(export([message(1, "hello")], channel=channel, guild_id=guild_id)).place

    assert (found.channel_id, found.guild_id, found.parent_id) == place


@pytest.mark.parametrize(
    "data",
    [
        None,
        "text",
        {},
        message(2, "x", id="0"),
        message(2, "x", id="9" * 30),
        message(2, "x", author=None),
        message(2, "x", author={"id": "x"}),
        message(2, "x", content=5),
        message(2, "x", attachments=[{"id": None}]),
        message(2, "x", attachments=5),
        message(2, "x", reference=[1]),
    ],
)
def test_what_is_no_message_is_set_aside_with_its_number(data: object) -> None:
    """The others are taken."""
    first, aside, last = read(export([message(1, "one"), data, message(3, "three")]))

    assert isinstance(first, Found)
    assert isinstance(last, Found)
    assert isinstance(aside, Aside)
    assert (aside.number, aside.why) == (2, NO_MESSAGE)


def test_a_cancelled_export_gives_what_it_holds() -> None:
    """And says after which message it was cut."""
    whole = export([message(number, "é" * 50) for number in range(1, 5)])
    cut = whole[: whole.index(str(FIRST + 4)) + 40].encode()[:-1]

    *found, last = read(b"\xef\xbb\xbf" + cut)

    assert [each.number for each in found if isinstance(each, Found)] == [1, 2, 3]
    assert last == Aside(4, CUT)


def test_damage_in_the_middle_costs_one_message() -> None:
    """Also where it takes a bracket away."""
    whole = export([message(number, "hello", by=user(BOB, "bob")) for number in range(1, 5)])
    at = whole.index(str(FIRST + 2))
    at = whole.index('"isPinned"', at)
    damaged = whole[:at] + "}}]" + whole[at:]

    assert [isinstance(each, Found) for each in read(damaged)] == [True, False, True, True]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"guild": {}', '{"messages": []}', json.dumps({"guild": {"id": "x"}, "channel": {}})]
)
def test_another_file_is_none_of_the_exporters(text: str) -> None:
    """It is set aside as a whole."""
    (aside,) = read(text)

    assert isinstance(aside, Aside)
    assert aside.number == 0
