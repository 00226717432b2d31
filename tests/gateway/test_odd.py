"""Numbers without end, ids of no Discord, trees of any depth: none ends the connection or looks like a full disk."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.core.events import (
    Author,
    Body,
    CatchupCompleted,
    Draft,
    MessageDeleted,
    MessageReceived,
    ReplySent,
    Role,
    Via,
)
from bot.core.window import Window
from bot.eventlog.codec import encode_body, encode_event
from bot.gateway.discord_py_faults import for_discord_py, from_json
from bot.gateway.incoming import Incoming, Unreadable, from_payload
from bot.gateway.snowflakes import MOST, NoSnowflake, snowflake
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import Launch, RunningBot

HUGE = str(2**70)
DEEP: Any = json.loads("[" * 900 + "]" * 900)


async def goes_on(bot: RunningBot, control: ControlClient, after: str = "") -> None:
    """Find the bot connected as before, its log taking events, and the next question answered."""
    before = len(await bot.judge.of(ReplySent))
    await control.post("ask on")
    await bot.judge.expect(ReplySent, before + 1)
    assert (after, (await control.sessions())["identifies"]) == (after, 1)
    assert (after, bot.bot.healer.trouble, bot.bot.health().reasons) == (after, "", ())


def message(sandbox: Sandbox, **odd: object) -> dict[str, Any]:
    """Return a message of the gateway, odd in some ways."""
    user = {"id": "77", "username": "eve", "discriminator": "0", "avatar": None}
    place = {"channel_id": str(sandbox.services.general.id), "guild_id": str(sandbox.services.guild.id)}
    whole = {"id": str(sandbox.world.snowflakes.next()), "author": user, "content": "ask me", "type": 0}
    stamps = {"timestamp": "2026-11-28T12:00:00+00:00", "edited_timestamp": None}
    rest = {"attachments": [], "mentions": [], "embeds": [], "pinned": False, "tts": False, "mention_everyone": False}
    return {**place, **whole, **stamps, **rest, "mention_roles": [], "flags": 0, **odd}


MESSAGES: dict[str, dict[str, object]] = {
    "a huge id": {"id": HUGE},
    "a huge channel": {"channel_id": HUGE},
    "a huge author": {"author": {"id": HUGE, "username": "eve", "discriminator": "0", "avatar": None}},
    "a huge server": {"guild_id": HUGE},
    "an id without end": {"id": float("inf")},
    "an id that is no number": {"id": float("nan")},
    "a negative id": {"id": -5},
    "a kind without end": {"type": float("inf")},
    "a kind in words": {"type": "default"},
    "a huge kind": {"type": 2**70},
    "an answer to a huge id": {"message_reference": {"message_id": HUGE, "channel_id": "1"}},
    "a number for words": {"content": 5},
    "words of any depth": {"content": DEEP},
    "depth beside its words": {"embeds": DEEP, "components": DEEP},
    "a name of any depth": {"member": {"nick": DEEP, "roles": [], "flags": 0}},
    "files of no size": {
        "attachments": [{"id": "1", "filename": "a", "size": float("inf"), "url": "", "proxy_url": ""}]
    },
    "a file with a huge id": {"attachments": [{"id": HUGE, "filename": "a", "size": 1, "url": "", "proxy_url": ""}]},
    "who is mentioned by a huge id": {
        "mentions": [{"id": HUGE, "username": "x", "discriminator": "0", "avatar": None}]
    },
    "a nonce of any depth": {"nonce": DEEP},
    "a moment that is none": {"timestamp": "2026-99-99T99:99"},
}


@pytest.mark.parametrize("event", ["MESSAGE_CREATE", "MESSAGE_UPDATE"])
async def test_odd_messages(launch: Launch, control: ControlClient, sandbox: Sandbox, event: str) -> None:
    """Each is read or left out, and told of; the next is answered."""
    bot = await launch()

    for name, odd in MESSAGES.items():
        await control.gateway("dispatch", event=event, text=json.dumps(message(sandbox, **odd)))
        await goes_on(bot, control, name)


EVENTS: list[tuple[str, Any]] = [
    ("MESSAGE_DELETE", {"id": HUGE, "channel_id": "GENERAL", "guild_id": "GUILD"}),
    ("MESSAGE_DELETE", {"id": "5", "channel_id": HUGE, "guild_id": HUGE}),
    ("MESSAGE_DELETE_BULK", {"ids": ["5", HUGE, 1e400], "channel_id": "GENERAL", "guild_id": "GUILD"}),
    ("MESSAGE_DELETE_BULK", {"ids": 5, "channel_id": "GENERAL"}),
    (
        "MESSAGE_REACTION_ADD",
        {
            "user_id": HUGE,
            "message_id": HUGE,
            "channel_id": "GENERAL",
            "message_author_id": "OWN",
            "emoji": {"id": None, "name": "x"},
            "type": 0,
            "burst": False,
        },
    ),
    ("MESSAGE_REACTION_REMOVE_ALL", {"message_id": HUGE, "channel_id": "GENERAL"}),
    ("CHANNEL_CREATE", {"id": HUGE, "type": 0, "name": "x", "position": 0, "guild_id": "GUILD"}),
    ("CHANNEL_DELETE", {"id": HUGE, "type": 0, "guild_id": "GUILD"}),
    ("THREAD_CREATE", {"id": HUGE, "type": 11, "guild_id": "GUILD", "parent_id": "GENERAL", "name": DEEP}),
    ("THREAD_DELETE", {"id": HUGE, "type": 11, "guild_id": "GUILD", "parent_id": "GENERAL"}),
    ("GUILD_CREATE", {"id": HUGE, "name": "x", "roles": [], "members": [], "channels": [{"id": HUGE, "type": 0}]}),
    ("GUILD_DELETE", {"id": HUGE}),
    ("TYPING_START", DEEP),
    ("RESUMED", None),
    ("NO_SUCH_EVENT", 1e400),
]
FRAMES = [
    "1e999",
    "9" * 6000,
    "[" * 100_000 + "]" * 100_000,
    '{"a":' * 100_000 + "1" + "}" * 100_000,
    "{",
    "",
    '1, "t": [], "s": {}',
    '1, "op": 1e999',
]


async def test_odd_events(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """Of every kind that the bot takes."""
    bot = await launch()
    services = sandbox.services
    known = {"GENERAL": services.general.id, "GUILD": services.guild.id, "OWN": services.application.user.id}

    for event, data in EVENTS:
        text = json.dumps(data)
        for name, number in known.items():
            text = text.replace(f'"{name}"', f'"{number}"')
        await control.gateway("dispatch", event=event, text=text)
        await goes_on(bot, control, event)

    assert await bot.judge.of(MessageDeleted, services.general.id) == []


async def test_odd_frames(launch: Launch, control: ControlClient) -> None:
    """Of any depth and length, and such as are no JSON."""
    bot = await launch()

    for text in FRAMES:
        await control.gateway("dispatch", event="MESSAGE_CREATE", text=text)
        await goes_on(bot, control, text[:20])
    for frame in ("[]", ' [{"op": 0}]', "5", "null", '"op"', "[" * 5000):
        await control.gateway("dispatch", frame=frame)
        await goes_on(bot, control, frame[:20])


async def test_frames_that_cannot_be_read_are_told(launch: Launch, control: ControlClient) -> None:
    """By what is wrong with them: the type of such an event is not known."""
    bot = await launch()

    with capture_logs() as lines:
        for frame in ("[]", '"op'):
            await control.gateway("dispatch", frame=frame)
            await goes_on(bot, control, frame)

    told = [line for line in lines if line["event"] == "event.unreadable"]
    assert told == [
        {"event": "event.unreadable", "log_level": "error", "error": error} for error in ("a list", "JSONDecodeError")
    ]


async def test_a_message_with_something_deep_beside_it_is_answered(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """What is too deep is left out, and nothing else."""
    bot = await launch()
    deep = "[" * 50_000 + "]" * 50_000
    text = json.dumps(message(sandbox, later="DEEP")).replace('"DEEP"', deep)

    await control.gateway("dispatch", event="MESSAGE_CREATE", text=text)

    await bot.judge.expect(MessageReceived)


OPTIONS: dict[str, Any] = {
    "none": None,
    "a number": 5,
    "one that is no object": [5],
    "one without a name": [{"type": 1}],
    "one without a type": [{"name": "state"}],
    "a type that is a list": [{"name": "state", "type": [1]}],
    "options of an option that are a word": [{"name": "state", "type": 1, "options": "x"}],
    "a value without end": [{"name": "state", "type": 1, "options": [{"name": "at", "type": 4, "value": 1e400}]}],
    "a huge value": [{"name": "state", "type": 1, "options": [{"name": "at", "type": 4, "value": 2**70}]}],
    "a value of any depth": [{"name": "state", "type": 1, "options": [{"name": "at", "type": 3, "value": DEEP}]}],
    "any depth": DEEP,
}


async def test_odd_options_of_a_command(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """Nothing that discord.py raises over them is left to nobody, and the next command is carried out."""
    bot = await launch()
    moderator = Moderator(control)
    await moderator.registered()

    for name, tree in OPTIONS.items():
        data = command(sandbox, {"id": "1", "name": "replay", "type": 1, "options": tree})
        await control.gateway("dispatch", event="INTERACTION_CREATE", text=json.dumps(data))
        await goes_on(bot, control, name)

    assert "at version" in text_of(await moderator.use("replay state"))


def command(sandbox: Sandbox, data: dict[str, Any]) -> dict[str, Any]:
    """Return the use of a command, of which Discord knows nothing."""
    services, user = sandbox.services, {"id": "77", "username": "eve", "discriminator": "0", "avatar": None}
    return {
        "id": str(sandbox.world.snowflakes.next()),
        "application_id": str(services.application.id),
        "type": 2,
        "token": "no-such-token",
        "version": 1,
        "channel": {"id": str(services.general.id), "type": 0},
        "channel_id": str(services.general.id),
        "guild_id": str(services.guild.id),
        "member": {"user": user, "roles": [], "flags": 0, "permissions": "8"},
        "attachment_size_limit": 5,
        "entitlements": [],
        "data": data,
    }


async def test_a_page_of_history_with_odd_messages(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """What can be read of it is recorded, and the channel is complete."""
    first = await control.post("ask first")
    channel = sandbox.services.general
    odd = [{**message(sandbox), "id": each} for each in (HUGE, None, "x", 1e400)]
    page = json.dumps([*odd, 5, None, message(sandbox, id=first["id"]), message(sandbox, content=5)])
    await control.add_fault("page", status=200, body=page, content_type="application/json",
                            method="GET", path=f"/channels/{channel.id}/messages")  # fmt: skip

    with capture_logs() as lines:
        bot = await launch()
        await bot.judge.expect(CatchupCompleted)

    assert [event.message_id for event in await bot.judge.of(MessageReceived)] == [int(first["id"])]
    assert len([line for line in lines if line["event"] == "message.unreadable"]) == 2
    await goes_on(bot, control)


async def test_a_message_sent_under_a_huge_id_is_looked_for(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """An answer that the log can't hold says nothing of what became of it."""
    bot = await launch()
    body = json.dumps(message(sandbox, id=HUGE))
    await control.add_fault("page", status=200, body=body, content_type="application/json", when="after",
                            method="POST", path="/channels/*/messages")  # fmt: skip
    await control.post("ask it")

    await bot.judge.expect(ReplySent)

    assert len(await control.messages(author="sandbox-bot")) == 1
    await goes_on(bot, control)


# -- by law ------------------------------------------------------------------------------------------------------------

odd_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(2**80), 2**80) | st.floats() | st.text(max_size=5)
    | st.sampled_from(["1", HUGE, "-1", "²", "2026-11-28T12:00:00+00:00", "0001-01-01", "9999-12-31T23:59:59"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "author", "name"]), inner),
    max_leaves=5,
)  # fmt: skip
KEYS = (
    "id",
    "channel_id",
    "guild_id",
    "author",
    "member",
    "content",
    "timestamp",
    "edited_timestamp",
    "type",
    "message_reference",
    "referenced_message",
    "mentions",
    "attachments",
    "nonce",
    "webhook_id",
)
GOOD: dict[str, Any] = {"id": "5", "channel_id": "6", "author": {"id": "7", "username": "eve"}, "content": "ask"}


@given(odd_values | st.dictionaries(st.sampled_from(KEYS), odd_values).map(lambda odd: {**GOOD, **odd}))
def test_a_payload_is_a_message_that_the_log_can_hold_or_unreadable(payload: object) -> None:
    """Nothing else comes out of the translation."""
    try:
        incoming = from_payload(payload, 1)
    except Unreadable:
        return
    event = incoming.received(Via.LIVE)
    encode_event(event)
    encode_body(incoming.body)
    Draft(event, incoming.body, subject_id=event.author_id)
    assert all(0 < number <= MOST for number in (event.message_id, event.author_id, incoming.channel_id))
    assert 0 < event.sent_at <= MOST
    Window().put(event.message_id, event.author_id, Role.PERSON, 1)


@given(odd_values)
def test_an_id_is_one_that_the_log_can_hold(value: object) -> None:
    """Or none."""
    try:
        assert 0 < snowflake(value) <= MOST
    except NoSnowflake:
        return


@pytest.mark.parametrize("number", [0, -1, MOST + 1, 1.0, True, float("inf"), "1 ", "+1", "1e3", "٣", "", None, []])
def test_what_is_no_id(number: object) -> None:
    """Discord writes ids as digits."""
    with pytest.raises(NoSnowflake):
        snowflake(number)


def test_a_message_refuses_what_does_not_fit() -> None:
    """Wherever it comes from."""
    with pytest.raises(Unreadable):
        Incoming(1, 2**63, 1, Author.PERSON, "eve", "hello", 1)
    assert Incoming(1, MOST, 1, Author.PERSON, "eve", "hello", 1).body == Body(name="eve", parts=("hello",))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values, st.integers(0, 3000))
def test_depth_takes_nothing_else_along(value: object, depth: int) -> None:
    """What is beside it is read as it is."""
    deep = "[" * depth + json.dumps(value) + "]" * depth
    text = '{"before": %s, "deep": %s, "after": %s}' % (json.dumps(value), deep, json.dumps(value))  # noqa: UP031

    read = from_json(text)

    clean = json.loads(json.dumps(value).encode("utf-8").decode())
    assert (read["before"], read["after"]) == (clean, clean)


@given(st.text() | st.binary())
def test_any_frame_leaves_the_connection_as_it_is(text: str | bytes) -> None:
    """discord.py is given an object that it can ask, or a list, as of a history."""
    with capture_logs():
        assert isinstance(for_discord_py(text), dict | list)


@pytest.mark.parametrize(
    "frame",
    ['{"op": 0, "t": [1], "s": "x", "d": 1}', '{"op": 0, "t": {}, "s": 1e999}', '{"op": 0, "t": "RESUMED", "d": null}'],
)
def test_frames_are_named_and_numbered(frame: str) -> None:
    """discord.py looks its readers up by the name, and sends the number back with each heartbeat."""
    read = for_discord_py(frame)

    assert isinstance(read["t"], str | None)
    assert isinstance(read.get("s"), int | None)
