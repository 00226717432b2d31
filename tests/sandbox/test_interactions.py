from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.sandbox.control_client import ControlClient
from bot.sandbox.errors import SandboxError
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Rest, StartBot
from tests.waiting import PATIENCE

AnyCommand = app_commands.Command[Any, Any, Any] | app_commands.ContextMenu | app_commands.Group


@pytest.fixture
def options() -> SandboxOptions:
    """No limits of its own."""
    return SandboxOptions(message_rate=None, global_rate=None)


async def _with_commands(start_bot: StartBot, *commands: AnyCommand) -> Bot:
    bot = await start_bot()
    for command in commands:
        bot.tree.add_command(command)
    await bot.tree.sync()
    return bot


def _command(callback: Callable[..., Coroutine[Any, Any, None]]) -> app_commands.Command[Any, Any, Any]:
    return app_commands.Command(name="go", description="Do it.", callback=callback)


async def test_defer_then_edit_the_original(start_bot: StartBot, control: ControlClient) -> None:
    """The usual way: type 5, then PATCH @original; one message, not marked as edited."""

    async def callback(interaction: discord.Interaction) -> None:
        await interaction.response.defer(thinking=True)
        await interaction.edit_original_response(content="done")

    await _with_commands(start_bot, _command(callback))
    used = await control.use_command("go", user="alice")

    record = await control.wait_for_answer(used["id"])

    assert (record["acknowledged"], record["waiting"], record["followups"]) == (5, False, [])
    assert (record["original"]["content"], record["original"]["flags"], record["original"]["edited_at"]) == (
        "done",
        0,
        None,
    )
    assert [item["content"] for item in await control.messages(bot=True)] == ["done"]


async def test_an_ephemeral_answer_is_in_no_history_and_no_event(start_bot: StartBot, control: ControlClient) -> None:
    """Flag 64 shows it to the user alone."""

    async def callback(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("secret", ephemeral=True)

    bot = await _with_commands(start_bot, _command(callback))
    used = await control.use_command("go")
    record = await control.wait_for_answer(used["id"])
    await control.post("next")

    assert (record["original"]["content"], record["original"]["ephemeral"]) == ("secret", True)
    assert (await bot.expect("message")).content == "next"
    assert [message.content async for message in bot.guilds[0].text_channels[0].history()] == ["next"]


async def test_the_first_followup_after_a_deferral_edits_the_original(
    start_bot: StartBot, control: ControlClient
) -> None:
    """Later ones are messages of their own."""

    async def callback(interaction: discord.Interaction) -> None:
        await interaction.response.defer(thinking=True)
        first = await interaction.followup.send("one", wait=True)
        second = await interaction.followup.send("two", wait=True)
        await second.edit(content="2")
        await first.delete()

    await _with_commands(start_bot, _command(callback))
    used = await control.use_command("go")
    await control.wait_for_messages(bot=True, deleted=True)

    record = await control.interaction(used["id"])

    assert (record["original"]["content"], record["original"]["deleted"]) == ("one", True)
    assert [item["content"] for item in record["followups"]] == ["2"]


async def test_followups_after_5xx_are_repeated_without_a_nonce(start_bot: StartBot, control: ControlClient) -> None:
    """docs/discord-facts.md, 1.3: each repeat of a follow-up is one more message."""

    async def callback(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("original")
        await interaction.followup.send("again", wait=True)

    await _with_commands(start_bot, _command(callback))
    await control.add_fault("status", status=503, when="after", method="POST", path="/webhooks/*")
    used = await control.use_command("go")
    await control.wait_for_messages(2, contains="again")

    assert len((await control.interaction(used["id"]))["followups"]) == 2


async def test_a_callback_repeated_after_5xx_was_already_acknowledged(
    start_bot: StartBot, control: ControlClient
) -> None:
    """docs/discord-facts.md, 1.3: 40060, and acknowledged once."""
    caught: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def callback(interaction: discord.Interaction) -> None:
        try:
            await interaction.response.defer(thinking=True)
        except discord.HTTPException as error:
            caught.set_result(error.code)

    await _with_commands(start_bot, _command(callback))
    await control.add_fault("status", status=502, when="after", path="/interactions/*")
    await control.use_command("go")

    assert await asyncio.wait_for(caught, PATIENCE) == 40060


async def test_a_late_answer_is_an_unknown_interaction(start_bot: StartBot, control: ControlClient) -> None:
    """After the deadline the first response is 10062."""
    caught: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def callback(interaction: discord.Interaction) -> None:
        try:
            await interaction.response.send_message("late")
        except discord.NotFound as error:
            caught.set_result(error.code)

    await _with_commands(start_bot, _command(callback))
    await control.change_settings(interaction_deadline=0.0)
    await control.use_command("go")

    assert await asyncio.wait_for(caught, PATIENCE) == 10062


async def test_a_token_dies_of_age(rest: Rest, sandbox: Sandbox, start_bot: StartBot, control: ControlClient) -> None:
    """After its life a token is 50027, before the first response 10015."""

    async def callback(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("in time")

    await _with_commands(start_bot, _command(callback))
    used = await control.use_command("go")
    await control.wait_for_answer(used["id"])
    token = sandbox.services.interactions.by_id[int(used["id"])].token
    path = f"/webhooks/{sandbox.services.application.id}/{token}"
    fine = await rest("GET", f"{path}/messages/@original")
    await control.change_settings(interaction_token_life=0.0)

    dead = await rest("PATCH", f"{path}/messages/@original", {"content": "x"})

    assert (fine.status, fine.body["content"]) == (200, "in time")
    assert (dead.status, dead.body["code"]) == (401, 50027)


async def test_options_of_every_kind_arrive(start_bot: StartBot, control: ControlClient) -> None:
    """Names become ids, plain values stay, subcommands are followed."""
    seen: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()
    group = app_commands.Group(name="log", description="The log.")

    @group.command(name="show", description="Show it.")
    async def show(
        interaction: discord.Interaction,
        text: str,
        number: int,
        really: bool,  # noqa: FBT001 - discord.py reads it
        who: discord.Member,
        where: discord.TextChannel,
        share: float,
    ) -> None:
        await interaction.response.send_message("ok")
        seen.set_result((text, number, really, who.name, where.name, share, interaction.permissions.manage_messages))

    await _with_commands(start_bot, group)
    values = {"text": "t", "number": 3, "really": True, "who": "bob", "where": "general", "share": 0.5}
    await control.use_command("log show", values, permissions=["MANAGE_MESSAGES", "SEND_MESSAGES"])

    assert await asyncio.wait_for(seen, PATIENCE) == ("t", 3, True, "bob", "general", 0.5, True)


@pytest.mark.parametrize(
    ("command", "values", "said"),
    [
        pytest.param("nothing", {}, "The bot has no command 'nothing' here", id="an unknown command"),
        pytest.param("go now", {}, "'go' has no subcommands", id="a subcommand that is not there"),
        pytest.param("go", {}, "The option 'number' is required", id="a required option is missing"),
        pytest.param(
            "go", {"number": "three"}, "The value of number does not fit its type", id="a value of another type"
        ),
        pytest.param("go", {"number": 1, "colour": "red"}, "'go' has no option 'colour'", id="an unknown option"),
    ],
)
async def test_a_use_that_does_not_fit_is_refused(
    start_bot: StartBot, control: ControlClient, command: str, values: dict[str, object], said: str
) -> None:
    """The person is told before the bot hears of it."""

    async def callback(interaction: discord.Interaction, number: int) -> None:
        await interaction.response.send_message(str(number))

    await _with_commands(start_bot, _command(callback))

    with pytest.raises(SandboxError, match=f"^{said}"):
        await control.use_command(command, values)


async def test_hidden_commands_can_still_be_used(start_bot: StartBot, control: ControlClient) -> None:
    """default_member_permissions hides, it does not check: ``hidden`` says so."""

    @app_commands.command(name="go", description="Do it.")
    @app_commands.default_permissions(manage_messages=True)
    async def go(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("used")

    await _with_commands(start_bot, go)

    assert (await control.use_command("go", permissions=[]))["hidden"]
    assert not (await control.use_command("go", permissions=["MANAGE_MESSAGES"]))["hidden"]
    assert not (await control.use_command("go", user="owner"))["hidden"]
    assert (await control.commands())[0]["default_member_permissions"] == "8192"


async def test_context_menus_and_autocomplete(start_bot: StartBot, control: ControlClient) -> None:
    """A menu gets its message, a half-typed option its choices."""
    targets: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def menu(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.defer(ephemeral=True)
        targets.set_result(message.content)

    @app_commands.command(name="go", description="Do it.")
    async def go(interaction: discord.Interaction, word: str) -> None:
        await interaction.response.send_message(word)

    @go.autocomplete("word")
    async def complete(_interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=typed + "!", value=typed + "!")]

    posted = await control.post("why?")
    await _with_commands(start_bot, go, app_commands.ContextMenu(name="Why this reply?", callback=menu))
    await control.use_command("Why this reply?", target=posted["id"])
    typing = await control.use_command("go", {"word": "he"}, focused="word")

    assert await asyncio.wait_for(targets, PATIENCE) == "why?"
    assert (await control.wait_for_answer(typing["id"]))["choices"] == [{"name": "he!", "value": "he!"}]


async def test_buttons_and_forms(start_bot: StartBot, control: ControlClient) -> None:
    """A button opens a form, whose answer updates the message."""

    class Form(discord.ui.Modal, title="Why"):
        reason: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Reason", custom_id="reason")

        async def on_submit(self, interaction: discord.Interaction) -> None:
            await interaction.response.send_message(f"because {self.reason.value}")

    class Buttons(discord.ui.View):
        @discord.ui.button(label="Why", custom_id="why")
        async def why(self, interaction: discord.Interaction, _button: discord.ui.Button[Any]) -> None:
            await interaction.response.send_modal(Form(custom_id="form"))

        @discord.ui.button(label="Change", custom_id="change")
        async def change(self, interaction: discord.Interaction, _button: discord.ui.Button[Any]) -> None:
            await interaction.response.edit_message(content="changed")

    bot = await start_bot()
    message = await bot.guilds[0].text_channels[0].send("press", view=Buttons())
    pressed = await control.wait_for_answer((await control.use_component(str(message.id), "why"))["id"])
    submitted = await control.submit_modal("form", {"reason": "it rains"})
    answer = await control.wait_for_answer(submitted["id"])
    await control.wait_for_answer((await control.use_component(str(message.id), "change"))["id"])

    assert (pressed["acknowledged"], pressed["modal"]["custom_id"]) == (9, "form")
    assert answer["original"]["content"] == "because it rains"
    assert (await control.messages(contains="changed"))[0]["id"] == str(message.id)
    with pytest.raises(SandboxError, match="'nothing'"):
        await control.use_component(str(message.id), "nothing")
