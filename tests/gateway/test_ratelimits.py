"""Discord's rate limits: a request waits where one is used up, and nowhere else."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import discord
import pytest
from structlog.testing import capture_logs

from bot.core.events import CatchupCompleted, ReplyComposed, ReplyDelayed, ReplySent
from bot.gateway import ratelimits
from bot.gateway.origin import LONGEST_WAIT, Intercepted, TooMany, seconds
from bot.gateway.ratelimits import RateLimitBucket, Waits
from bot.gateway.requests import asking
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import RateLimit, SandboxOptions
from tests.harness import Launch, Spawn
from tests.waiting import PATIENCE, eventually

POSTS: dict[str, Any] = {"method": "POST", "path": "/channels/*/messages"}
KIND = "POST /channels/{channel_id}/messages"


class TestLongWindow:
    """Fifty messages a minute: what is left counts, not how long the window is."""

    @pytest.fixture
    def options(self) -> SandboxOptions:
        """Limit messages so; other requests have a limit as well then."""
        return SandboxOptions(message_rate=RateLimit(50, 60), global_rate=None)

    async def test_nobody_waits_while_requests_are_left(self, launch: Launch, control: ControlClient) -> None:
        """Neither answers nor the looks for those of unknown fate."""
        bot = await launch()
        await control.add_fault("status", status=503, when="after", nth=3, **POSTS)
        for number in range(6):
            await control.post(f"ask {number}")

        await bot.judge.expect(ReplySent, 6)

        assert [event.reason for event in await bot.judge.of(ReplyDelayed)] in ([], ["status 503"])
        assert len(await control.messages(author="sandbox-bot")) == 6


class TestShortWindow:
    """Two messages in half a second."""

    @pytest.fixture
    def options(self) -> SandboxOptions:
        """Limit messages so."""
        return SandboxOptions(message_rate=RateLimit(2, 0.5), global_rate=None)

    async def test_answers_go_out_in_order_when_the_window_opens(self, launch: Launch, control: ControlClient) -> None:
        """None comes too early, nothing is put on record for so short a wait."""
        bot = await launch()
        for number in range(7):
            await control.post(f"ask {number}")

        await bot.judge.expect(ReplySent, 7)

        said = [message["content"] for message in await control.messages(author="sandbox-bot")]
        assert said == [f"re: {number}" for number in range(7)]
        assert await bot.judge.of(ReplyDelayed) == []
        assert await control.requests(status=429, **POSTS) == []


class TestUsedUp:
    """One message in twenty seconds."""

    @pytest.fixture
    def options(self) -> SandboxOptions:
        """Limit messages so."""
        return SandboxOptions(message_rate=RateLimit(1, 20), global_rate=None)

    async def test_the_wait_is_told_and_stopping_does_not_wait_for_it(
        self, spawn: Spawn, control: ControlClient
    ) -> None:
        """Once, by the kind of request; the reply is delayed, and comes after the next start."""
        bot = await spawn()
        await control.post("ask one")
        await control.wait_for_messages(author="sandbox-bot")
        post = await control.post("ask two")
        await eventually(lambda: bot.lines("ratelimit.waiting"))

        assert await bot.terminate() == 0

        (line,) = bot.lines("ratelimit.waiting")
        assert line["request"] == KIND
        assert 0 < line["seconds"] <= 20
        assert post["channel_id"] not in json.dumps(line)
        assert [line["reason"] for line in bot.lines("reply.delayed")] == ["rate limit"]
        assert len(await control.messages(author="sandbox-bot")) == 1


class TestForLong:
    """One message an hour."""

    @pytest.fixture
    def options(self) -> SandboxOptions:
        """Limit messages so."""
        return SandboxOptions(message_rate=RateLimit(1, 3600), global_rate=None)

    async def test_who_waits_long_is_on_record(self, launch: Launch, control: ControlClient) -> None:
        """Without another request, as long as the window lasts."""
        bot = await launch()
        await control.post("ask one")
        await bot.judge.expect(ReplySent)
        await control.post("ask two")

        (delayed,) = await bot.judge.expect(ReplyDelayed)

        assert delayed.reason == "rate limit"
        [composed] = [each for each in await bot.judge.all() if each.event == (await bot.judge.of(ReplyComposed))[1]]
        assert 3500e6 < delayed.retry_at - composed.recorded_at < 3700e6
        assert len(await control.requests(**POSTS)) == 1


async def test_a_limit_on_everything_holds_every_channel(launch: Launch, control: ControlClient) -> None:
    """One 429 is enough: nobody else runs into it."""
    bot = await launch()
    channels = [(await control.create_channel(f"c{number}"))["id"] for number in range(5)]
    await control.add_fault("ratelimit", retry_after=0.5, is_global=True, **POSTS)
    for channel in channels:
        await control.post("ask it", channel=channel)

    await bot.judge.expect(ReplySent, 5)

    assert await bot.judge.of(ReplyDelayed) == []
    assert len(await control.requests(status=429, **POSTS)) == 1


async def test_a_history_waits_for_its_limit(launch: Launch, control: ControlClient) -> None:
    """It is read on from where it stopped, and that is no failure."""
    await control.post_many([{"content": f"chatter {number}"} for number in range(5)])
    await control.add_fault("ratelimit", retry_after=0.2, count=7, method="GET", path="/channels/*/messages")

    with capture_logs() as lines:
        bot = await launch()
        await bot.judge.expect(CatchupCompleted)

    assert [line for line in lines if line["event"] == "catchup.failed"] == []


# -- one limit by itself -----------------------------------------------------------------------------------------------


@dataclass
class Answer:
    """What Discord's headers say."""

    headers: dict[str, str] = field(default_factory=dict)


def says(bucket: RateLimitBucket, limit: object, left: object, after: object) -> None:
    """Have an answer tell of a limit."""
    headers = {"X-Ratelimit-Limit": str(limit), "X-Ratelimit-Remaining": str(left)}
    if after is not None:
        headers["X-Ratelimit-Reset-After"] = str(after)
    bucket.update(cast("aiohttp.ClientResponse", Answer(headers)))


async def test_the_first_request_goes_alone() -> None:
    """Nothing is known before its answer is there; then all go that may, in their order."""
    bucket, went = RateLimitBucket(Waits()), list[int]()
    first = asyncio.Event()

    async def ask(number: int) -> None:
        async with bucket:
            went.append(number)
            if number == 0:
                await first.wait()
                says(bucket, 3, 2, 0.05)

    tasks = [asyncio.create_task(ask(number)) for number in range(6)]
    await asyncio.sleep(0)
    assert went == [0]
    first.set()
    await asyncio.gather(*tasks)

    assert went == list(range(6))


async def test_who_waits_is_told_of_once_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the kind of request; a wait that is too long is refused with its length."""
    bucket = RateLimitBucket(Waits())
    async with bucket:
        says(bucket, 1, 0, 100)

    refusals = []
    with capture_logs() as lines, asking("GET /x/{id}"):
        for _ in range(3):
            try:
                await bucket.acquire()
            except discord.RateLimited as error:
                refusals.append(error.retry_after)

    assert [90 < wait <= 100 for wait in refusals] == [True] * 3
    assert [(line["event"], line["request"]) for line in lines] == [("ratelimit.waiting", "GET /x/{id}")]
    monkeypatch.setattr(ratelimits, "MOST_SECONDS", 200.0)
    waiting = asyncio.create_task(bucket.acquire())
    await asyncio.sleep(0)
    bucket._waits.hurry()
    with pytest.raises(discord.RateLimited):
        await waiting


@pytest.mark.parametrize(
    ("limit", "left", "after"),
    [
        (5, 4, None),
        ("five", 4, 1),
        (5, "", 1),
        (0, 0, 0.01),
        (5, -3, 0.01),
        (5, 0, "nan"),
        (5, 0, -1),
        (5, 4, "1e999"),
        (5, 4, "soon"),
    ],
)
async def test_garbled_headers_stop_nobody(limit: object, left: object, after: object) -> None:
    """A proxy may leave out what it likes."""
    bucket = RateLimitBucket(Waits())
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            async with bucket:
                says(bucket, limit, left, after)


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_429_holds_the_limit_that_it_names(*, everywhere: bool) -> None:
    """Though there were requests left; another limit is held only by the one on everything."""
    waits = Waits()
    bucket, other = RateLimitBucket(waits), RateLimitBucket(waits)
    async with bucket:
        says(bucket, 5, 4, 1)
    with pytest.raises(TooMany):
        async with bucket:
            raise TooMany(1000, everywhere=everywhere)

    with pytest.raises(discord.RateLimited):
        await bucket.acquire()
    if everywhere:
        with pytest.raises(discord.RateLimited):
            await other.acquire()
    else:
        await other.acquire()


async def test_an_address_that_is_shut_out_asks_for_nothing() -> None:
    """Cloudflare's page says for how long."""
    waits = Waits()
    with pytest.raises(Intercepted):
        async with RateLimitBucket(waits):
            raise Intercepted(429, 1000)

    with pytest.raises(discord.RateLimited):
        await RateLimitBucket(waits).acquire()


async def test_who_stops_waiting_takes_no_place() -> None:
    """A request that is cancelled leaves the limit as it was."""
    bucket = RateLimitBucket(Waits())
    async with bucket:
        says(bucket, 1, 0, 0.05)
    waiting = asyncio.create_task(bucket.acquire())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait((waiting,))

    async with asyncio.timeout(PATIENCE), bucket:
        assert bucket.outgoing == 1


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (1, 1.0),
        ("1.5", 1.5),
        (0, 0.0),
        (float("inf"), LONGEST_WAIT),
        (10**400, None),
        (float("nan"), None),
        (-1, None),
        ("soon", None),
        (True, None),
        (None, None),
        ([1], None),
    ],
)
def test_times_to_wait(value: object, wait: float | None) -> None:
    """Whatever stands there."""
    assert seconds(value) == wait
