"""Messages taken from the gateway's JSON, beside the same messages taken by way of discord.py's objects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import discord
import pytest
from discord.user import ClientUser
from hypothesis import given, settings
from structlog.testing import capture_logs

from bot.app import from_settings
from bot.app.bot import Bot
from bot.app.responders import responders_of
from bot.config import Config
from bot.core.commands import Command, Receive
from bot.core.events import Attachment, Body, Event, MessageReceived, Via
from bot.core.sharding import Sharding
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.eventlog.query import Query
from bot.gateway import wire
from bot.gateway.client import Client
from bot.gateway.current import CurrentClient
from bot.gateway.discord_time import DiscordTime
from bot.gateway.holding import Recording
from bot.gateway.incoming import Incoming
from bot.gateway.places import Place
from bot.gateway.wiring import Wirings
from bot.telemetry import Metrics
from tests.gateway.payloads import (
    EVE,
    FIRST,
    FORMS,
    GENERAL,
    OWN,
    PLURALKIT,
    UNKNOWN,
    Json,
    attachment,
    guild,
    member,
    message,
    payloads,
    user,
)
from tests.waiting import eventually

RECORDING = Path(__file__).parents[2] / ".." / "shared" / "data" / "ubuntu-irc" / "channels.jsonl"
EVENT = "MESSAGE_CREATE"
CONFIG: Json = {
    "rules": [{"match": "(?s)ask (?P<what>.+)", "reply": "re: {what}"}],
    "limits": {"per_channel": "off", "per_person": "off"},
    "catchup": {"enabled": False},
}
"""The settings of a bot that connects to nothing."""


class Known(NamedTuple):
    """What discord.py knows that the bot asks it for, or might."""

    newest: dict[int, int | None]
    own: tuple[str, list[int]]
    threads: dict[int, str]
    members: list[int]
    private: list[int]
    users: list[int]
    messages: int


def known(client: Client) -> Known:
    """Return what discord.py knows by now."""
    [home] = client.guilds
    return Known(
        {each.id: getattr(each, "last_message_id", None) for each in (*home.channels, *home.threads)},
        (home.me.display_name, [role.id for role in home.me.roles]),
        {each.id: each.name for each in home.threads},
        [each.id for each in home.members],
        [each.id for each in client.private_channels],
        sorted(client._connection._users),
        len(client.cached_messages),
    )


async def client_of(bot: Bot) -> Client:
    """Return a client without a connection, which knows its user and one server, and has no gap in any channel."""
    wirings = Wirings({0: replace(bot.wiring, commands=None)}, Sharding(), None, lambda _: None)
    client = Client(from_settings.endpoint(bot._config), wirings, bot.current.reconnects)
    await client._async_setup_hook()
    state, data = client._connection, user(OWN, "echo", bot=True)
    state.user = ClientUser(state=state, data=data)  # type: ignore[arg-type]
    state.parsers["GUILD_CREATE"](guild())
    for channel in (*client.guilds[0].channels, *client.guilds[0].threads):
        bot.sync.complete(channel.id)
    return client


def by_objects(client: Client) -> None:
    """Have discord.py build an object of each message, as if nothing were taken before, and its JSON not be at hand."""
    taken: Any = client._connection.parsers[EVENT]
    _take, client._connection.parsers[EVENT] = taken.args


def by_discord_py(client: Client) -> None:
    """Have discord.py parse each message, as it does those from which it learns something."""
    taken: Any = client._connection.parsers[EVENT]
    _take, parse = taken.args

    def parsed(data: Any) -> None:  # noqa: ANN401 - JSON
        client.listening.arrivals._given = data
        parse(data)

    client._connection.parsers[EVENT] = parsed


def give(client: Client, data: object) -> None:
    """Take a message as the gateway's connection passes it on; discord.py may write into what it is given."""
    client._connection.parsers[EVENT](deepcopy(data))


@asynccontextmanager
async def offline(folder: Path) -> AsyncIterator[Bot]:
    """Open a log for a bot that connects to nothing."""
    config = Config.model_validate(CONFIG)
    log = await open_log(Location(folder), clock=lambda: 1_800_000_000_000_000, full=False)
    current = CurrentClient(DiscordTime(lambda: 1_800_000_000_000_000))
    bot = Bot(config, log, responders_of(config), current, Metrics())
    try:
        yield bot
    finally:
        await bot.replies.stop(0)
        await log.close()


# -- what is recorded --------------------------------------------------------------------------------------------------


async def recorded(bot: Bot, client: Client) -> list[tuple[str, int, Event, Body | None]]:
    """Return all that a bot's log holds of what its client was given."""
    await eventually(lambda: not bot.conversations.waiting and not client.listening.arrivals._background._tasks)
    everything = [each async for each in bot.log.reader.events(Query())]
    bodies = await bot.log.reader.bodies(each.position for each in everything)
    return [(each.stream, each.version, each.event, bodies.get(each.position)) for each in everything]


async def test_the_log_holds_the_same(tmp_path: Path) -> None:
    """Each event, its place and its words, whichever way the messages came; what is repeated is there once."""
    # Where a proxy bot is, answers wait, and their events come when they come.
    chosen = [form for name, form in FORMS.items() if name != "of a proxy bot's webhook"]
    forms = [message(number, **form) for number, form in enumerate(chosen, start=1)]
    lines = RECORDING.read_text("utf-8").splitlines()[:200] if RECORDING.exists() else []
    spoken = [message(len(forms) + at, content=json.loads(line)["content"]) for at, line in enumerate(lines, start=1)]
    found = []
    for name, change in (("json", lambda _client: None), ("discord.py", by_discord_py)):
        async with offline(tmp_path / name) as bot:
            client = await client_of(bot)
            change(client)
            for data in (*forms, *spoken, *forms):
                give(client, data)
            found.append((await recorded(bot, client), known(client)))
            await client.close()

    assert found[0] == found[1]
    ids = [event.message_id for _, _, event, _ in found[0][0] if isinstance(event, MessageReceived)]
    assert len(ids) == len(set(ids))
    assert len(ids) > len(forms) + len(spoken) - 10


# -- by law ------------------------------------------------------------------------------------------------------------


class Queue:
    """Notes what would be recorded, in place of all conversations: an example is judged by its commands."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def submit(self, channel_id: int, command: Command) -> None:
        """Note a command."""
        self.heard.append((channel_id, command))

    def peek(self, _channel_id: int) -> None:
        """Know no channel's state."""


class Outcome(NamedTuple):
    """What came of a message: its place, commands, catch-ups; what discord.py knows then; the errors that were told."""

    heard: list[object]
    known: Known
    told: list[str]


async def outcome(bot: Bot, data: Json, change: Callable[[Client], None] = lambda _client: None) -> Outcome:
    """Give a new client one message."""
    client = await client_of(bot)
    change(client)
    queue, arrivals, take = Queue(), client.listening.arrivals, bot.intake.message

    def arrived(incoming: Incoming, place: Place, via: Via, own_id: int) -> Recording | None:
        queue.heard.append((place, via, own_id))
        return take(incoming, place, via, own_id)

    async def own(incoming: Incoming, _place: Place, _via: Via) -> None:
        queue.heard.append(incoming)

    with pytest.MonkeyPatch.context() as patch, capture_logs() as lines:
        patch.setattr(bot.intake, "_conversations", queue)
        patch.setattr(bot.intake, "message", arrived)
        patch.setattr(bot.intake, "own", own)
        patch.setattr(arrivals, "_complete", queue.heard.append)
        give(client, data)
        await arrivals._background.end()
        await bot.intake._holding._background.end()
    await client.close()
    return Outcome(queue.heard, known(client), [line["event"] for line in lines if line["log_level"] == "error"])


def bare(found: Outcome) -> Outcome:
    """Return an outcome without what only the JSON of a message tells: what it shows besides its text, and names."""
    heard = [_bare(each) for each in found.heard]
    return found._replace(heard=heard)


def _bare(heard: object) -> object:
    if isinstance(heard, Incoming):
        return replace(heard, shown=(), names=(), forwards=None, edited_at=None, attachments=_plain(heard.attachments))
    if not isinstance(heard, tuple) or not isinstance(heard[1], Receive):
        return heard
    command = heard[1]
    facts = {"shown": (), "forwards": None, "attachments": _plain(command.event.attachments)}
    event = command.event.model_copy(update=facts)
    body = command.body and command.body.model_copy(update={"shown": (), "names": ()})
    return (heard[0], replace(command, event=event, body=body))


def _plain(files: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
    return tuple(each.model_copy(update={"length_ms": 0}) for each in files)


def legible(data: Json) -> Json:
    """Return a message with nothing but what the bot takes of it, and with all that discord.py needs beside that."""
    author, files, reference = data["author"], data["attachments"], data.get("message_reference")
    whole = message(**{key: data[key] for key in ("id", "channel_id", "guild_id", "type", "content")})
    names = {key: author[key] for key in ("global_name", "bot") if key in author}
    whole["author"] = user(author["id"], author["username"], **names)
    whole["member"] = member(nick=(data.get("member") or {}).get("nick"))
    whole["attachments"] = [
        attachment(id=file["id"], filename=file["filename"], size=file["size"], content_type=file.get("content_type"))
        for file in files
    ]
    whole |= {key: data[key] for key in ("nonce",) if key in data}
    whole |= {"webhook_id": str(EVE)} if data.get("webhook_id") is not None else {}
    whole |= {"application_id": str(PLURALKIT)} if data.get("application_id") in (str(PLURALKIT), PLURALKIT) else {}
    to_bot = False
    if reference:
        whole["message_reference"] = {"channel_id": str(GENERAL), "message_id": reference.get("message_id") or None}
        whole["message_reference"] |= {"type": reference["type"]} if reference.get("type") == 1 else {}
        replied = ((data.get("referenced_message") or {}).get("author") or {}).get("id")
        to_bot = str(replied) == str(OWN)
        whole |= {"referenced_message": message(author=user(OWN))} if to_bot else {}
    # What replies to the bot is for the bot, whomever it mentions.
    whole["mentions"] = [] if to_bot else [user(each["id"]) for each in data["mentions"] or ()]
    return whole


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """Run examples in one loop."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def bot(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """Share a bot among examples: nothing of them reaches its log."""
    opened = offline(tmp_path_factory.mktemp("wire"))
    yield runner.run(opened.__aenter__())
    runner.run(opened.__aexit__(None, None, None))


@given(payloads())
@settings(max_examples=300)
def test_each_way_takes_the_same_of_a_message(runner: asyncio.Runner, bot: Bot, data: Json) -> None:
    """Or the way of objects trips over what the bot does not take of it, and takes the same once that is gone."""
    by_json, by_object = bare(runner.run(outcome(bot, data))), bare(runner.run(outcome(bot, data, by_objects)))
    if by_json != by_object:
        # discord.py passes over a member without one of these, and says nothing.
        silent = not {"roles", "flags"} <= (data.get("member") or {}).keys()
        assert by_object.told in (["event.unreadable"], ["handler.failed"]) or (silent and not by_object.told)
        assert not by_json.told
        by_object = bare(runner.run(outcome(bot, legible(data), by_objects)))
    assert by_json == by_object


# -- what is relied on -------------------------------------------------------------------------------------------------


async def one_is_taken(bot: Bot) -> Outcome:
    """Give a client a plain message, which is recorded and is then its channel's newest."""
    found = await outcome(bot, message(1))
    assert [type(heard[1]) for heard in found.heard if isinstance(heard, tuple)] == [Via, Receive]
    assert found.known.newest[GENERAL] == FIRST + 1
    return found


def test_no_object_is_built(runner: asyncio.Runner, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a message in a channel of a server: building one takes discord.py longer than the bot takes for the rest."""
    monkeypatch.delattr(discord.state, "Message")

    assert runner.run(one_is_taken(bot)).told == []
    assert runner.run(outcome(bot, message(1, channel_id=str(UNKNOWN)))).told == ["event.unreadable"]


def changed(owner: object, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Have a discord.py to come lack something, or answer in another way."""

    def otherwise(*_: object, **__: object) -> object:
        raise TypeError(name)

    return lambda monkeypatch: monkeypatch.setattr(owner, name, otherwise)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(changed(discord.Client, "get_guild"), id="its servers"),
        pytest.param(changed(discord.Guild, "get_channel_or_thread"), id="its channels"),
        pytest.param(changed(wire, "from_payload"), id="what reads a message"),
        pytest.param(lambda monkeypatch: monkeypatch.setattr(wire, "EVENT", "MESSAGE_MADE"), id="its parsers"),
    ],
)
def test_a_message_is_taken_from_the_object_where_the_short_way_fails(
    runner: asyncio.Runner, bot: Bot, monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """As by any discord.py before."""
    expected = runner.run(one_is_taken(bot))
    change(monkeypatch)

    assert runner.run(one_is_taken(bot)) == expected


def test_a_message_that_trips_the_intake_is_told_and_ends_nothing(
    runner: asyncio.Runner, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As any other event: the connection goes on."""
    changed(bot.sync, "via")(monkeypatch)

    assert runner.run(outcome(bot, message(1))).told == ["handler.failed"]


async def test_a_closed_client_takes_nothing(tmp_path: Path) -> None:
    """Its connection may still bring what another client is brought again."""
    async with offline(tmp_path) as bot:
        client = await client_of(bot)
        await client.close()
        give(client, message(1))

        assert await recorded(bot, client) == []
