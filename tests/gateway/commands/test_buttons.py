from __future__ import annotations

from bot.core.events import CommandUsed, ConversationRewound, MessageReceived, ReplySent
from bot.gateway.commands.answers import GONE
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, Record, button, labels, text_of
from tests.harness import Launch, RunningBot

MESSAGES = 40


async def _busy(launch: Launch, control: ControlClient) -> RunningBot:
    running = await launch()
    await Moderator(control).registered()
    await control.post("ask one")
    await running.judge.expect(ReplySent)
    await control.post_many({"content": f"message {number}"} for number in range(MESSAGES))
    await running.judge.expect(MessageReceived, 1 + MESSAGES)
    return running


async def test_a_timeline_is_leafed_through(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """Next reads older events, previous shows again what was read; every event once, the newest first."""
    running = await _busy(launch, control)
    total = 4 + MESSAGES
    page = await moderator.use("replay timeline")
    assert labels(page) == ["Next"]
    versions = _versions(text_of(page))
    number = 1

    while "Next" in labels(page):
        number += 1
        pressed = await moderator.press(page, "Next")
        assert pressed["acknowledged"] == 6
        page = await moderator.sees(pressed, f"Page {number}")
        versions += _versions(text_of(page))
    assert versions == list(range(total, 0, -1))
    assert labels(page) == ["Previous"]

    page = await moderator.sees(await moderator.press(page, "Previous"), f"Page {number - 1}")
    assert labels(page) == ["Previous", "Next"]
    uses = [use.command for use in await running.judge.expect(CommandUsed, number)]
    assert uses == ["timeline", *["timeline next"] * (number - 1)]


async def test_a_long_state_is_leafed_through(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """Nothing of it is lost, and leafing is no use of its own."""
    running = await _busy(launch, control)
    page = await moderator.use("replay state")
    text = text_of(page)
    page = await moderator.sees(await moderator.press(page, "Next"), "Page 2 of 2")
    text += text_of(page)

    assert all(f"message {number}" in text for number in range(MESSAGES))
    assert [use.command for use in await running.judge.expect(CommandUsed)] == ["state"]


async def test_a_confirmation_counts_once(launch: Launch, control: ControlClient, moderator: Moderator) -> None:
    """Pressed twice at once, or again later, it is done once, and said to be over."""
    running = await _busy(launch, control)
    preview = await moderator.use("replay rewind", {"to": "4"})
    pressed = [await _press_only(control, preview, "Rewind") for _ in range(3)]

    answers = [await control.wait_for_answer(one) for one in pressed]

    assert sorted(answer["acknowledged"] for answer in answers) == [4, 4, 6]
    assert [text_of(answer) for answer in answers if answer["acknowledged"] == 4] == [GONE, GONE]
    assert len(await running.judge.expect(ConversationRewound)) == 1


async def test_buttons_of_a_bot_that_was_restarted_say_so(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """Within Discord's three seconds, for the asker alone, and the page itself stays as it was."""
    running = await _busy(launch, control)
    page = await moderator.use("replay timeline")
    preview = await moderator.use("replay rewind", {"to": "4"})
    await running.stop()
    running = await launch()

    for answer, label in ((page, "Next"), (preview, "Rewind")):
        pressed = await moderator.press(answer, label)
        assert (pressed["acknowledged"], text_of(pressed), pressed["original"]["ephemeral"]) == (4, GONE, True)
        assert text_of(await control.interaction(answer["id"])) == text_of(answer)
    assert await running.judge.of(ConversationRewound) == []


async def test_a_form_that_nobody_knows_is_answered(launch: Launch, control: ControlClient) -> None:
    """A bot of another release may have shown it."""
    await launch()
    sent = await control.submit_modal("form", {"why": "because"}, user="owner")

    assert text_of(await control.wait_for_answer(sent["id"])) == GONE


async def test_another_person_s_press_does_nothing(
    launch: Launch, control: ControlClient, moderator: Moderator
) -> None:
    """Discord shows them no such button; whoever presses it all the same is none the wiser."""
    running = await _busy(launch, control)
    await control.call("POST", "/roles", {"name": "mods", "permissions": ["ADMINISTRATOR"], "users": ["bob"]})
    preview = await moderator.use("replay rewind", {"to": "4"})

    pressed = await Moderator(control, "bob").press(preview, "Rewind")

    assert text_of(pressed) == GONE
    assert await running.judge.of(ConversationRewound) == []


async def _press_only(control: ControlClient, answer: Record, label: str) -> str:
    used = await control.use_component(answer["original"]["id"], button(answer, label)["custom_id"], user="owner")
    interaction: str = used["id"]
    return interaction


def _versions(text: str) -> list[int]:
    return [int(line.split()[2].removeprefix("v")) for line in text.splitlines() if line.startswith("20")]
