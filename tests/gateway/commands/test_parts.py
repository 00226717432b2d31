"""Which partitions a command is about, and one answer for all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from bot.core.sharding import Sharding
from bot.gateway.commands.parts import Parts
from bot.moderation import commands
from bot.moderation.command import Report
from bot.moderation.context import CommandContext
from bot.replies.place_settings import Surroundings

SERVERS = {11: 4 << 22, 22: 6 << 22}
"""The servers of two channels: of partitions 0 and 2 of four."""


def context() -> CommandContext:
    """Return a context that knows the places of channels, and no log."""
    none = cast("Any", None)
    made = CommandContext(Path(), none, (), 1, "", lambda: 0, none)
    return replace(made, around=lambda channel_id: Surroundings(guild_id=SERVERS.get(channel_id)))


HERE = {0: context(), 2: context()}
PARTS = Parts(Sharding(4, 2), lambda: HERE)


@pytest.mark.parametrize(
    ("name", "arguments", "direct", "meant"),
    [
        pytest.param("status", {}, False, [2], id="on a server: its own"),
        pytest.param("status", {}, True, [0, 2], id="an owner's, of no channel: all here"),
        pytest.param("state", {"channel_id": 11}, True, [0], id="an owner's, of a channel: that of its server"),
        pytest.param("state", {"channel_id": 33}, True, [2], id="a channel that nobody here knows: its own"),
        pytest.param("opt-out", {}, False, [0, 2], id="about all of a person's words: all here"),
        pytest.param("forget-me", {"guild_id": None}, False, [0, 2], id="everywhere: all here"),
        pytest.param("forget-me", {"guild_id": 6 << 22}, False, [2], id="words of this server: its own"),
        pytest.param("export-me", {}, True, [2], id="a file: its own"),
    ],
)
def test_the_partitions_of_a_command(name: str, arguments: dict[str, object], direct: bool, meant: list[int]) -> None:  # noqa: FBT001
    """By the place where it was used and what it names."""
    [command] = [each for each in commands.COMMANDS if each.name == name]

    assert [*PARTS.meant(HERE[2], command, arguments, direct=direct)] == meant


def test_what_all_say_is_said_once() -> None:
    """With what was not asked; what differs has the number of its partition."""
    same = Report("Done.", ("For good.",), {"new": True})
    one, other = Report("Two words", ("a",), {"changed": False}), Report("No words", (), {"changed": True})

    assert PARTS.together({0: same, 2: same}).lines == (
        "For good.", "Partitions of this bot that run elsewhere were not asked: 1, 3.",
    )  # fmt: skip
    told = Parts(Sharding(2, 1), lambda: HERE).together({0: one, 1: other})
    assert told == Report(
        "Of 2 partitions", ("Partition 0: Two words", "a", "Partition 1: No words"), {"changed": True}
    )
