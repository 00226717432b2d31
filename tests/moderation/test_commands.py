"""The one list of commands: what is added to it is there in every way that leads to a command."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from bot.cli.main import echoless
from bot.config import Config
from bot.core.events import CommandUsed
from bot.moderation import commands
from bot.moderation.command import Command, Kind, Parameter, Report, Topic
from bot.moderation.commands import HERE
from bot.moderation.context import CommandContext
from bot.moderation.control_socket import call
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import Launch
from tests.moderation.conftest import BY
from tests.test_docs import moderators_table, rows_of_readme

ALLOWED = {"moderation": {"commands": {"greet": {"roles": [7]}}}}


async def greet(context: CommandContext, channel_id: int, *, word: str | None = None, by: str) -> Report:
    """Say hello: the function of a new command."""
    state = await context.state(channel_id)
    return Report(f"{word or 'Hello'}, channel {channel_id}!", (f"Version {state.version}, {by}.",))


GREET = Command(
    "greet", Topic.LOG, "Say hello to a channel.", greet, (Parameter("word", Kind.TEXT, "What to say.", most=20), HERE)
)


@pytest.fixture
def new_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a command to the list."""
    monkeypatch.setattr(commands, "COMMANDS", (*commands.COMMANDS, GREET))


def typed(folder: Path, *arguments: str) -> str:
    """Run ``echoless replay greet`` on a log and return what it wrote."""
    ran = CliRunner().invoke(echoless, ["replay", "greet", "--log", str(folder), *arguments])
    assert ran.exit_code == 0, ran.output
    return ran.output


@pytest.mark.usefixtures("new_entry")
async def test_a_function_and_an_entry_are_a_command_in_discord(launch: Launch, control: ControlClient) -> None:
    """With its options, its answer, and its use in the log."""
    moderator = Moderator(control)
    bot = await launch()
    await moderator.registered()
    channel = (await control.post("hi"))["channel_id"]

    known = {command["name"]: command for command in await control.commands()}
    (made,) = [option for option in known["replay"]["options"] if option["name"] == "greet"]
    answer = await moderator.use("replay greet", {"word": "Ahoy"})

    assert made["description"] == "Say hello to a channel."
    assert [(each["name"], each.get("max_length")) for each in made["options"]] == [("word", 20), ("channel", None)]
    assert f"Ahoy, channel {channel}!" in text_of(answer)
    assert [use.command for use in await bot.judge.expect(CommandUsed)] == ["greet"]


@pytest.mark.usefixtures("new_entry")
async def test_it_is_on_the_command_line_and_over_the_socket(
    launch: Launch, control: ControlClient, tmp_path: Path
) -> None:
    """Carried out by the bot while one runs, and on the log at rest."""
    bot = await launch()
    channel = (await control.post("hi"))["channel_id"]
    folder = tmp_path / "log"

    called = await call(folder, "greet", {"channel_id": int(channel), "word": "Ahoy", "by": BY})
    beside = await asyncio.to_thread(typed, folder, "--channel", channel)
    await bot.stop()
    at_rest = await asyncio.to_thread(typed, folder, "--channel", channel, "--word", "Ahoy")
    listed = CliRunner().invoke(echoless, ["replay", "--help"]).output

    assert called is not None
    assert called.title == at_rest.splitlines()[0] == f"Ahoy, channel {channel}!"
    assert called.lines[0].endswith(f", {BY}.")
    assert beside.startswith(f"Hello, channel {channel}!\nVersion ")
    assert beside.endswith(", command line.\n")
    assert "greet     Say hello to a channel." in listed
    assert "What to say." in typed(folder, "--help")


def test_the_settings_name_it_once_it_is_listed(request: pytest.FixtureRequest) -> None:
    """What is not in the list is refused."""
    with pytest.raises(ValidationError, match="greet"):
        Config.model_validate(ALLOWED)
    request.getfixturevalue("new_entry")

    assert Config.model_validate(ALLOWED).moderation.commands["greet"].roles == (7,)


def test_the_readme_has_to_name_it_once_it_is_listed(request: pytest.FixtureRequest) -> None:
    """In the row of its topic."""
    before = moderators_table()
    request.getfixturevalue("new_entry")
    after = moderators_table()

    assert before == rows_of_readme() != after
    assert after[Topic.LOG.value] - before[Topic.LOG.value] == {"greet"}


def test_every_command_tells_all_that_discord_needs() -> None:
    """A description of at most 100 characters for it and for each option (docs: application commands)."""
    texts = [command.text for command in commands.COMMANDS]
    texts += [option.text for command in commands.COMMANDS for option in command.parameters if option.is_option]

    assert all(0 < len(text) <= 100 for text in texts)
    assert all(command.group in {"", *commands.GROUPS} for command in commands.COMMANDS)


def test_every_function_has_the_arguments_that_its_entry_names() -> None:
    """By position after the context, or by name."""
    missing = [
        (command.name, parameter.argument)
        for listed in commands.COMMANDS
        for command in (listed, listed.previewing)
        if command
        for parameter in command.parameters
        if not command.takes(parameter.argument)
    ]

    assert missing == []
