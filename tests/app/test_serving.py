from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import aiohttp

from bot.app.running import run_bot
from bot.core.events import BotStarted, BotStopped, ReplySent
from bot.eventlog.location import Location
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from bot.times import LONGEST
from tests.harness import Launch, judging, settings
from tests.ports import free_port
from tests.waiting import PATIENCE, eventually


async def test_it_runs_from_start_to_stop_and_the_log_tells_so(
    sandbox: Sandbox, control: ControlClient, tmp_path: Path
) -> None:
    """As ``echoless run`` runs it, down to the reason of its end."""
    stopping = asyncio.Event()
    folder = tmp_path / "log"
    running = asyncio.create_task(
        run_bot(settings(sandbox, folder, {}), sandbox.services.application.token, Location(folder), stopping)
    )
    await control.post("ask me")
    await control.wait_for_messages(author="sandbox-bot")

    stopping.set()
    await running

    async with judging(folder) as judge:
        events = [each.event for each in await judge.all("bot")]
        assert isinstance(events[0], BotStarted)
        assert events[-1] == BotStopped(reason="asked to")


async def test_the_longest_durations_are_no_trouble(launch: Launch, control: ControlClient) -> None:
    """Nothing runs past the end of the calendar, or of what a timer takes."""
    longest = f"{LONGEST.days}d"
    running = await launch(
        replies={"max_age": longest, "send_timeout": longest},
        catchup={"max_age": longest},
        audit={"every": longest},
        limits={"per_channel": f"30/{longest}", "per_person": f"30/{longest}"},
    )

    await control.post("ask me")

    assert len(await running.judge.expect(ReplySent)) == 1


async def test_a_stop_is_heard_while_discord_does_not_answer(
    sandbox: Sandbox, control: ControlClient, tmp_path: Path
) -> None:
    """Already when the token is looked at, long before a request's own time is over; nothing is made then."""
    await control.add_fault("hang", method="GET", path="/users/@me", count=None)
    stopping = asyncio.Event()
    folder = tmp_path / "log"
    running = asyncio.create_task(
        run_bot(settings(sandbox, folder, {}), sandbox.services.application.token, Location(folder), stopping)
    )
    await eventually(lambda: control.requests(path="/users/@me"))

    stopping.set()
    async with asyncio.timeout(PATIENCE):
        await running

    assert not folder.exists()


async def test_a_stop_is_heard_at_any_moment_of_connecting(launch: Launch) -> None:
    """Python's own waiting can swallow a cancellation that comes just as what it waits for is done."""
    for turns in range(8, 32):
        bot = await launch(f"log-{turns}", ready=False)
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            await bot.stop()


async def test_a_taken_port_for_telemetry_is_no_reason_to_be_silent(launch: Launch, control: ControlClient) -> None:
    """A second bot on the machine, or anything else there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bot = await launch(telemetry={"port": taken.getsockname()[1]})
        await control.post("ask me")
        await bot.judge.expect(ReplySent)


async def test_health_and_metrics_tell_how_it_is(launch: Launch, control: ControlClient, sandbox: Sandbox) -> None:
    """Well while it is connected and can write; not when it can't."""
    port = free_port()
    bot = await launch(telemetry={"port": port})
    await control.post("ask me")
    await bot.judge.settled(sandbox.services.general.id)
    await bot.judge.expect(ReplySent)

    async def get(path: str) -> tuple[int, Any]:
        url = f"http://127.0.0.1:{port}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status, await response.text()

    status, body = await get("/healthz")
    _, metrics = await get("/metrics")
    await bot.make_log_unwritable()
    await control.post("unheard")
    await eventually(lambda: bot.bot.health().log == "unwritable")
    broken, reason = await get("/healthz")
    await bot.make_log_unwritable(unwritable=False)

    assert (status, broken) == (200, 503)
    assert '"connected"' in body
    assert "read-only" in reason
    assert "pending_replies 0" in metrics
