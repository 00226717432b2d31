from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bot.core.events import MessageReceived, ReplySent
from bot.gateway import discord_py_faults
from bot.gateway.discord_py_faults import from_json
from bot.sandbox.control_client import ControlClient
from bot.sandbox.server import Sandbox
from tests.harness import Launch


@pytest.mark.parametrize(
    ("event", "data"),
    [
        pytest.param("MESSAGE_UPDATE", {"id": "5", "embeds": []}, id="an edit of which only the change is told"),
        pytest.param("MESSAGE_CREATE", {"id": "5"}, id="a message from nowhere"),
        pytest.param("MESSAGE_DELETE_BULK", None, id="nothing"),
        pytest.param("INTERACTION_CREATE", {"id": "5", "type": 2}, id="a command without a token"),
    ],
)
async def test_an_event_that_cannot_be_parsed_is_left_out(
    launch: Launch, control: ControlClient, sandbox: Sandbox, event: str, data: object
) -> None:
    """The session goes on: identifying anew for each would soon be too often."""
    bot = await launch()
    if isinstance(data, dict):
        data = {**data, "channel_id": str(sandbox.services.general.id), "guild_id": str(sandbox.services.guild.id)}

    await control.gateway("dispatch", event=event, data=data)
    await control.post("ask on")
    await bot.judge.expect(ReplySent)

    assert (await control.sessions())["identifies"] == 1


async def test_a_message_that_cannot_be_parsed_is_read_from_the_history(launch: Launch, control: ControlClient) -> None:
    """Live, discord.py needs more of a message than the bot does."""
    await control.create_channel("hidden")
    await control.set_permissions("hidden", deny=["VIEW_CHANNEL"])
    bot = await launch()
    post = await control.post("ask hidden", channel="hidden")
    await control.set_permissions("hidden", allow=["VIEW_CHANNEL"])

    await control.gateway("dispatch", message=post["id"], without=["content"])
    await bot.judge.expect(ReplySent)

    assert [event.message_id for event in await bot.judge.of(MessageReceived)] == [int(post["id"])]
    assert (await control.sessions())["identifies"] == 1


async def test_sessions_that_begin_at_once_share_a_wait_for_servers(launch: Launch) -> None:
    """discord.py keeps one queue for all of them, which the wait that ends first takes away from the next."""
    bot = await launch()
    client = bot.supervisor.client
    assert client is not None
    assert not hasattr(client._connection, "_ready_state")

    await client._connection._delay_ready()

    assert client.is_ready()


def strict(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Read JSON as orjson does, which not everybody has installed: without halves of surrogate pairs."""
    read = json.loads(text)
    if re.search("[\ud800-\udfff]", json.dumps(read, ensure_ascii=False)):
        raise ValueError("lone surrogate")
    return read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param(r'["\ud83d\ude00 b"]', ["\N{GRINNING FACE} b"], id="a pair"),
        pytest.param(r'["a\ud83d b", 1]', ["a\ufffd b", 1], id="the first half"),
        pytest.param(r'["\udc00\ud83d"]', ["\ufffd\ufffd"], id="both, the wrong way round"),
        pytest.param(r'{"\ud83d": "\\ud83d"}', {"\ufffd": r"\ud83d"}, id="beside what only looks like one"),
        pytest.param(b'["\\ud83d"]', ["\ufffd"], id="in bytes"),
    ],
)
def test_half_a_character_is_replaced(monkeypatch: pytest.MonkeyPatch, text: str | bytes, read: object) -> None:
    """JSON can name it; neither UTF-8 nor orjson takes it."""
    monkeypatch.setattr(discord_py_faults, "_strictly", strict)

    assert from_json(text) == read


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            '{"id": "5", "content": "a\\n\N{GRINNING FACE}", "type": 0, "flags": [1.5, true, null]}', id="a message"
        ),
        pytest.param(r'["\ud83d\ude00"]', id="a pair of halves"),
        pytest.param('{"id": 9223372036854775807, "id": 5}', id="a name twice"),
        pytest.param("[" * 2000 + "]" * 2000, id="any depth"),
        pytest.param("[" + "9" * 5000 + "]", id="a number without end"),
    ],
)
def test_either_reader_of_json_reads_the_same(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The extra ``speed`` changes nothing else: discord.py takes orjson where it is installed."""
    orjson = pytest.importorskip("orjson", reason="the extra speed is not installed")
    read = []
    for reader in (json.loads, orjson.loads):
        monkeypatch.setattr(discord_py_faults, "_strictly", reader)
        read.append(from_json(text))

    assert read[0] == read[1]


def test_what_is_no_json_stays_an_error() -> None:
    """Whoever asked is told."""
    with pytest.raises(ValueError, match="line 1"):
        from_json('{"id": "1')


async def test_half_a_character_hides_no_message(
    launch: Launch, control: ControlClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither itself nor those on the same page of a history."""
    monkeypatch.setattr(discord_py_faults, "_strictly", strict)
    post = await control.post("ask one")
    sandbox.world.messages[int(post["id"])].content = "ask \ud83d"
    await control.post("ask two")

    bot = await launch()
    await bot.judge.expect(ReplySent, 2)

    assert [said["content"] for said in await control.messages(author="sandbox-bot")] == ["re: \ufffd", "re: two"]
