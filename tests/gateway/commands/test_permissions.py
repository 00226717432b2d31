from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from bot.core.events import CommandUsed, ConversationReset, ConversationRewound, GatewayReady, ReplySent
from bot.gateway.commands.access import DIRECT
from bot.moderation.command import PRIVACY
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import Launch, RunningBot

COMMANDS: dict[str, dict[str, Any]] = {
    "state": {},
    "timeline": {},
    "diff": {"from": "1", "to": "2"},
    "why": {"message": "1574416940036784133"},
    "rewind": {"to": "1"},
    "undo": {},
    "reset": {},
    "rehearse": {"last": 1},
    "pending": {},
    "retry": {"message": "1574416940036784133"},
    "again": {"message": "1574416940036784133"},
    "drop": {"message": "1574416940036784133"},
    "pause": {},
    "resume": {},
    "rebuild": {},
    "verify": {},
    "snapshot": {},
    "export": {},
    "status": {},
}
REFUSED = "You may not use this command"
UNSEEN = "no such channel that you can see"


async def _started(launch: Launch, control: ControlClient, **sections: object) -> tuple[RunningBot, str]:
    running = await launch(**sections)
    await Moderator(control).registered()
    asked = await control.post("ask one")
    await running.judge.expect(ReplySent)
    return running, asked["id"]


async def _outcomes(running: RunningBot, count: int = 1) -> list[str]:
    return [use.outcome for use in await running.judge.expect(CommandUsed, count)]


async def test_every_command_is_refused_to_a_member_and_in_private(launch: Launch, control: ControlClient) -> None:
    """Also when the client is made to show it: the sandbox hides nothing. The refusal is an event, nothing else."""
    running, question = await _started(launch, control)
    (replay,) = [command for command in await control.commands() if command["name"] == "replay"]
    assert {option["name"] for option in replay["options"]} == set(COMMANDS)
    before = len(await running.judge.all())
    direct = (await control.open_dm("alice"))["id"]

    for command, options in COMMANDS.items():
        answer = await Moderator(control, "alice").use(f"replay {command}", options)
        assert text_of(answer).startswith(REFUSED)
        assert answer["original"]["ephemeral"]
        assert text_of(await Moderator(control, "alice", direct).use(f"replay {command}", options)) == DIRECT
    menu = await Moderator(control, "alice").use("Why this reply?", target=question)
    assert text_of(menu).startswith(REFUSED)

    assert set(await _outcomes(running, 2 * len(COMMANDS) + 1)) == {"refused"}
    assert len(await running.judge.all()) == before + 2 * len(COMMANDS) + 1


async def test_what_discord_resolved_counts(launch: Launch, control: ControlClient) -> None:
    """The permission in this interaction, whatever the member's roles say elsewhere."""
    running, _ = await _started(launch, control)

    assert "at version" in await Moderator(control, "alice").ask("state", permissions=["MANAGE_GUILD"])
    assert REFUSED in await Moderator(control, "alice").ask("state", permissions=["MANAGE_MESSAGES"])
    assert REFUSED in await Moderator(control, "owner").ask("state", permissions=[])
    assert await _outcomes(running, 3) == ["done", "refused", "refused"]


async def test_roles_people_and_single_commands_of_the_settings(launch: Launch, control: ControlClient) -> None:
    """A role or a name lets somebody in; a command of its own has its own."""
    role = await control.call("POST", "/roles", {"name": "helpers", "permissions": [], "users": ["bob"]})
    carol = await control.create_user("carol")
    moderation = {
        "permission": "manage_channels",
        "roles": [int(role["id"])],
        "commands": {"pause": {"people": [int(carol["id"])]}},
    }
    await _started(launch, control, moderation=moderation)
    bob, carol_ = Moderator(control, "bob"), Moderator(control, "carol")

    assert "at version" in await bob.ask("state")
    assert "Manage Channels" in await bob.ask("pause")
    assert REFUSED in await carol_.ask("state")
    assert "paused" in await carol_.ask("pause")
    hints = {
        command["default_member_permissions"] for command in await control.commands() if command["name"] != PRIVACY
    }
    assert hints == {str(1 << 4)}


async def test_the_owner_of_the_bot_may_in_private(launch: Launch, control: ControlClient) -> None:
    """About that private channel and the log as a whole, and nobody else's channels."""
    dora = await control.create_user("dora")
    running, question = await _started(launch, control, moderation={"owner": [int(dora["id"])]})
    direct = (await control.open_dm("dora"))["id"]
    await control.post("ask two", channel=direct, author="dora")
    await running.judge.expect(ReplySent, 2)
    owner = Moderator(control, "dora", direct)
    general = (await control.messages(author="alice"))[0]["channel_id"]

    assert f"Channel {direct} at version" in await owner.ask("state")
    assert "connected" in await owner.ask("status")
    assert "streams" in await owner.ask("verify")
    assert UNSEEN in await owner.ask("state", {"channel": general})
    assert UNSEEN in await owner.ask("why", {"message": f"https://discord.com/channels/1/{general}/{question}"})
    assert await _outcomes(running, 5) == ["done", "done", "done", "refused", "refused"]


@pytest.mark.parametrize("command", ["state", "timeline", "rewind", "undo", "reset", "rehearse", "pause", "export"])
async def test_a_channel_that_is_closed_to_the_asker_stays_closed(
    launch: Launch, control: ControlClient, command: str
) -> None:
    """By id, and by a link that leads there; for somebody who may see it, it is open."""
    running, _ = await _started(launch, control)
    secret = (await control.create_channel("secret"))["id"]
    await control.call("POST", "/roles", {"name": "mods", "permissions": ["MANAGE_GUILD"], "users": ["bob"]})
    await control.set_permissions("secret", deny=["VIEW_CHANNEL"], target="bob")
    asked = await control.post("ask for your eyes only", channel="secret")
    await running.judge.expect(ReplySent, 2)
    link = f"https://discord.com/channels/{asked['guild_id']}/{secret}/{asked['id']}"

    answer = await Moderator(control, "bob").ask(command, {**COMMANDS[command], "channel": secret})
    assert UNSEEN in answer
    linked = {"state": "at", "timeline": "since", "rewind": "to", "rehearse": "message", "export": "since"}
    if command in linked:
        assert UNSEEN in await Moderator(control, "bob").ask(command, {linked[command]: link})

    assert UNSEEN not in await Moderator(control, "owner").ask(command, {**COMMANDS[command], "channel": secret})
    assert await running.judge.of(ConversationRewound) == []
    assert await running.judge.of(ConversationReset) == []


@pytest.mark.parametrize(
    ("command", "option", "says"),
    [
        ("why", "message", "answered in 1 part"),
        ("state", "at", "at version 1"),
        ("timeline", "since", "message.received"),
        ("rewind", "to", "Rewinding channel"),
        ("rehearse", "message", "would say"),
        ("export", "since", "4 events of channel"),
        ("retry", "message", "was answered"),
    ],
)
async def test_the_id_of_a_message_leads_to_its_channel_for_those_who_see_it(
    launch: Launch, control: ControlClient, command: str, option: str, says: str
) -> None:
    """For anybody else it is the id of no message: not even that there is one is told."""
    running, _ = await _started(launch, control)
    secret = (await control.create_channel("secret"))["id"]
    await control.call("POST", "/roles", {"name": "mods", "permissions": ["MANAGE_GUILD"], "users": ["bob"]})
    await control.set_permissions("secret", deny=["VIEW_CHANNEL"], target="bob")
    asked = await control.post("ask for your eyes only", channel="secret")
    await running.judge.expect(ReplySent, 2)
    unknown = str(int(asked["id"]) + 1)

    seen = await Moderator(control, "owner").ask(command, {option: asked["id"]})
    unseen, absent = [await Moderator(control, "bob").ask(command, {option: each}) for each in (asked["id"], unknown)]

    assert says in seen
    assert secret not in unseen
    assert unseen.replace(asked["id"], unknown) == absent


async def test_a_thread_is_as_open_as_its_channel(launch: Launch, control: ControlClient) -> None:
    """To somebody who may see that."""
    running, _ = await _started(launch, control)
    await control.call("POST", "/roles", {"name": "mods", "permissions": ["MANAGE_GUILD"], "users": ["bob"]})
    thread = (await control.create_thread("a thread"))["id"]
    await control.post("ask three", channel=thread)
    await running.judge.expect(ReplySent, 2)

    assert f"Channel {thread}" in await Moderator(control, "bob").ask("state", {"channel": thread})


async def test_the_status_names_no_channel_that_the_asker_can_not_see(launch: Launch, control: ControlClient) -> None:
    """A bot in several servers shows each its own."""
    running, _ = await _started(launch, control)
    other = await control.create_guild("Second", owner="eve")
    await control.post("ask two", channel=other["channel"]["id"], author="eve")
    await running.judge.expect(ReplySent, 2)

    status = await Moderator(control).ask("status")

    assert "connected" in status
    assert other["channel"]["id"] not in status


async def test_the_status_names_machine_and_session_to_the_bot_s_owner_alone(
    launch: Launch, control: ControlClient
) -> None:
    """A moderator learns that a process runs, and since when."""
    dora = await control.create_user("dora")
    running, _ = await _started(launch, control, moderation={"owner": [int(dora["id"])]})
    await control.call("POST", "/members", {"user": "dora"})
    session = (await running.judge.expect(GatewayReady))[0].session
    secrets = (session, f"process {os.getpid()}", f" on {socket.gethostname()} ")

    moderators, owners = [await Moderator(control, user).ask("status") for user in ("owner", "dora")]

    assert [secret for secret in secrets if secret in moderators] == []
    assert [secret for secret in secrets if secret not in owners] == []
    assert "owner: a process since" in moderators
    assert "gateway: gateway.ready" in moderators


async def test_a_press_is_checked_anew(launch: Launch, control: ControlClient) -> None:
    """Who lost the permission between the preview and the button does not rewind."""
    running, _ = await _started(launch, control)
    moderator = Moderator(control, "bob")
    preview = await moderator.use("replay rewind", {"to": "1"}, permissions=["MANAGE_GUILD"])

    pressed = await moderator.press(preview, "Rewind", permissions=[])
    await moderator.sees(pressed, REFUSED)

    assert await _outcomes(running, 2) == ["done", "refused"]
    assert await running.judge.of(ConversationRewound) == []
