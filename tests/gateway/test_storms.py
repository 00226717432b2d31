"""Gateways that accept and drop, again and again; servers that lack what Discord has."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import structlog
from discord.http import HTTPClient, Route

from bot.app import from_settings
from bot.gateway import connecting, pacing
from bot.gateway.check import Unreachable, examine, probe
from bot.gateway.connecting import ReconnectingClient
from bot.gateway.supervisor import Supervisor
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch, RunningBot, settings
from tests.waiting import eventually

TRIES = 9
"""Failures in a row that are looked at: with the last few, the pause no longer grows."""


@dataclass
class Pauses:
    """Pauses that were asked for; each is over at once, or once they are let go on."""

    made: list[float] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def make(self, seconds: float) -> None:
        """Note a pause."""
        self.made.append(seconds)
        await self.over.wait()
        await asyncio.sleep(0)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """Note each pause before a connection instead of making it."""
    pauses = Pauses()
    pauses.over.set()

    async def pause(_self: object, seconds: float) -> None:
        await pauses.make(seconds)

    monkeypatch.setattr(ReconnectingClient, "pause", pause)
    monkeypatch.setattr(Supervisor, "_pause", pause)
    return pauses


@pytest.fixture
def lines() -> Iterator[list[MutableMapping[str, Any]]]:
    """Return the log lines of the test."""
    with structlog.testing.capture_logs() as captured:
        yield captured


Lines = list[MutableMapping[str, Any]]


def told(lines: Lines, event: str) -> list[MutableMapping[str, Any]]:
    """Return the log lines of one name."""
    return [line for line in lines if line["event"] == event]


async def answers(control: ControlClient, question: str) -> None:
    """Wait until a question is answered."""
    post = await control.post(f"ask {question}")
    await control.wait_for_messages(reference=post["id"], contains=f"re: {question}")


async def running(launch: Launch, control: ControlClient) -> RunningBot:
    """Return a bot that answers."""
    bot = await launch()
    await answers(control, "before")
    return bot


STORMS = [
    pytest.param({"at": "connect", "does": "cut"}, "cut", id="cut before Hello"),
    pytest.param({"at": "connect", "does": "close", "code": 1001}, "with code 1001 before", id="1001 before Hello"),
    pytest.param({"at": "hello", "does": "cut"}, "cut", id="cut after Hello"),
    pytest.param({"at": "hello", "does": "close", "code": 4000}, "with code 4000 before", id="4000 after Hello"),
    pytest.param({"at": "hello", "does": "reconnect"}, "asks for another connection before", id="op 7 after Hello"),
    pytest.param({"at": "identify", "does": "close", "code": 4009}, "with code 4009", id="4009 instead of a session"),
    pytest.param({"at": "identify", "does": "reconnect"}, "asks for another", id="op 7 instead of a session"),
    pytest.param({"at": "identify", "does": "invalid-session"}, "session is invalid", id="op 9 false"),
    pytest.param({"at": "identify", "does": "invalid-session", "resumable": True}, "asks for", id="op 9 true"),
    pytest.param({"at": "ready", "does": "cut"}, "cuts the connection.", id="cut after RESUMED"),
    pytest.param({"at": "ready", "does": "close", "code": 4000}, "with code 4000.", id="4000 after RESUMED"),
    pytest.param({"at": "ready", "does": "reconnect"}, "asks for another connection.", id="op 7 after RESUMED"),
    pytest.param({"at": "ready", "does": "invalid-session"}, "invalid", id="op 9 false after READY"),
    pytest.param({"at": "ready", "does": "invalid-session", "resumable": True}, "asks", id="op 9 true after RESUMED"),
    pytest.param({"at": "upgrade", "does": "page"}, "as a gateway of Discord does (status 200)", id="200 and no 101"),
    pytest.param({"at": "upgrade", "does": "page", "status": 503}, "fails (status 503)", id="503 and no 101"),
]


@pytest.mark.parametrize(("storm", "cause"), STORMS)
async def test_a_storm_is_paced_and_told_once(
    launch: Launch,
    control: ControlClient,
    sandbox: Sandbox,
    pauses: Pauses,
    lines: Lines,
    storm: dict[str, Any],
    cause: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pauses grow whatever ends the connections, and once it is over the next one brings everything back."""
    bot = await running(launch, control)

    await control.gateway("storm", **storm)
    await control.gateway("drop")
    await eventually(lambda: len(pauses.made) >= TRIES)
    # After RESUMED it is connected now and then.
    await eventually(lambda: any(cause in reason for reason in bot.bot.health().reasons))
    calls, made = sandbox.hub.upgrades, list(pauses.made)
    await control.gateway("calm")
    await answers(control, "after")

    assert calls <= len(made) + 2
    for failed, seconds in enumerate(made, 1):
        assert pacing.pause(failed, 0.0) <= seconds <= pacing.LONGEST_PAUSE
    assert not bot.bot.health().reasons
    [warning] = told(lines, "gateway.trouble")
    assert (warning["log_level"], warning["failed"]) == ("warning", 2)
    assert cause in warning["cause"]
    assert told(lines, "gateway.trouble_over") == []

    monkeypatch.setattr(pacing, "SETTLED_SECONDS", 0.0)
    await control.gateway("drop")
    await eventually(lambda: told(lines, "gateway.trouble_over"))
    [over] = told(lines, "gateway.trouble_over")
    assert over["failed"] >= TRIES


@pytest.mark.parametrize("moment", ["connect", "hello", "identify"])
async def test_a_gateway_that_says_nothing_is_given_up(
    launch: Launch, control: ControlClient, pauses: Pauses, lines: Lines, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """discord.py waits a minute for Hello, and for ever for a session."""
    await running(launch, control)

    monkeypatch.setattr(connecting, "BEGIN_SECONDS", 0.1)
    await control.gateway("storm", at=moment, does="silence")
    await control.gateway("drop")
    await eventually(lambda: len(pauses.made) >= 4)
    monkeypatch.setattr(connecting, "BEGIN_SECONDS", 30.0)
    await control.gateway("calm")
    await answers(control, "after")

    [warning] = told(lines, "gateway.trouble")
    assert "no answer in time" in warning["cause"] or "says nothing more before a session" in warning["cause"]


async def test_after_three_failed_resumes_a_new_session_begins(
    launch: Launch, control: ControlClient, sandbox: Sandbox, pauses: Pauses
) -> None:
    """And no other is asked for."""
    await running(launch, control)

    await control.gateway("storm", at="resume", does="close", code=4000)
    await control.gateway("drop")
    await control.wait_for_ready(identifies=2)
    await answers(control, "after")

    assert sandbox.hub.storm is not None
    assert (sandbox.hub.storm.hits, sandbox.hub.resumes) == (pacing.FAILED_RESUMES, 0)
    assert (await control.sessions())["identifies"] == 2
    assert len(pauses.made) == 1 + pacing.FAILED_RESUMES


@pytest.mark.parametrize("name", [None, ""])
async def test_a_session_without_a_name_is_never_resumed(
    launch: Launch, control: ControlClient, sandbox: Sandbox, pauses: Pauses, name: str | None
) -> None:
    """A new one begins, and the history brings what was missed."""
    await control.gateway("ready", fields={"session_id": name})
    await control.gateway("storm", at="resume", does="close", code=4000)
    await running(launch, control)

    await control.gateway("drop")
    await control.wait_for_ready(identifies=2)
    await answers(control, "after")

    assert sandbox.hub.storm is not None
    assert sandbox.hub.storm.hits == 0
    assert len(pauses.made) == 1


async def test_a_dead_address_for_resuming_costs_one_try(
    launch: Launch, control: ControlClient, pauses: Pauses, unused_tcp_port: int
) -> None:
    """READY names it; the usual one knows the session too."""
    await control.gateway("ready", fields={"resume_gateway_url": f"ws://127.0.0.1:{unused_tcp_port}"})
    await running(launch, control)

    await control.gateway("drop")
    await control.wait_for_ready(resumes=1)
    await answers(control, "after")

    assert (await control.sessions())["identifies"] == 1
    assert len(pauses.made) == 2


async def test_a_session_outlives_an_outage(launch: Launch, control: ControlClient, pauses: Pauses) -> None:
    """What nobody answered is no refusal, however often."""
    await running(launch, control)

    await control.outage(0.5)
    await control.wait_for_ready(resumes=1)
    await answers(control, "after")

    assert (await control.sessions())["identifies"] == 1
    assert len(pauses.made) > pacing.FAILED_RESUMES


async def test_no_session_is_asked_for_where_none_is_left(
    launch: Launch, control: ControlClient, sandbox: Sandbox, pauses: Pauses, lines: Lines
) -> None:
    """One more would reset the token; not knowing for a while does not make it otherwise."""
    token = sandbox.services.application.token
    await control.change_settings(sessions_left=0)
    bot = await launch(ready=False)

    await eventually(lambda: len(pauses.made) >= 3)
    await control.add_fault("status", method="GET", path="/gateway/bot", status=503, count=None)
    known = len(pauses.made)
    await eventually(lambda: len(pauses.made) >= known + 3)
    await control.clear_faults()
    spent = set(pauses.made)
    await control.change_settings(sessions_left=1)
    await bot.ready()
    await answers(control, "after")

    assert spent == {pacing.LONGEST_PAUSE}
    assert len(told(lines, "gateway.no_session_left")) == 1
    assert (sandbox.services.application.token, sandbox.services.application.identifies) == (token, 1000)


@pytest.mark.parametrize("limit", [{"remaining": 0, "reset_after": 0}, {"remaining": -1, "reset_after": -5}])
async def test_none_left_is_none_left_whatever_is_said_of_the_time(
    launch: Launch, control: ControlClient, pauses: Pauses, limit: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for again after a pause."""
    whole = HTTPClient.request

    async def request(http: HTTPClient, route: Route, **kwargs: Any) -> Any:  # noqa: ANN401 - Discord's JSON
        answer = await whole(http, route, **kwargs)
        return {**answer, "session_start_limit": limit} if route.path == "/gateway/bot" else answer

    monkeypatch.setattr(HTTPClient, "request", request)
    await launch(ready=False)

    await eventually(lambda: len(pauses.made) >= 3)

    assert set(pauses.made) == {pacing.IDENTIFY_SECONDS}
    assert (await control.sessions())["identifies"] == 0


async def test_a_server_need_not_say_how_many_sessions_are_left(launch: Launch, control: ControlClient) -> None:
    """It may have any number of them."""
    await control.add_fault("missing", method="GET", path="/gateway/bot", count=None)

    await running(launch, control)


async def test_a_session_that_lost_its_connection_is_not_ready(
    launch: Launch, control: ControlClient, pauses: Pauses
) -> None:
    """discord.py says that it is, some seconds after it began."""
    pauses.over.clear()
    await control.gateway("storm", at="ready", does="cut")
    bot = await launch(ready=False)
    await eventually(lambda: bot.supervisor.client is not None)
    client = bot.supervisor.client
    assert client is not None
    await eventually(lambda: pauses.made and client.is_ready())
    catchup = client.listening.catchup
    assert catchup is not None
    await eventually(lambda: bot.bot.sync.sessions and not catchup._underway)

    assert not bot.connected

    await control.gateway("calm")
    pauses.over.set()
    await bot.ready()


ENDPOINTS = ["/users/@me", "/oauth2/applications/@me"]


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize("path", ENDPOINTS)
async def test_a_missing_endpoint_is_told_alike_by_run_and_check(
    launch: Launch, control: ControlClient, sandbox: Sandbox, lines: Lines, path: str, tmp_path: Path
) -> None:
    """By what was asked and what was answered; the bot goes on trying."""
    await control.add_fault("missing", method="GET", path=path, count=None)
    config = settings(sandbox, tmp_path, {})

    with pytest.raises(Unreachable) as unreachable:
        await examine(from_settings.endpoint(config), sandbox.services.application.token, from_settings.places(config))
    bot = await launch(ready=False)
    await eventually(lambda: told(lines, "gateway.trouble"))
    await control.clear_faults()
    await bot.ready()

    [warning] = told(lines, "gateway.trouble")
    address = sandbox.services.addresses.api
    sentence = f"{address} answers, but not as Discord does (GET {path}: status 404)."
    assert (warning["cause"], str(unreachable.value)) == (sentence, sentence)


@pytest.mark.usefixtures("pauses")
async def test_no_upgrade_is_told_alike_by_run_and_check(
    launch: Launch, control: ControlClient, sandbox: Sandbox, lines: Lines, tmp_path: Path
) -> None:
    """A page with status 200 is no gateway."""
    await control.gateway("storm", at="upgrade", does="page")

    with pytest.raises(Unreachable) as unreachable:
        await probe(from_settings.endpoint(settings(sandbox, tmp_path, {})))
    bot = await launch(ready=False)
    await eventually(lambda: told(lines, "gateway.trouble"))
    await control.gateway("calm")
    await bot.ready()

    [warning] = told(lines, "gateway.trouble")
    assert "answers, but not as a gateway of Discord does (status 200)." in warning["cause"]
    assert str(unreachable.value) == warning["cause"]


async def test_active_threads_that_nobody_lists_are_told_once(
    launch: Launch, control: ControlClient, sandbox: Sandbox, lines: Lines, tmp_path: Path
) -> None:
    """In words, in both; the bot answers."""
    await control.add_fault("missing", method="GET", path="/guilds/*/threads/active", count=None)
    config = settings(sandbox, tmp_path, {})

    account = await examine(
        from_settings.endpoint(config), sandbox.services.application.token, from_settings.places(config)
    )
    await running(launch, control)
    await eventually(lambda: told(lines, "threads.unknown"))

    assert account is not None
    assert not account.threads_listed
    [line] = told(lines, "threads.unknown")
    guild = sandbox.services.guild.id
    assert line["reason"] == f"GET /guilds/{guild}/threads/active: status 404"
    assert "once somebody writes in them" in line["hint"]
