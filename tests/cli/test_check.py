"""``echoless check``: what is wrong and what to do, against real servers and real logs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from time import time

import pytest
from aiohttp import web

from bot.cli.check import look
from bot.cli.check_result import Result, Status
from bot.core import events as e
from bot.eventlog.location import Location
from bot.eventlog.log import open_log
from bot.sandbox.options import DEFAULT_TOKEN, SandboxOptions
from bot.sandbox.server import Sandbox

RULE = '[[rules]]\nmatch = "hi"\nreply = "hello"\n'
CHECKS = ["settings", "token", "gateway", "intents", "permissions", "clock", "log", "history", "retention"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found, by its name."""

    rows: Mapping[str, Result]

    @property
    def fails(self) -> set[str]:
        """Return the checks that failed."""
        return {name for name, row in self.rows.items() if row.status is Status.FAIL}

    def status(self, name: str) -> str:
        """Return how a check ended."""
        return self.rows[name].status

    def found(self, name: str) -> str:
        """Return what a check found, and what to do."""
        return f"{self.rows[name].found} {self.rows[name].todo}"


async def check(
    folder: Path, api_url: str, gateway_url: str, *, token: str = DEFAULT_TOKEN, settings: str = "", rule: str = RULE
) -> Checked:
    """Check a bot that is set up in ``folder``."""
    written = f'discord.api_url = "{api_url}"\ndiscord.gateway_url = "{gateway_url}"\n{settings}\n{rule}'
    (folder / "config.toml").write_text(written, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISCORD_TOKEN", token)
        results = await look(folder / "config.toml", None)
    return Checked({result.name: result for result in results})


async def check_sandbox(folder: Path, sandbox: Sandbox, **more: str) -> Checked:
    """Run the check against a sandbox."""
    addresses = sandbox.services.addresses
    return await check(folder, addresses.api, addresses.gateway, **more)


async def record(folder: Path, *events: e.Event, stream: str = "channel:5") -> None:
    """Record events in the log in ``data``."""
    log = await open_log(Location(folder / "data"), clock=lambda: 1, full=False)
    await log.append(stream, [e.Draft(event) for event in events])
    await log.close()


def message(guild_id: int) -> e.MessageReceived:
    """Return a message of a server: by it the check knows the server, where Discord does not list it."""
    return e.MessageReceived(message_id=1, author_id=2, sent_at=3, guild_id=guild_id)


async def test_all_is_well(tmp_path: Path, sandbox: Sandbox) -> None:
    """Every check is there, in an order that makes sense."""
    await record(tmp_path, message(sandbox.services.guild.id))

    checked = await check_sandbox(tmp_path, sandbox)

    assert CHECKS == list(checked.rows)
    assert {"ok"} == {checked.status(name) for name in CHECKS}
    assert "1 channel on 1 server" in checked.found("permissions")
    assert "1 event" in checked.found("log")


async def test_no_log_yet_is_fine(tmp_path: Path, sandbox: Sandbox) -> None:
    """And none is made."""
    checked = await check_sandbox(tmp_path, sandbox)

    assert checked.status("log") == "ok"
    assert f"the first start makes it in {tmp_path / 'data'}" in checked.found("log")
    assert not (tmp_path / "data").exists()


async def test_a_running_bot_is_no_trouble(tmp_path: Path, sandbox: Sandbox) -> None:
    """The check says who holds the log."""
    log = await open_log(Location(tmp_path / "data"), clock=lambda: 1, full=False)
    try:
        checked = await check_sandbox(tmp_path, sandbox)
    finally:
        await log.close()

    assert checked.status("log") == "ok"
    assert f"written by process {os.getpid()}" in checked.found("log")


async def test_without_a_token_the_rest_is_checked(tmp_path: Path, sandbox: Sandbox) -> None:
    """As far as that goes."""
    checked = await check_sandbox(tmp_path, sandbox, token="")

    assert checked.fails == {"token"}
    assert "set DISCORD_TOKEN in the environment" in checked.found("token")
    assert (checked.status("gateway"), checked.status("clock")) == ("ok", "ok")
    assert checked.found("intents").startswith("not checked: there is no token")


async def test_a_wrong_token_is_told(tmp_path: Path, sandbox: Sandbox) -> None:
    """With where to get the right one, and never the token itself."""
    checked = await check_sandbox(tmp_path, sandbox, token="wrong.token.entirely")

    assert checked.fails == {"token"}
    assert "Reset Token" in checked.found("token")
    assert "wrong.token" not in str(checked.rows)


async def test_a_page_of_something_in_front_is_no_wrong_token(tmp_path: Path, sandbox: Sandbox) -> None:
    """Whoever changed the token for that would look in the wrong place."""
    sandbox.services.faults.add({"kind": "page", "status": 401, "path": "/users/@me", "count": None})
    addresses = sandbox.services.addresses

    checked = await check(tmp_path, addresses.api, addresses.gateway)

    assert (checked.status("token"), checked.status("gateway")) == ("warn", "fail")
    assert "Something between the bot and Discord answers instead of it" in checked.found("gateway")


async def test_a_missing_intent_is_told(tmp_path: Path) -> None:
    """It is what most people forget."""
    async with Sandbox(SandboxOptions(denied_intents=frozenset({"message_content"}))) as sandbox:
        refused = await check_sandbox(tmp_path, sandbox)
        without = await check_sandbox(tmp_path, sandbox, settings="discord.message_content = false")
        deaf = 'discord.message_content = false\nreplies = { answer = ["mention"], names = ["echo"], threads = true }'
        named = await check_sandbox(tmp_path, sandbox, settings=deaf)

    assert refused.fails == {"intents"}
    assert "Privileged Gateway Intents" in refused.found("intents")
    assert without.status("intents") == "warn"
    assert 'leave "rule" out of replies.answer' in without.found("intents")
    assert "leave out replies.names, replies.threads" in named.found("intents")


async def test_missing_permissions_are_told_by_channel(tmp_path: Path, sandbox: Sandbox) -> None:
    """With the channel's name and id."""
    world, general = sandbox.world, sandbox.services.general
    bot_id = sandbox.services.application.user.id
    await record(tmp_path, message(sandbox.services.guild.id))
    world.create_channel(sandbox.services.guild, "other")
    world.set_overwrite(general, bot_id, allow=0, deny=(1 << 11) | (1 << 16))

    some = await check_sandbox(tmp_path, sandbox)
    ignored = await check_sandbox(tmp_path, sandbox, settings=f"channels.ignore = [{general.id}]")
    every = await check_sandbox(tmp_path, sandbox, settings=f"channels.record = [{general.id}]")

    assert some.status("permissions") == "warn"
    assert f"#general (Sandbox, {general.id}) lacks send messages, read message history" in some.found("permissions")
    assert "#other" not in some.found("permissions")
    assert ignored.status("permissions") == "ok"
    assert every.fails == {"permissions"}


@pytest.mark.parametrize("setting", ["open_threads", "ask"])
async def test_a_bot_that_opens_threads_has_to_be_allowed_to(tmp_path: Path, sandbox: Sandbox, setting: str) -> None:
    """It is only warned of, also where no channel allows it: answers come without a thread then."""
    bot_id = sandbox.services.application.user.id
    await record(tmp_path, message(sandbox.services.guild.id))
    sandbox.world.set_overwrite(sandbox.services.general, bot_id, allow=0, deny=(1 << 35) | (1 << 38))

    opens = await check_sandbox(tmp_path, sandbox, settings=f"replies.{setting} = true")
    without = await check_sandbox(tmp_path, sandbox)

    assert opens.status("permissions") == "warn"
    assert "lacks create public threads, send messages in threads" in opens.found("permissions")
    assert without.status("permissions") == "ok"


@pytest.mark.parametrize(
    ("total", "status", "found"),
    [
        (1, "warn", "Discord recommends 4 shards, and shards.total is 1"),
        (4, "ok", "Discord recommends 4, and shards.total is 4"),
    ],
)
async def test_the_shards_are_compared(tmp_path: Path, sandbox: Sandbox, total: int, status: str, found: str) -> None:
    """Nothing is said where one is enough for both: see the others."""
    sandbox.options.recommended_shards = 4
    addresses, settings = sandbox.services.addresses, f"shards = {{partitions = 4, total = {total}}}"

    checked = await check(tmp_path, addresses.api, addresses.gateway, settings=settings)

    assert checked.status("shards") == status
    assert found in checked.found("shards")
    assert "partition 0 of 4 here: none yet" in checked.found("log")


async def test_a_hidden_channel_is_nobodys_business(tmp_path: Path, sandbox: Sandbox) -> None:
    """Unless the settings name it."""
    secret = sandbox.world.create_channel(sandbox.services.guild, "secret")
    sandbox.world.set_overwrite(secret, sandbox.services.application.user.id, allow=0, deny=1 << 10)
    await record(tmp_path, message(sandbox.services.guild.id))

    unnamed = await check_sandbox(tmp_path, sandbox)
    named = await check_sandbox(tmp_path, sandbox, settings=f"channels.answer = [{secret.id}]")

    assert unnamed.status("permissions") == "ok"
    assert "#secret" in named.found("permissions")


async def test_discord_unreachable(tmp_path: Path, unused_tcp_port: int) -> None:
    """The log is looked at all the same."""
    await record(tmp_path, e.BotStopped(reason=""), stream="bot")
    base = f"127.0.0.1:{unused_tcp_port}"

    checked = await check(tmp_path, f"http://{base}/api", f"ws://{base}/gateway")

    assert checked.fails == {"gateway"}
    assert f"http://{base}/api does not answer" in checked.found("gateway")
    assert {"warn"} == {checked.status(name) for name in ("token", "intents", "permissions", "clock")}
    assert checked.status("log") == "ok"


@asynccontextmanager
async def impostor(date: str, hello: object) -> AsyncIterator[str]:
    """Serve something that is nearly Discord; give host and port."""

    async def gateway(_request: web.Request) -> web.Response:
        return web.json_response({"url": ""}, headers={"Date": date})

    async def websocket(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        await response.send_json(hello)
        await response.receive()
        return response

    app = web.Application()
    app.router.add_get("/api/gateway", gateway)
    app.router.add_get("/gateway", websocket)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield "{}:{}".format(*runner.addresses[0])
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("ahead", "status", "found"),
    [
        pytest.param(0, "ok", "agrees with Discord's", id="right"),
        pytest.param(-60, "warn", "s ahead of Discord's", id="a minute ahead"),
        pytest.param(3600, "fail", "s behind Discord's", id="an hour behind"),
    ],
)
async def test_the_clock_is_compared(tmp_path: Path, ahead: int, status: str, found: str) -> None:
    """Ages of messages are counted by it; Discord's is ``ahead`` of ours here."""
    async with impostor(formatdate(time() + ahead, usegmt=True), {"op": 10, "d": {}}) as base:
        checked = await check(tmp_path, f"http://{base}/api", f"ws://{base}/gateway", token="")

    assert status == checked.status("clock")
    assert found in checked.found("clock")


@pytest.mark.parametrize(("hello", "date"), [({"op": 9}, "yesterday"), (["op", 10], ""), (None, "x")])
async def test_what_is_no_gateway_is_told(tmp_path: Path, hello: object, date: str) -> None:
    """Something else may listen there."""
    async with impostor(date, hello) as base:
        checked = await check(tmp_path, f"http://{base}/api", f"ws://{base}/gateway")

    assert checked.status("gateway") == "fail"
    assert "answers, but not as a gateway of Discord" in checked.found("gateway")


async def test_channels_without_a_history_are_listed(tmp_path: Path, sandbox: Sandbox) -> None:
    """From the log, and only while that is the last thing known."""
    done = e.CatchupCompleted(after=0, upto=1, count=0)
    await record(tmp_path, e.HistoryForbidden(), stream="channel:61")
    await record(tmp_path, e.HistoryForbidden(), done, stream="channel:62")
    await record(tmp_path, done, e.HistoryForbidden(), stream="channel:63")

    checked = await check_sandbox(tmp_path, sandbox)

    assert checked.status("history") == "warn"
    assert "may not read the history of 2 channels: 61, 63." in checked.found("history")


async def test_a_channel_without_a_history_has_its_name(tmp_path: Path, sandbox: Sandbox) -> None:
    """Where Discord tells it; otherwise its id alone."""
    general = sandbox.services.general
    await record(tmp_path, message(sandbox.services.guild.id), e.HistoryForbidden(), stream=f"channel:{general.id}")

    named = await check_sandbox(tmp_path, sandbox)
    unnamed = await check_sandbox(tmp_path, sandbox, token="")

    assert f"history of 1 channel: #general (Sandbox, {general.id})." in named.found("history")
    assert f"history of 1 channel: {general.id}." in unnamed.found("history")


async def test_wrong_settings_are_all_listed_and_the_rest_is_looked_at(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings, rules and files of facts; what is valid of them counts for the other checks."""
    wrong = "log.pth = 'x'\nlog.hot_channels = 'many'\n"
    facts = "[[rules]]\nmatch = '(?P<word>a)'\nreply = '{fact}'\nfacts = 'none.json'\n"
    checked = await check_sandbox(tmp_path, sandbox, settings=wrong, rule=RULE.replace("hi", "(") + facts)
    monkeypatch.setenv("DISCORD_TOKEN", DEFAULT_TOKEN)

    found = [result.found for result in await look(tmp_path / "config.toml", None) if result.name == "settings"]

    assert [name for name in checked.rows if name != "settings"] == CHECKS[1:]
    assert checked.fails == {"settings"}
    assert checked.status("token") == "ok"
    assert "not checked" not in checked.found("log")
    assert [sentence.partition(": ")[0].removeprefix(f"{tmp_path}/") for sentence in found] == [
        "config.toml, line 3",
        "config.toml, line 4",
        "none.json",
        "Rule 1 (line 6)",
    ]


@pytest.mark.parametrize(
    ("settings", "unchecked"),
    [
        pytest.param("[discord]\napi_url = 5\n", set(CHECKS[1:6]), id="which Discord"),
        pytest.param("discord = 5\n", set(CHECKS[1:6]), id="a section"),
        pytest.param("[log]\npath = 5\n", {"log", "history"}, id="which log"),
    ],
)
async def test_what_hangs_on_a_wrong_setting_is_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, unchecked: set[str]
) -> None:
    """A default would tell of another Discord, or another log; the token is named all the same."""
    monkeypatch.setenv("DISCORD_TOKEN", DEFAULT_TOKEN)
    monkeypatch.setenv("ECHOLESS_DISCORD__GATEWAY_URL", "ws://127.0.0.1:9")
    if "discord" not in settings:
        monkeypatch.setenv("ECHOLESS_DISCORD__API_URL", "http://127.0.0.1:9/api")
    (tmp_path / "config.toml").write_text(settings, encoding="utf-8")

    rows = await look(tmp_path / "config.toml", None)

    assert [row.name for row in rows] == CHECKS
    assert {row.name for row in rows if "not checked: the settings are wrong" in row.found} == unchecked


@pytest.mark.parametrize(
    "content",
    [b"[log", b"\xff", b"rules = 3\nlog = []\ndiscord = 'x'\nreplies = 1"],
    ids=["TOML", "UTF-8", "all of it"],
)
def test_a_broken_settings_file_gives_no_traceback(tmp_path: Path, content: bytes) -> None:
    """The other checks go by the environment and the defaults."""
    (tmp_path / "config.toml").write_bytes(content)

    ran = subprocess.run(
        [sys.executable, "-m", "bot", "check"], capture_output=True, text=True, check=False, cwd=tmp_path,
        env=os.environ | {
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "ECHOLESS_DISCORD__API_URL": "http://127.0.0.1:9/api",
            "ECHOLESS_DISCORD__GATEWAY_URL": "ws://127.0.0.1:9",
        },
    )  # fmt: skip

    assert (ran.returncode, ran.stderr) == (1, "")
    assert all(name in ran.stdout for name in CHECKS)


async def test_no_rules_answer_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    """It works, but hardly as wanted."""
    checked = await check_sandbox(tmp_path, sandbox, rule="")

    assert checked.status("settings") == "warn"


async def test_a_key_that_others_can_read_is_told(tmp_path: Path, sandbox: Sandbox) -> None:
    """With the command that ends it."""
    await record(tmp_path, e.HistoryForbidden())
    key = tmp_path / "data" / "vault.key"
    key.chmod(0o644)

    checked = await check_sandbox(tmp_path, sandbox)

    assert checked.status("log") == "warn"
    assert f"chmod 600 {key}" in checked.found("log")


@pytest.mark.parametrize(
    ("name", "found"),
    [("vault.key", "vault.key is missing"), ("events.db", "is not an SQLite database")],
)
async def test_a_log_that_can_t_be_opened_is_told(tmp_path: Path, sandbox: Sandbox, name: str, found: str) -> None:
    """Before the bot is stopped for an update, say."""
    await record(tmp_path, e.HistoryForbidden())
    (tmp_path / "data" / name).unlink()
    if name == "events.db":
        (tmp_path / "data" / name).write_text("not a database", encoding="utf-8")

    checked = await check_sandbox(tmp_path, sandbox)

    assert checked.fails == {"log"}
    assert found in checked.found("log")
    assert checked.status("history") == "warn"


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["for eyes", "for machines"])
def test_the_command_fails_when_a_check_does(tmp_path: Path, unused_tcp_port: int, options: list[str]) -> None:
    """On a machine without token, network and log, with the table on stdout and nothing else anywhere."""
    base = f"127.0.0.1:{unused_tcp_port}"
    settings = f'discord.api_url = "http://{base}"\ndiscord.gateway_url = "ws://{base}"\n'
    (tmp_path / "config.toml").write_text(settings, encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, "-m", "bot", "check", *options],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip

    assert (ran.returncode, ran.stderr) == (1, "")
    if options:
        report = json.loads(ran.stdout)
        assert report["ok"] is False
        assert CHECKS == [row["name"] for row in report["checks"]]
    assert all(name in ran.stdout for name in CHECKS)
    assert "fail" in ran.stdout


@pytest.mark.parametrize(
    ("path", "name", "found"),
    [
        pytest.param("/gateway/bot", "gateway", "it is not told how many sessions", id="how many sessions are left"),
        pytest.param("/guilds/*/threads/active", "permissions", "active threads are not listed", id="active threads"),
        pytest.param("/users/@me", "gateway", "GET /users/@me: status 404", id="the bot itself"),
    ],
)
async def test_what_a_server_lacks_is_told(tmp_path: Path, sandbox: Sandbox, path: str, name: str, found: str) -> None:
    """In words; only what nobody can do without is a failure."""
    sandbox.services.faults.add({"kind": "missing", "path": path, "count": None})

    checked = await check_sandbox(tmp_path, sandbox)

    assert found in checked.found(name)
    assert checked.fails == ({"gateway"} if path == "/users/@me" else set())
