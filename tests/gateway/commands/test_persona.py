"""Personas: by command, for a channel, a thread or a server, and what an answer is written in."""

from __future__ import annotations

import pytest

from bot.core.events import CommandUsed, PersonaCleared, PersonaSet, ReplyComposed, ReplySent
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import Launch
from tests.model import actor


async def said(control: ControlClient, channel: str = "general") -> list[str]:
    """Return what the bot said in a channel, oldest first."""
    return [message["content"] for message in await control.messages(author="sandbox-bot", channel=channel)]


async def test_the_nearest_persona_holds(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """A channel's own before the server's before that of the settings; `why` says which it was."""
    running = await launch(responder=actor())
    await moderator.registered()
    await control.post("<@sandbox-bot> hi", mention=["sandbox-bot"])
    await running.judge.expect(ReplySent, 1)
    await moderator.use("persona set", {"text": "a judge", "scope": "server"})
    await control.post("again", mention=["sandbox-bot"])
    await running.judge.expect(ReplySent, 2)
    await moderator.use("persona set", {"text": "a pirate"})
    third = await control.post("and again", mention=["sandbox-bot"])
    await running.judge.expect(ReplySent, 3)
    shown = text_of(await moderator.use("persona show"))
    await moderator.use("persona clear")
    await control.post("at last", mention=["sandbox-bot"])
    await running.judge.expect(ReplySent, 4)

    answers = [text.split(" about ")[0] for text in await said(control) if text.startswith("as ")]
    assert answers == ["as myself", "as a judge", "as a pirate", "as a judge"]
    assert "a pirate" in shown
    used = [event.persona for event in await running.judge.of(ReplyComposed)]
    assert used[0] == 0
    assert used[1] == used[3] != 0
    assert "persona: version" in await moderator.ask("why", {"message": third["id"]})
    rehearsed = await moderator.ask("rehearse", {"message": third["id"]})
    assert "was said:  as a pirate" in rehearsed
    assert "would say: as a judge" in rehearsed
    assert len(await running.judge.of(PersonaSet)) == 2
    assert len(await running.judge.of(PersonaCleared)) == 1


async def test_a_rewind_and_its_undo_take_the_persona_along(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """Back to none, and back again."""
    await launch(responder=actor())
    await moderator.registered()
    await control.post("nothing for you")
    await moderator.use("persona set", {"text": "a pirate"})

    preview = await moderator.use("replay rewind", {"to": "1"})
    await moderator.press(preview, "Rewind")
    await moderator.sees(preview, "is rewound")
    rewound = text_of(await moderator.use("persona show"))
    await moderator.ask("undo")
    undone = text_of(await moderator.use("persona show"))

    assert "The persona becomes what it was." in text_of(preview)
    assert "that of the settings" in rewound
    assert "a pirate" in undone


async def test_only_moderators_may(launch: Launch, moderator: Moderator) -> None:
    """By the same check as `/replay`; an empty hand finds nothing to clear."""
    running = await launch()
    await moderator.registered()
    nothing = text_of(await moderator.use("persona clear"))
    moderator.user = "alice"

    for command, options in (("set", {"text": "a pirate"}), ("show", {}), ("clear", {"scope": "server"})):
        assert "You may not use this command" in text_of(await moderator.use(f"persona {command}", options))

    assert "no persona of its own" in nothing
    assert await running.judge.of(PersonaSet) == []


@pytest.mark.parametrize("archived", [False, True], ids=["active", "archived"])
async def test_a_thread_has_its_channels_persona_right_after_a_restart(
    launch: Launch, control: ControlClient, moderator: Moderator, *, archived: bool
) -> None:
    """Before anything was said in either since; also in a thread that a message wakes."""
    first = await launch(responder=actor())
    await moderator.registered()
    await moderator.use("persona set", {"text": "a judge", "scope": "server"})
    await moderator.use("persona set", {"text": "a pirate"})
    thread = (await control.create_thread("a thread"))["id"]
    await control.change_thread(thread, archived=archived)
    await first.stop()

    second = await launch(responder=actor())
    await control.post("hi", mention=["sandbox-bot"], channel=thread)
    await second.judge.expect(ReplySent)

    assert await said(control, thread) == ["as a pirate about nothing"]


async def test_the_servers_persona_takes_rights_in_the_whole_server(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """Who moderates one channel by its own permissions sets that channel's alone; a role of the server's sets both."""
    running = await launch(moderation={"permission": "manage_channels"})
    await moderator.registered()
    moderator.user = "bob"
    await control.create_user("bob")
    await control.set_permissions("general", allow=["MANAGE_CHANNELS"], target="bob")

    own = text_of(await moderator.use("persona set", {"text": "a pirate"}))
    refused = [
        text_of(await moderator.use(f"persona {command}", {**options, "scope": "server"}))
        for command, options in (("set", {"text": "a judge"}), ("show", {}), ("clear", {}))
    ]
    outcomes = [use.outcome for use in await running.judge.expect(CommandUsed, 4)]
    await control.call("POST", "/roles", {"name": "mods", "permissions": ["MANAGE_CHANNELS"], "users": ["bob"]})
    allowed = text_of(await moderator.use("persona set", {"text": "a judge", "scope": "server"}))

    assert "is set" in own
    assert all("You may not use this command" in text for text in refused)
    assert outcomes == ["done", "refused", "refused", "refused"]
    assert "The persona of this server is set" in allowed
    assert len(await running.judge.of(PersonaSet)) == 2
