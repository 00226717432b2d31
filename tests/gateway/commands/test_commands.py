from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bot.core.events import CommandUsed, ConversationReset, ConversationRewound, ReplyAbandoned, ReplySent
from bot.gateway.commands.command_answers import settled
from bot.moderation.command import Report
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, caught_up, labels, text_of
from tests.harness import Gated, Launch, RunningBot
from tests.waiting import eventually


async def _talked(
    launch: Launch, control: ControlClient, moderator: Moderator, **more: object
) -> tuple[RunningBot, str]:
    """Return a bot that answered one question in a channel (versions 1 to 4), and the question's id."""
    running = await launch(**more)
    await moderator.registered()
    await caught_up(running)
    asked = await control.post("ask one")
    await running.judge.expect(ReplySent)
    return running, asked["id"]


async def test_what_discord_is_told(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """Groups and an entry in the menu of messages, hinted for those who manage the server; `/privacy` is for all."""
    await launch()
    await moderator.registered()

    commands = {command["name"]: command for command in await control.commands()}

    assert set(commands) == {
        "replay", "persona", "model", "forget-conversation", "usage", "stats", "search", "page", "privacy",
        "Why this reply?",
    }  # fmt: skip
    hints = {name: command["default_member_permissions"] for name, command in commands.items()}
    assert hints.pop("privacy") is None
    assert set(hints.values()) == {str(1 << 5)}
    assert [sorted(command["contexts"]) for command in commands.values()] == [[0, 1]] * len(commands)
    assert [option["name"] for option in commands["persona"]["options"]] == ["show", "set", "clear"]
    assert [option["name"] for option in commands["privacy"]["options"]] == [
        "forget-me", "opt-out", "opt-in", "export-me", "forget",
    ]  # fmt: skip
    assert [option["name"] for option in commands["replay"]["options"]] == [
        "state", "timeline", "diff", "why", "rewind", "undo", "reset", "pause", "resume", "retry", "again", "drop",
        "rehearse", "pending", "rebuild", "verify", "snapshot", "export", "status",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "typed", "says"),
    [
        pytest.param("state", {}, "at version 4", id="state now"),
        pytest.param("state", {"at": "1"}, "at version 1", id="state at a version"),
        pytest.param("state", {"at": "2 hours ago"}, "before its first event", id="state at a time"),
        pytest.param("state", {"at": "LINK"}, "at version 1", id="state at a message's link"),
        pytest.param("state", {"at": "MESSAGE"}, "at version 1", id="state at a message's id"),
        pytest.param("state", {"at": "999999999d"}, "an age has at most 36500 days", id="state past the calendar"),
        pytest.param("state", {"at": "9999-12-31T23:00-10:00"}, "outside of the calendar", id="state out of range"),
        pytest.param("state", {"channel": "9" * 19}, "That is no channel", id="state of too large an id"),
        pytest.param("timeline", {"since": "9" * 400 + "d"}, "at most 36500 days", id="timeline past the calendar"),
        pytest.param("state", {"channel": "<#CHANNEL>"}, "at version 4", id="state of a channel by mention"),
        pytest.param("state", {"channel": "CHANNEL"}, "at version 4", id="state of a channel by id"),
        pytest.param("state", {"channel": "nonsense"}, "That is no channel", id="state of no channel"),
        pytest.param("state", {"at": "yesteryear"}, "no point in time", id="state at no time"),
        pytest.param("timeline", {}, "v4  reply.sent", id="timeline"),
        pytest.param("timeline", {"type": "message.received"}, "1 event of those chosen", id="timeline of a type"),
        pytest.param("timeline", {"type": "message.recieved"}, "message.received?", id="timeline of no type"),
        pytest.param("timeline", {"person": "alice"}, "message.received", id="timeline of a person"),
        pytest.param("timeline", {"since": "4"}, "1 event of those chosen", id="timeline since"),
        pytest.param("diff", {"from": "1", "to": "4"}, "from version 1 to 4", id="diff"),
        pytest.param("why", {"message": "MESSAGE"}, "answered in 1 part", id="why by id"),
        pytest.param("why", {"message": "LINK"}, "answered in 1 part", id="why by link"),
        pytest.param("why", {"message": "because"}, "That is no message", id="why of no message"),
        pytest.param("rehearse", {"message": "MESSAGE"}, "would say", id="rehearse a message"),
        pytest.param("rehearse", {"last": 1}, "would say", id="rehearse the last"),
        pytest.param("rehearse", {}, "Say which messages", id="rehearse nothing"),
        pytest.param("pending", {}, "0 unfinished", id="pending"),
        pytest.param("rebuild", {}, "the same state as before", id="rebuild"),
        pytest.param("verify", {}, "All is well", id="verify"),
        pytest.param("snapshot", {}, "at version 4 is kept", id="snapshot"),
        pytest.param("status", {}, "connected", id="status"),
        pytest.param("undo", {}, "has no rewind or reset to take back", id="undo of nothing"),
        pytest.param("retry", {"message": "MESSAGE"}, "was answered", id="retry of what was answered"),
        pytest.param("drop", {"message": "MESSAGE"}, "no unfinished reply", id="drop of what was answered"),
    ],
)
async def test_a_command_is_acknowledged_and_answered_for_the_asker_alone(
    launch: Launch, control: ControlClient, moderator: Moderator, command: str, typed: dict[str, Any], says: str
) -> None:
    """Deferred (type 5), then the original is edited once; nothing else is sent, and the use is recorded."""
    running, question = await _talked(launch, control, moderator)
    told = await control.messages(author="alice")
    place = {"CHANNEL": told[0]["channel_id"], "MESSAGE": question}
    link = f"https://discord.com/channels/{told[0]['guild_id']}/{place['CHANNEL']}/{question}"
    given = {
        name: value.replace("LINK", link).replace("CHANNEL", place["CHANNEL"]).replace("MESSAGE", question)
        if isinstance(value, str)
        else value
        for name, value in typed.items()
    }

    answer = await moderator.use(f"replay {command}", given)

    assert (answer["acknowledged"], answer["followups"], answer["original"]["ephemeral"]) == (5, [], True)
    assert says in text_of(answer)
    assert answer["original"]["mentions"] == []
    assert len(text_of(answer)) <= 2000
    edits = await control.requests(method="PATCH", path="/webhooks/*")
    assert len(edits) == 1
    (used,) = await running.judge.expect(CommandUsed)
    assert (used.command, used.user_id, used.channel_id) == (
        command,
        int((await control.world())["guilds"][0]["owner_id"]),
        int(place["CHANNEL"]),
    )
    assert used.outcome in ("done", "failed")


async def test_the_menu_of_a_message_explains_it(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """As ``/replay why`` does, and is recorded as that."""
    running, question = await _talked(launch, control, moderator)

    answer = await moderator.use("Why this reply?", target=question)

    assert "answered in 1 part" in text_of(answer)
    assert [use.command for use in await running.judge.expect(CommandUsed)] == ["why"]


async def test_an_export_is_a_file_of_json_lines(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """Attached to the answer, within what the interaction allows."""
    await _talked(launch, control, moderator)

    answer = await moderator.use("replay export")

    (file,) = answer["original"]["attachments"]
    assert file["filename"].endswith(".jsonl")
    assert file["size"] > 0


async def test_rewind_shows_first_and_acts_when_confirmed(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """Nothing is recorded before the button; then the turns are gone from the window, and undo brings them back."""
    running, _ = await _talked(launch, control, moderator)
    last = await control.post("one more")
    channel = last["channel_id"]
    await eventually(lambda: _turns(running, channel, 3))

    preview = await moderator.use("replay rewind", {"to": "4"})
    assert last["id"] in text_of(preview)
    assert labels(preview) == ["Rewind", "Cancel"]
    assert await running.judge.of(ConversationRewound) == []

    pressed = await moderator.press(preview, "Rewind")
    (rewound,) = await running.judge.expect(ConversationRewound)
    assert labels(await moderator.sees(pressed, "is rewound")) == []
    assert (rewound.to, rewound.by) == (4, (await control.world())["guilds"][0]["owner_id"])
    await eventually(lambda: _turns(running, channel, 2))

    await moderator.ask("undo")
    await eventually(lambda: _turns(running, channel, 3))
    assert [use.command for use in await running.judge.expect(CommandUsed, 3)] == ["rewind preview", "rewind", "undo"]
    assert (await control.counts(bot=True))["total"] == 1 + 2


async def _turns(running: RunningBot, channel: str, count: int) -> bool:
    return len((await running.judge.state(channel)).window) == count


def test_a_time_is_settled_when_it_is_previewed() -> None:
    """An age means another version by the time of the confirmation."""
    assert settled(Report("Preview", data={"to": 4}), {"to": "10 minutes ago"}, "to") == {"to": "4"}
    assert settled(Report("Preview", data={"to": 0}), {"to": "2 days ago"}, "to") == {"to": "0"}


async def test_cancelling_changes_nothing(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """The preview goes, and its buttons with it."""
    running, _ = await _talked(launch, control, moderator)
    preview = await moderator.use("replay reset")

    pressed = await moderator.press(preview, "Cancel")
    await moderator.sees(pressed, "Nothing was changed.")

    assert [use.command for use in await running.judge.expect(CommandUsed, 2)] == ["reset preview", "reset cancel"]
    assert await running.judge.of(ConversationReset) == []


async def test_reset_acts_when_confirmed(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """The window is empty then."""
    running, _ = await _talked(launch, control, moderator)
    preview = await moderator.use("replay reset")

    await moderator.press(preview, "Reset")

    await running.judge.expect(ConversationReset)
    await eventually(lambda: _turns(running, preview["channel_id"], 0))


async def test_pause_and_resume(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """What is asked in a pause stays unanswered; afterwards the bot answers again."""
    running, _ = await _talked(launch, control, moderator)

    await moderator.ask("pause")
    await control.post("ask two")
    await moderator.ask("resume")
    await control.post("ask three")
    await running.judge.expect(ReplySent, 2)

    assert [message["content"] for message in await control.messages(contains="re:")] == ["re: one", "re: three"]


async def test_drop_and_retry(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """A reply that is given up and asked for again comes once."""
    gated = Gated()
    running = await launch(responder=gated)
    await moderator.registered()
    asked = await control.post("ask one")
    await eventually(lambda: bool(gated.asked))

    assert asked["id"] in await moderator.ask("pending")
    await moderator.ask("drop", {"message": asked["id"]})
    await running.judge.expect(ReplyAbandoned)
    gated.open.set()
    await moderator.ask("retry", {"message": asked["id"]})
    await running.judge.expect(ReplySent)

    assert [message["content"] for message in await control.messages(contains="re:")] == ["re: one"]
    assert "0 replies are asked for again" in await moderator.ask("retry", {"message": "all"})


async def test_suggestions(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """Types, channels that the asker can see, ages, and versions near what is typed."""
    await _talked(launch, control, moderator)
    await control.create_channel("help")

    assert await moderator.suggestions("timeline", "type", "rewo") == ["conversation.rewound"]
    assert await moderator.suggestions("state", "channel", "hel") == ["#help"]
    assert (await moderator.suggestions("state", "at", ""))[0] == "10 minutes ago"
    assert (await moderator.suggestions("state", "at", "2"))[0].startswith("version 2: reply.requested")
    assert (await moderator.suggestions("rewind", "to", "0s ago"))[0].startswith("version 4: reply.sent")


async def test_suggestions_are_for_those_who_may(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """A member is offered nothing, and a moderator nothing from a channel that is closed to them."""
    await _talked(launch, control, moderator)
    await control.create_channel("secret")
    await control.call("POST", "/roles", {"name": "mods", "permissions": ["MANAGE_GUILD"], "users": ["bob"]})
    await control.set_permissions("secret", deny=["VIEW_CHANNEL"], target="bob")

    assert await Moderator(control, "alice").suggestions("timeline", "type", "") == []
    assert await Moderator(control, "bob").suggestions("state", "channel", "") == ["#general"]


async def test_the_uses_keep_their_options_apart(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """What was typed is people's words: a body, not a field."""
    running, _ = await _talked(launch, control, moderator)
    await moderator.ask("state", {"at": "1"})
    await running.judge.expect(CommandUsed)

    (recorded,) = [item for item in await running.judge.all() if isinstance(item.event, CommandUsed)]
    bodies = await running.judge.reader.bodies([recorded.position])

    assert "at:1" not in json.dumps(recorded.event.model_dump())
    assert "at:1" in bodies[recorded.position].text


async def test_what_a_timeline_prints_can_be_typed(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """The time beside a version leads to it, in every option that takes a point; so do suggested versions."""
    await _talked(launch, control, moderator)
    shown = await moderator.ask("timeline")
    at, version = next(iter(re.findall(r"(?m)^(\S+ \S+Z)  v(\d+)", shown)))

    state = await moderator.ask("state", {"at": at})
    since = await moderator.ask("timeline", {"since": at})
    compared = await moderator.ask("diff", {"from": "1", "to": at})
    offered = await moderator.suggestions("state", "at", "")

    assert f"at version {version}, {at}" in state
    assert f"{at}  v{version}" in since
    assert f"from version 1 to {version}" in compared
    assert any(name.endswith(at) for name in offered)
