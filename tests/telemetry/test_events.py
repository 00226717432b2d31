"""``/events`` over real HTTP: events as they are recorded, also after a lost connection and a restored backup."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from bot.app.events import feed_of
from bot.config import load
from bot.core.events import Body, Draft, MessageReceived
from bot.errors import ConfigError
from bot.eventlog import backup, restoring
from bot.eventlog.key_file import read_key
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog, open_log
from bot.sandbox.control_client import ControlClient
from bot.telemetry import Health, Metrics, events, serve
from bot.telemetry.events import EventFeed
from tests.consumers.following import filled
from tests.harness import Launch
from tests.ports import free_port
from tests.waiting import PATIENCE, eventually

TOKEN = "t" * 32
KNOWN = {"Authorization": f"Bearer {TOKEN}"}


class Sent(NamedTuple):
    """An event as it came."""

    id: str
    data: dict[str, Any]
    name: str = ""


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[EventLog]:
    """Return a log that is closed at the end."""
    found = await open_log(Location(tmp_path / "log"), clock=lambda: 1_700_000_000_000_000, full=False)
    yield found
    await found.close()


@asynccontextmanager
async def served(log: EventLog, *, words: bool = False) -> AsyncIterator[str]:
    """Serve a log's events; yield the address."""
    port = free_port()
    feed = EventFeed(log.location, TOKEN, words=words)
    log.on_committed.append(feed.committed)
    health = Health(gateway="connected", log="writable", pending=0)
    async with serve("127.0.0.1", port, health=lambda: health, metrics=Metrics(), feeds={"/events": feed}):
        yield f"http://127.0.0.1:{port}/events"
    log.on_committed.remove(feed.committed)


@asynccontextmanager
async def asked(address: str, **headers: str) -> AsyncIterator[aiohttp.ClientResponse]:
    """Ask for events with the token."""
    patience = aiohttp.ClientTimeout(total=PATIENCE)
    async with (
        aiohttp.ClientSession(timeout=patience) as session,
        session.get(address, headers=KNOWN | headers) as found,
    ):
        yield found


async def read(response: aiohttp.ClientResponse, count: int) -> list[Sent]:
    """Return the next events, without comments."""
    found: list[Sent] = []
    while len(found) < count:
        fields: dict[str, str] = {}
        while line := (await response.content.readline()).decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        if "data" in fields:
            found.append(Sent(fields.get("id", ""), json.loads(fields["data"]), fields.get("event", "")))
    return found


async def test_events_come_as_they_are_recorded_and_a_lost_connection_is_gone_on_with(log: EventLog) -> None:
    """In order, each once, in the lines of `log follow --json`; across a restart of the server too."""
    await filled(log, 2)
    async with served(log) as address:
        async with asked(f"{address}?from=0") as response:
            assert response.headers["Content-Type"] == "text/event-stream"
            first = await read(response, 2)
            await filled(log, 1)
            first += await read(response, 1)
        async with asked(address) as response:
            await read_comment(response)
            await filled(log, 1)
            (only_new,) = await read(response, 1)
    await filled(log, 1)
    async with served(log) as address, asked(address, **{"Last-Event-ID": first[-1].id}) as response:
        again = await read(response, 2)

    assert [each.id for each in first] == ["0:1", "0:2", "0:3"]
    assert [each.id for each in again] == ["0:4", "0:5"]
    assert only_new.id == "0:4"
    line = first[0].data
    assert (line["incarnation"], line["position"], line["type"], line["body"]) == (0, 1, "gateway.lost", None)


async def test_a_restart_of_the_bot_is_gone_on_after(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot leaves while somebody follows; nothing is missed and nothing comes twice."""
    monkeypatch.setenv("ECHOLESS_EVENTS_TOKEN", TOKEN)
    port = free_port()
    address, settings = f"http://127.0.0.1:{port}/events", {"port": port, "events": True}

    bot = await launch(telemetry=settings)
    async with asked(f"{address}?from=0") as response:
        await control.post("ask one")
        seen = await read_until(response, "reply.sent")
        await bot.stop()
        rest = await response.content.read()
    seen += [Sent(number.decode(), {}) for number in re.findall(rb"(?m)^id: (.*)$", rest)]
    bot = await launch(telemetry=settings)
    async with asked(address, **{"Last-Event-ID": seen[-1].id}) as response:
        await control.post("ask two")
        seen += await read_until(response, "reply.sent")

    assert [each.id for each in seen] == [f"0:{number}" for number in range(1, len(seen) + 1)]
    assert "ask" not in str(seen)


async def read_until(response: aiohttp.ClientResponse, kind: str) -> list[Sent]:
    """Return the next events up to one of a type."""
    found = await read(response, 1)
    while found[-1].data["type"] != kind:
        found += await read(response, 1)
    return found


async def read_comment(response: aiohttp.ClientResponse) -> None:
    """Wait for the heartbeat that says that it follows."""
    assert await response.content.readline() == b": \n"


async def test_a_restored_backup_is_noticed(log: EventLog, tmp_path: Path) -> None:
    """Where events that were sent are gone, it says so, and goes on with what the log holds."""
    location = log.location
    await filled(log, 2)
    backup.take(location.database, tmp_path / "backup.db", vault=None, release="0", now=1)
    await filled(log, 2)
    await log.close()
    key = read_key(location.key_path)
    await restoring.restore(tmp_path / "backup.db", location, key, clock=lambda: 2, force=True)
    restored = await open_log(location, clock=lambda: 3, full=False)
    async with served(restored) as address:
        async with asked(address, **{"Last-Event-ID": "0:4"}) as response:
            told, *more = await read(response, 2)
        async with asked(address, **{"Last-Event-ID": "0:2"}) as response:
            (kept,) = await read(response, 1)
    await restored.close()

    assert told == Sent("1:2", {"after": 2, "incarnation": 1}, "restored")
    assert [more[0].id, kept.id] == ["1:3", "1:3"]
    assert kept.name == ""


@pytest.mark.parametrize("allowed", [True, False])
async def test_words_are_sent_to_who_asks_where_the_settings_allow_it(log: EventLog, allowed: bool) -> None:  # noqa: FBT001 - a table
    """And to nobody else."""
    event = MessageReceived(message_id=5, author_id=6, sent_at=0)
    await log.append("channel:7", [Draft(event, Body(parts=("hello",)), 6)])

    async with served(log, words=allowed) as address:
        async with asked(f"{address}?from=0") as response:
            (silent,) = await read(response, 1)
        async with asked(f"{address}?from=0&words=true") as response:
            said = (await read(response, 1))[0].data["body"]["parts"] if allowed else response.status

    assert silent.data["body"] is None
    assert said == (["hello"] if allowed else 403)


@pytest.mark.parametrize(
    ("query", "headers", "status", "said"),
    [
        ("", {"Authorization": "Bearer wrong"}, 401, "Send the token as a bearer's."),
        ("", {"Authorization": f"Basic {TOKEN}"}, 401, "Send the token"),
        ("", {"Authorization": "Bearer \udcff"}, 401, "Send the token"),
        ("?from=x", {}, 400, "from is a whole number."),
        ("?incarnation=-1", {}, 400, "incarnation is a whole number."),
        ("?from=9999999999999999999999", {}, 400, "from is a whole number."),
        ("?type=secret", {}, 400, "`echoless log stats` names them"),
        ("?words=yes", {}, 400, "words is true or false."),
        ("?token=x", {}, 400, "There is no parameter token"),
        ("", {"Last-Event-ID": "7"}, 400, "INCARNATION:POSITION"),
    ],
)
async def test_what_can_not_be_answered_is_refused(
    log: EventLog, query: str, headers: dict[str, str], status: int, said: str
) -> None:
    """With a sentence."""
    async with served(log) as address, asked(address + query, **headers) as response:
        assert (response.status, said in await response.text()) == (status, True)


async def test_only_so_many_follow_and_types_are_chosen(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who leaves makes room."""
    monkeypatch.setattr(events, "MOST", 1)
    monkeypatch.setattr(events, "HEARTBEAT", 0.01)
    await filled(log, 3)
    await log.append("channel:7", [Draft(MessageReceived(message_id=5, author_id=6, sent_at=0))])

    async with served(log) as address:
        async with asked(f"{address}?from=0&type=message.received") as response:
            (only,) = await read(response, 1)
            async with asked(address) as second:
                assert (second.status, second.headers["Retry-After"]) == (503, "10")
        async with asyncio.timeout(PATIENCE):
            while True:
                async with asked(address) as third:
                    if third.status == 200:
                        break

    assert only.id == "0:4"


async def test_who_does_not_read_is_let_go_and_holds_nobody_up(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a page is held for it."""
    let_go: list[str] = []

    async def write(*given: Any) -> None:  # noqa: ANN401 - whatever it takes
        try:
            await write_as_it_is(*given)
        except ConnectionAbortedError:
            let_go.append("")
            raise

    write_as_it_is = events._write
    monkeypatch.setattr(events, "_write", write)
    monkeypatch.setattr(events, "PATIENCE", 0.2)
    said = Body(parts=("x" * 50_000,))
    heard = (MessageReceived(message_id=number + 1, author_id=6, sent_at=0) for number in range(150))
    await log.append("channel:7", [Draft(event, said, 6) for event in heard])

    async with served(log, words=True) as address:
        host, port = address.removeprefix("http://").removesuffix("/events").split(":")
        with socket.socket() as idle:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            idle.connect((host, int(port)))
            idle.sendall(
                f"GET /events?from=0&words=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
            )
            async with asked(f"{address}?from=0&words=true") as response:
                assert len(await read(response, 150)) == 150
            await eventually(lambda: len(let_go) == 1)


@pytest.mark.parametrize(
    ("settings", "token", "said"),
    [
        ("events = true", "", "no token in the environment variable ECHOLESS_EVENTS_TOKEN"),
        ("events = true", "short", "under 20 characters"),
        ("events = true\nevents_token_file = 'nowhere'", "", "nowhere can't be read"),
        ("events = true", TOKEN, ""),
        ("", TOKEN, None),
    ],
)
def test_it_is_off_or_has_a_token(tmp_path: Path, settings: str, token: str, said: str | None) -> None:
    """Nobody is let in by mistake."""
    (tmp_path / "config.toml").write_text(f"[telemetry]\n{settings}\n")
    config = load(tmp_path / "config.toml", {})
    environ = {"ECHOLESS_EVENTS_TOKEN": token}

    if said:
        with pytest.raises(ConfigError, match=said):
            feed_of(config, Location(tmp_path), environ)
    else:
        assert (feed_of(config, Location(tmp_path), environ) is None) is (said is None)
