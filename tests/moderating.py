"""The moderators' commands by name, as the list of them has it, on one log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

import pytest

from bot.moderation import commands
from bot.moderation.command import Report, Run
from bot.moderation.context import CommandContext


@dataclass(frozen=True)
class Moderation:
    """What can be asked of a log: ``moderation.rewind(channel, "3", by="ada")``."""

    context: CommandContext

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Report]]:
        """Return a command, or its preview, that works on this log."""
        try:
            return partial(commands.calls()[name].run, self.context)
        except KeyError:
            raise AttributeError(name) from None


def put(monkeypatch: pytest.MonkeyPatch, name: str, run: Run) -> None:
    """Have a command of the list do something else; a bot has the list as it is when it starts."""
    listed = (replace(each, run=run) if each.name == name else each for each in commands.COMMANDS)
    monkeypatch.setattr(commands, "COMMANDS", tuple(listed))
