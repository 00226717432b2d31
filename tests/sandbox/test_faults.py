from __future__ import annotations

import asyncio
import re
import signal
import sys

import aiohttp
import discord
import pytest

from bot.sandbox.control_client import ControlClient
from bot.sandbox.errors import SandboxError
from bot.sandbox.options import SandboxOptions
from tests.sandbox.conftest import Rest, StartBot
from tests.waiting import PATIENCE

POSTS = "/channels/*/messages"


@pytest.fixture
def options() -> SandboxOptions:
    """No limits of its own."""
    return SandboxOptions(message_rate=None, global_rate=None)


async def _counts(control: ControlClient) -> tuple[int, int]:
    """Count POSTs seen and messages created."""
    return len(await control.requests(method="POST", path=POSTS)), (await control.counts(bot=True))["total"]


async def test_discord_py_repeats_500_502_504_and_524_with_the_same_nonce(
    start_bot: StartBot, control: ControlClient
) -> None:
    """docs/discord-facts.md, 1.3: each is repeated after a second, and the nonce keeps the message single."""
    bot = await start_bot()
    for status in (500, 502, 504, 524):
        channel = (await control.create_channel(f"c{status}"))["id"]
        await bot.expect("guild_channel_create")
        await control.add_fault("status", status=status, when="after", method="POST", path=f"/channels/{channel}/*")

    channels = [channel for channel in bot.guilds[0].text_channels if channel.name != "general"]
    sent = await asyncio.gather(*(channel.send("once") for channel in channels))

    assert [message.content for message in sent] == ["once"] * 4
    assert await _counts(control) == (8, 4)


async def test_without_deduplication_each_repeat_is_a_message(start_bot: StartBot, control: ControlClient) -> None:
    """docs/discord-facts.md, 1.3: a server that forgets nonces gets one message for each try."""
    bot = await start_bot()
    await control.change_settings(nonce_window=0)
    await control.add_fault("status", status=500, when="after", method="POST", path=POSTS)

    await bot.guilds[0].text_channels[0].send("twice")

    assert await _counts(control) == (2, 2)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param({"kind": "status", "status": 503}, discord.DiscordServerError, id="503"),
        pytest.param({"kind": "status", "status": 520}, discord.DiscordServerError, id="520"),
        pytest.param({"kind": "status", "status": 522}, discord.DiscordServerError, id="522"),
        pytest.param({"kind": "reset"}, aiohttp.ClientOSError, id="TCP reset"),
        pytest.param({"kind": "fin"}, aiohttp.ServerDisconnectedError, id="closed before the answer"),
        pytest.param({"kind": "cut"}, aiohttp.ClientPayloadError, id="half a body"),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_exception_does_not_say_whether_it_was_sent(
    start_bot: StartBot, control: ControlClient, fault: dict[str, object], expected: type[Exception], when: str
) -> None:
    """docs/discord-facts.md, 1.3: raised at once, after one POST, whether or not the message exists."""
    bot = await start_bot()
    await control.call("POST", "/faults", {**fault, "when": when, "method": "POST", "path": POSTS})

    with pytest.raises(expected):
        await bot.guilds[0].text_channels[0].send("maybe")

    assert await _counts(control) == (1, 1 if when == "after" else 0)


async def test_a_reset_is_errno_104(start_bot: StartBot, control: ControlClient) -> None:
    """docs/discord-facts.md, 1.3: Linux says ECONNRESET, which discord.py does not repeat."""
    bot = await start_bot()
    await control.add_fault("reset", when="after", method="POST", path=POSTS)

    with pytest.raises(OSError, match="104"):
        await bot.guilds[0].text_channels[0].send("maybe")


async def test_429_with_via_is_repeated_five_times(start_bot: StartBot, control: ControlClient) -> None:
    """docs/discord-facts.md, 1.3: five tries, then HTTPException 429."""
    bot = await start_bot()
    await control.add_fault("ratelimit", retry_after=0.01, count=None, method="POST", path=POSTS)

    with pytest.raises(discord.HTTPException) as caught:
        await bot.guilds[0].text_channels[0].send("never")

    assert caught.value.status == 429
    assert await _counts(control) == (5, 0)


async def test_429_without_via_is_raised_at_once(start_bot: StartBot, control: ControlClient) -> None:
    """docs/discord-facts.md, 1.3: discord.py takes it for Cloudflare's."""
    bot = await start_bot()
    await control.add_fault("ratelimit", via=False, method="POST", path=POSTS)

    with pytest.raises(discord.HTTPException) as caught:
        await bot.guilds[0].text_channels[0].send("never")

    assert caught.value.status == 429
    assert await _counts(control) == (1, 0)


async def test_a_request_that_hangs_ends_when_faults_are_cleared(start_bot: StartBot, control: ControlClient) -> None:
    """Nothing is answered, the message exists or not by ``when``."""
    bot = await start_bot()
    await control.add_fault("hang", when="after", method="POST", path=POSTS)

    sending = asyncio.create_task(bot.guilds[0].text_channels[0].send("maybe"))
    await control.wait_for_messages(bot=True)
    assert not sending.done()
    await control.clear_faults()

    with pytest.raises(aiohttp.ClientConnectionError):
        await sending


async def test_a_delayed_request_is_answered_in_the_end(rest: Rest, control: ControlClient, messages_path: str) -> None:
    """Delay only takes time."""
    await control.add_fault("delay", seconds=0.05, method="POST", path=POSTS)

    assert (await rest("POST", messages_path, {"content": "x"})).status == 200


async def test_a_delay_hides_no_other_fault(rest: Rest, control: ControlClient, messages_path: str) -> None:
    """However long it is there: it is how slow Discord is, and something else goes wrong beside it."""
    await control.add_fault("delay", seconds=0.01, count=None, method="POST", path=POSTS)
    await control.add_fault("status", status=502, method="POST", path=POSTS)

    assert [(await rest("POST", messages_path, {"content": "x"})).status for _ in range(2)] == [502, 200]


async def test_a_fault_strikes_what_one_of_its_paths_matches(
    rest: Rest, control: ControlClient, messages_path: str
) -> None:
    """And nothing else."""
    await control.add_fault("status", status=502, count=None, path=f"/channels/1/* {messages_path}")

    answers = [await rest("GET", path) for path in (messages_path, "/users/@me")]

    assert [answer.status for answer in answers] == [502, 200]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_page_of_something_in_front(rest: Rest, control: ControlClient, messages_path: str, when: str) -> None:
    """Any status and body, whether or not Discord took the message."""
    await control.add_fault("page", status=403, body="<p>No.</p>", when=when, method="POST", path=POSTS)

    answer = await rest("POST", messages_path, {"content": "x"})

    assert (answer.status, answer.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert answer.body == b"<p>No.</p>"
    assert (await control.counts(bot=True))["total"] == (when == "after")


async def test_discords_own_answer_under_another_type(rest: Rest, control: ControlClient, messages_path: str) -> None:
    """As a proxy has it that names the charset."""
    kind = "application/json; charset=utf-8"
    await control.add_fault("relabel", content_type=kind, method="POST", path=POSTS)

    answer = await rest("POST", messages_path, {"content": "x"})

    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
    assert (await control.counts(bot=True))["total"] == 1


async def test_nth_count_and_patterns_choose_the_requests(
    rest: Rest, control: ControlClient, messages_path: str
) -> None:
    """The third and fourth POST fail, GETs never do."""
    await control.add_fault("status", status=502, nth=3, count=2, method="post", path=POSTS)

    statuses = [(await rest("POST", messages_path, {"content": "x"})).status for _ in range(5)]
    other = (await rest("GET", messages_path)).status

    assert (statuses, other) == ([200, 200, 502, 502, 200], 200)
    [fault] = await control.faults()
    assert (fault["seen"], fault["hits"]) == (5, 2)
    assert [item["fault"] for item in await control.requests(status=502)] == ["status 502 before"] * 2


async def test_chance_is_the_same_for_a_seed(rest: Rest, control: ControlClient) -> None:
    """A seed makes random faults repeatable."""
    runs = []
    for _ in range(2):
        await control.clear_faults()
        await control.add_fault("status", probability=0.5, seed=5, count=None, path="/users/@me")
        runs.append([(await rest("GET", "/users/@me")).status for _ in range(20)])

    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


@pytest.mark.parametrize("when", ["before", "after"])
async def test_kill_ends_a_process_at_the_request(
    rest: Rest, control: ControlClient, messages_path: str, when: str
) -> None:
    """SIGKILL before or after the message exists, and never an answer."""
    victim = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    await control.add_fault("kill", pid=victim.pid, when=when, nth=2, method="POST", path=POSTS)

    assert (await rest("POST", messages_path, {"content": "first"})).status == 200
    second = asyncio.create_task(rest("POST", messages_path, {"content": "second"}))
    async with asyncio.timeout(PATIENCE):
        code = await victim.wait()
    await control.clear_faults()

    assert code == -signal.SIGKILL
    with pytest.raises(aiohttp.ClientConnectionError):
        await second
    assert (await control.counts(bot=True))["total"] == (2 if when == "after" else 1)


async def test_kill_goes_before_other_faults_and_may_come_late(
    rest: Rest, control: ControlClient, messages_path: str
) -> None:
    """However long the others are there; so late that everybody has heard of the message."""
    victim = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    await control.add_fault("status", method="POST", path=POSTS, count=None)
    await control.add_fault("kill", pid=victim.pid, when="after", method="POST", path=POSTS, seconds=0.2)

    post = asyncio.create_task(rest("POST", messages_path, {"content": "last words"}))
    async with asyncio.timeout(PATIENCE):
        code = await victim.wait()
    [_, kill] = await control.faults()
    await control.clear_faults()

    assert code == -signal.SIGKILL
    assert (await control.counts(bot=True))["total"] == 1
    assert (kill["hits"], kill["connected"]) == (1, 0)
    with pytest.raises(aiohttp.ClientConnectionError):
        await post


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        pytest.param({"kind": "explode"}, "kind must be one of status, page,", id="an unknown kind"),
        pytest.param(
            {"kind": "status", "status": 404},
            "status must be one of 500, 502,",
            id="a status that is no server failure",
        ),
        pytest.param(
            {"kind": "status", "when": "during"}, "when must be one of before, after.", id="an unknown moment"
        ),
        pytest.param({"kind": "status", "nth": 0}, "nth must be greater than or equal to 1.", id="the zeroth request"),
        pytest.param(
            {"kind": "status", "count": -1}, "count must be greater than or equal to 1.", id="a negative count"
        ),
        pytest.param(
            {"kind": "status", "probability": 2},
            "probability must be less than or equal to 1.",
            id="a probability of two",
        ),
        pytest.param(
            {"kind": "delay", "seconds": -1}, "seconds must be greater than or equal to 0.", id="a negative delay"
        ),
        pytest.param({"kind": "kill"}, "kill needs the pid of a process.", id="kill without a pid"),
        pytest.param({"kind": "kill", "pid": 1}, "kill needs the pid of a process.", id="kill init"),
        pytest.param(
            {"kind": "status", "color": "red"}, "color: Extra inputs are not permitted.", id="an unknown property"
        ),
        pytest.param(
            {"kind": "page", "status": 99}, "status must be greater than or equal to 200.", id="a status that is none"
        ),
        pytest.param({"kind": "page", "body": 5}, "body must be a valid string.", id="a body that is a number"),
        pytest.param(
            {"kind": "page", "content_type": "text/html\r\nX: y"},
            "content_type: String should match pattern",
            id="a type of two lines",
        ),
        pytest.param({"kind": "status", "path": 5}, "path must be a valid string.", id="a path that is a number"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(
    control: ControlClient, rule: dict[str, object], said: str
) -> None:
    """It is refused with a sentence that says why, and not kept."""
    with pytest.raises(SandboxError, match=f"^{re.escape(said)}"):
        await control.call("POST", "/faults", rule)

    assert await control.faults() == []
