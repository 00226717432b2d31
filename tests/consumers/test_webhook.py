"""Events posted over real HTTP: signed, in order, again after every failure, and never past one."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web

from bot.backoff import LONGEST_ASKED, retry_after
from bot.consumers import Away, Refused, Stop
from bot.consumers.consumers import FOLDER, Consumers
from bot.consumers.status import State
from bot.consumers.webhook import Webhook, WebhookSettings, _judge, webhook
from bot.core.events import Body, Draft, MessageReceived
from bot.errors import ConfigError
from bot.eventlog.location import Location
from bot.eventlog.log import EventLog
from bot.signed_post import signature
from tests.consumers.following import AT_ONCE, caught_up, filled, running
from tests.consumers.receiving import KEY, receiving
from tests.waiting import eventually

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "webhook.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def keys(first: int, last: int) -> list[str]:
    """Return the keys of events."""
    return [f"0:{position}" for position in range(first, last + 1)]


async def test_events_are_posted_in_order(log: EventLog) -> None:
    """As lines of an export with their keys; what was taken is not sent again after a restart."""
    await filled(log, 5)

    async with receiving() as receiver:
        async with running(log, receiver.webhook(batch=2)) as consumers:
            await caught_up(consumers)
        await filled(log, 1)
        async with running(log, receiver.webhook(batch=2)) as consumers:
            await caught_up(consumers)

    assert receiver.keys == keys(1, 6)
    first = receiver.posted[0]
    assert (first.lines[0]["type"], first.lines[0]["incarnation"], first.lines[0]["body"]) == ("gateway.lost", 0, None)
    number = first.headers["webhook-id"]
    assert number.endswith("_0:1_0:2")
    assert first.headers["idempotency-key"] == f'"{number}"'
    assert first.headers["x-team"] == "chat"
    assert first.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("words", [True, False])
async def test_words_are_sent_where_they_are_wanted(log: EventLog, words: bool) -> None:  # noqa: FBT001 - a table
    """And never without the setting."""
    event = MessageReceived(message_id=5, author_id=6, sent_at=0)
    await log.append("channel:7", [Draft(event, Body(parts=("hello",)), 6)])

    async with receiving() as receiver, running(log, receiver.webhook(words=words)) as consumers:
        await caught_up(consumers)

    assert ("hello" in json.dumps(receiver.posted)) is words


async def stalled(_request: web.Request, _lines: list[dict[str, Any]]) -> web.StreamResponse:
    """Never answer."""
    await asyncio.sleep(3600)
    raise AssertionError


async def dropped(request: web.Request, _lines: list[dict[str, Any]]) -> web.StreamResponse:
    """Cut the connection."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def endless(request: web.Request, _lines: list[dict[str, Any]]) -> web.StreamResponse:
    """Take the events, with an answer that goes on for ever."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b"x" * 65536)


async def elsewhere(_request: web.Request, _lines: list[dict[str, Any]]) -> web.StreamResponse:
    """Say that it is somewhere else."""
    return web.Response(status=307, headers={"Location": "/elsewhere"})


async def test_a_receiver_that_fails_gets_the_same_again(log: EventLog) -> None:
    """Same keys, same id, in order, nothing parked; no redirect is followed, and an endless answer holds nothing up."""
    await filled(log, 3)

    async with receiving() as receiver:
        receiver.answers = [503, stalled, dropped, elsewhere, 429, 408, 401, endless]
        async with running(log, receiver.webhook(timeout="200ms")) as consumers:
            await caught_up(consumers)
            assert consumers.status("webhook").parked == 0
            await filled(log, 1)
            await caught_up(consumers)

    assert [posted.keys for posted in receiver.posted] == [keys(1, 3)] * 8 + [keys(4, 4)]
    assert len({posted.headers["webhook-id"] for posted in receiver.posted}) == 2


async def test_a_receiver_that_is_not_there_is_waited_for(log: EventLog) -> None:
    """And no log line shows its address."""
    await filled(log, 2)
    async with receiving() as receiver:
        hook, port = receiver.webhook("secret-path"), receiver.port

    with structlog.testing.capture_logs() as said:
        async with running(log, hook) as consumers:
            await eventually(lambda: consumers.status("webhook").state is State.WAITING)
            assert consumers.trouble == "webhook is waiting: the receiver can't be reached (ClientConnectorError)"
            async with receiving(port) as receiver:
                await caught_up(consumers)

    assert receiver.keys == keys(1, 2)
    assert "secret-path" not in str(said)
    assert "pass-word" not in str(said) + repr(vars(hook))


async def test_an_event_that_is_refused_is_parked_and_sent_again_when_asked(log: EventLog, location: Location) -> None:
    """With the status, and the rest goes on."""
    await filled(log, 4)

    async def picky(_request: web.Request, lines: list[dict[str, Any]]) -> web.StreamResponse:
        receiver.answers.append(picky)
        return web.Response(status=422 if any(line["position"] == 2 for line in lines) else 200)

    async with receiving() as receiver:
        receiver.answers = [picky]
        async with running(log, receiver.webhook()) as consumers:
            await caught_up(consumers)
            assert consumers.status("webhook").parked == 1

    with closing(sqlite3.connect(location.folder / FOLDER / "webhook.db")) as raw:
        parked = raw.execute("SELECT position, error FROM echoless_parked").fetchall()
    assert parked == [(2, "the receiver answers 422")]
    taken = [posted.keys for posted in receiver.posted if "0:2" not in posted.keys]
    assert taken == [["0:1"], ["0:3"], ["0:4"]]


async def test_a_receiver_that_is_gone_is_left_alone(log: EventLog) -> None:
    """Until somebody sets another address and restarts the bot."""
    await filled(log, 1)

    async with receiving() as receiver:
        receiver.answers = [410]
        async with running(log, receiver.webhook()) as consumers:
            await eventually(lambda: consumers.status("webhook").state is State.STOPPED)
            assert "set another consumers.webhook.url" in consumers.trouble
        async with running(log, receiver.webhook()) as consumers:
            await caught_up(consumers)

    assert receiver.keys == ["0:1", "0:1"]


@pytest.mark.parametrize(
    ("status", "means"),
    [
        *((status, None) for status in (200, 202, 204)),
        *((status, Away) for status in (301, 307, 401, 403, 404, 405, 407, 408, 421, 425, 429, 500, 502, 503, 599)),
        *((status, Refused) for status in (400, 409, 413, 415, 422)),
        (410, Stop),
    ],
)
def test_each_status_has_a_meaning(status: int, means: type[Exception] | None) -> None:
    """Taken, later, the event's fault, or never again."""
    if means is None:
        _judge(status, "")
        return
    with pytest.raises(means, match=str(status)):
        _judge(status, "")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("99999999999999999999", LONGEST_ASKED),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2199 07:28:00 GMT", LONGEST_ASKED),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("\N{SUPERSCRIPT TWO}", None),
    ],
)
def test_a_receiver_says_when_to_come_again(text: str, seconds: float | None) -> None:
    """In seconds or as a date, within reason."""
    assert retry_after(text, 1_700_000_000.0) == seconds


async def test_the_receiver_of_the_page_makes_each_event_once(
    log: EventLog, location: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although all of them are posted twice; it takes nothing that somebody else signed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOK_SECRET", f"whsec_{base64.b64encode(KEY).decode()}")
    (block,) = re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"))
    page: dict[str, Any] = {}
    exec(block, page)  # noqa: S102 - our own page
    await filled(log, 3)

    with page["HTTPServer"](("127.0.0.1", 0), page["Receiver"]) as server, closing(page["database"]) as database:
        serving = asyncio.create_task(asyncio.to_thread(server.serve_forever))
        settings = WebhookSettings.model_validate({"url": f"http://127.0.0.1:{server.server_port}"})
        for folder in ("once", "again"):
            consumers = Consumers([Webhook(settings, KEY, {})], lambda: 1, AT_ONCE)
            async with consumers.of(log, location.folder / folder):
                await caught_up(consumers)
        forger = Consumers([Webhook(settings, b"another", {})], lambda: 1, AT_ONCE)
        async with forger.of(log, location.folder / "forged"):
            await eventually(lambda: "401" in forger.trouble)
        await asyncio.to_thread(server.shutdown)
        await serving
        assert database.execute("SELECT key FROM seen ORDER BY key").fetchall() == [("0:1",), ("0:2",), ("0:3",)]


def test_the_signature_is_that_of_the_specification(tmp_path: Path) -> None:
    """The example of the specification's own libraries."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    made = webhook("webhook", {"url": "http://x", "secret_file": "secret"}, tmp_path)

    found = signature(made._poster._secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')

    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "ftp://x", "secret_env": "HOOK"}, "consumers.webhook.url has to be an http:// or https:// address."),
        ({"url": "http://x"}, "names no secret to sign with"),
        ({"url": "http://x", "secret_file": "nowhere"}, "nowhere can't be read: put the webhook's secret there"),
        ({"url": "http://x", "secret_env": "UNSET"}, "no secret in the environment variable UNSET"),
        ({"url": "http://x", "secret_env": "SHORT"}, "24 to 64 bytes in base64"),
        ({"url": "http://x", "secret": SECRET}, "has no setting 'secret'"),
        ({"url": "http://x", "secret_env": "HOOK", "timeout": "6m"}, "timeout has to be a duration"),
        ({"url": "http://x", "secret_env": "HOOK", "timeout": 5}, "timeout has to be a duration"),
        ({"url": "http://x", "secret_env": "HOOK", "batch": 0}, "batch has to be a whole number from 1 to 1000"),
        ({"url": "http://x", "secret_env": "HOOK", "headers": {"Webhook-Id": "1"}}, "headers has to be a table"),
        ({"url": "http://x", "secret_env": "HOOK", "headers": {"X": "a\nb"}}, "headers has to be a table"),
        ({"url": "http://x", "secret_env": "HOOK", "headers_env": {"X": "UNSET"}}, "variable UNSET holds nothing"),
    ],
)
def test_wrong_settings_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], said: str
) -> None:
    """With what they have to be, and without the secret."""
    monkeypatch.setenv("HOOK", SECRET)
    monkeypatch.setenv("SHORT", "whsec_c2hvcnQ=")

    with pytest.raises(ConfigError) as refused:
        webhook("webhook", settings, tmp_path)

    assert said in str(refused.value)
    assert "MfKQ" not in str(refused.value)
