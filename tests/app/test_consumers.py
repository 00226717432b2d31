"""The running bot with a consumer: what is said stands in a file, and ``/metrics`` says how far it is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bot.app.consumers import consumers_of
from bot.config import load
from bot.consumers.jsonl import Jsonl, jsonl
from bot.core.events import MessageReceived, ReplySent
from bot.errors import ConfigError
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch
from tests.waiting import eventually


async def test_the_bot_writes_daily_files(launch: Launch, control: ControlClient, tmp_path: Path) -> None:
    """With words, because they are wanted here; each event once over two lives of the bot."""
    settings = {"jsonl": {"folder": str(tmp_path / "events"), "words": True}}

    def written() -> list[dict[str, object]]:
        files = sorted((tmp_path / "events").glob("*.jsonl"))
        lines = [line for path in files for line in path.read_text().splitlines()]
        return [json.loads(line) for line in lines]

    def sent() -> int:
        return sum(line["type"] == "reply.sent" for line in written())

    bot = await launch(consumers=settings)
    await control.post("ask one")
    await bot.judge.expect(ReplySent)
    await eventually(lambda: sent() == 1)
    await eventually(lambda: not bot.bot.consumers.lag("jsonl"))
    metrics = bot.bot.metrics.render()[0].decode()
    health = bot.bot.health()
    await bot.stop()
    bot = await launch(consumers=settings)
    await control.post("ask two")
    await eventually(lambda: sent() == 2)
    await bot.stop()

    positions = [line["position"] for line in written()]
    assert positions == [*range(1, len(positions) + 1)]
    assert "ask one" in json.dumps(written())
    assert 'echoless_consumer_lag_events{consumer="jsonl"} 0.0' in metrics
    assert 'echoless_consumer_up{consumer="jsonl"} 1.0' in metrics
    assert health.consumers == ""


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    """All of them, before anything is started."""
    ours = "[consumers.jsonl]\nwords = 1\ntypes = ['secret']\nsecret = 5\n"
    text = f"{ours}[consumers.nothing]\n[consumers.'nowhere:Class']\n"
    (tmp_path / "config.toml").write_text(text)

    with pytest.raises(ConfigError) as refused:
        consumers_of(load(tmp_path / "config.toml", {}))

    *named, nothing, nowhere = refused.value.problems
    assert named == [
        "consumers.jsonl.folder has to be the path of a folder: daily files are written there.",
        "consumers.jsonl.words has to be true or false.",
        "consumers.jsonl.types has to be a list of types of events, as `echoless log stats` names them.",
        "[consumers.jsonl] has no setting 'secret': it has folder, types, words.",
    ]
    assert nothing.startswith('[consumers] names one that is not here; there are "activity"')
    assert "there is no module nowhere" in nowhere


def test_paths_count_from_the_settings_file(tmp_path: Path) -> None:
    """And an empty one is none."""
    found = jsonl("jsonl", {"folder": "days", "types": ["message.received"]}, tmp_path)

    assert (found.folder, found.types) == (tmp_path / "days", (MessageReceived,))
    with pytest.raises(ConfigError):
        jsonl("jsonl", {"folder": ""}, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[consumers]\njsonl = 5", "line 2: consumers.jsonl has to be a table of consumers"),
        ("[consumers.'a b']", "line 1: consumers.a b has to be a table of consumers"),
        ("[consumers.x]\nid = 99999999999999999999999", "consumers.x holds a number of more than 64 bits"),
    ],
)
def test_wrong_tables_are_refused(tmp_path: Path, text: str, said: str) -> None:
    """With what they have to be."""
    (tmp_path / "config.toml").write_text(text)

    with pytest.raises(ConfigError, match=re.escape(said)):
        load(tmp_path / "config.toml", {})


def test_each_partition_has_consumers_of_its_own(tmp_path: Path) -> None:
    """Their files do not mix: who writes elsewhere has to say where."""
    (tmp_path / "config.toml").write_text("[shards]\npartitions = 2\n[consumers.jsonl]\nfolder = 'all/{partition}'\n")
    config = load(tmp_path / "config.toml", {})

    [consumer] = consumers_of(config.of_partition(1))
    assert isinstance(consumer, Jsonl)
    assert consumer.folder.parts[-2:] == ("all", "1")
    (tmp_path / "config.toml").write_text("[shards]\npartitions = 2\n[consumers.jsonl]\nfolder = 'all'\n")
    with pytest.raises(ConfigError, match=r"Write \{partition\} where its number belongs"):
        consumers_of(load(tmp_path / "config.toml", {}).of_partition(1))
