"""What each example does, as it is without the log and with it."""

from __future__ import annotations

import pytest

from bot.sandbox.control.records import MessageRecord
from bot.sandbox.control_client import ControlClient
from bot.sandbox.json_codec import Json
from tests.examples.conftest import Run

FORMS = ("{}", "wrapped/{}")
"""An example as it is, and with the log."""


def forms(name: str) -> pytest.MarkDecorator:
    """Run a test for each form of an example."""
    return pytest.mark.parametrize("example", [form.format(name) for form in FORMS])


async def said(control: ControlClient, count: int) -> list[str]:
    """Wait for so many messages of the bot; return the texts of all."""
    await control.wait_for_messages(count, author="sandbox-bot")
    return [message["content"] for message in await control.messages(author="sandbox-bot")]


async def held(control: ControlClient, role: str) -> list[str]:
    """Return who holds a role."""
    [guild] = (await control.world())["guilds"]
    [users] = [each["users"] for each in guild["roles"] if each["name"] == role]
    return list(users)


@forms("moderation")
async def test_the_moderator_deletes_warns_and_mutes(run: Run, control: ControlClient, example: str) -> None:
    """At the third message with a banned word; others stay."""
    await control.create_role("Muted")
    await control.create_role("mods", permissions=["MANAGE_ROLES", "MANAGE_MESSAGES"], users=["sandbox-bot"])
    await run(example)

    texts: list[str] = []
    for text, answers in (("What the heck?", 1), ("Checked.", 1), ("Darn!", 2), ("darn it", 4)):
        await control.post(text)
        texts = await said(control, answers)

    alice = f"<@{(await control.messages(author='alice'))[0]['author_id']}>"
    assert texts == [
        *(f"{alice}, mind your words: warning {number} of 3." for number in (1, 2, 3)),
        f"{alice} is muted.",
    ]
    await control.wait_for_requests(3, method="DELETE", status=204)
    assert [message["content"] for message in await control.messages(author="alice", deleted=False)] == ["Checked."]
    assert await held(control, "Muted") == ["alice"]


@forms("levels")
async def test_the_leveller_counts_congratulates_and_gives_a_role(
    run: Run, control: ControlClient, example: str
) -> None:
    """Five messages a level, each by reply; the role at level 5."""
    await control.create_role("Regular")
    await control.create_role("bots", permissions=["MANAGE_ROLES"], users=["sandbox-bot"])
    await run(example)

    for number in range(24):
        await control.post(f"Message {number}")
    await control.post("!level")
    texts = await said(control, 6)

    alice = f"<@{(await control.messages(author='alice'))[0]['author_id']}>"
    assert sorted(texts) == sorted(
        ["Level 5, with 500 points.", *(f"{alice} is now at level {number}!" for number in range(1, 6))]
    )
    await control.wait_for_requests(method="PUT", path="/guilds/*/members/*/roles/*")
    assert await held(control, "Regular") == ["alice"]


async def tickets(control: ControlClient) -> list[Json]:
    """Return the threads, in order."""
    return [each for each in (await control.world())["channels"] if each["parent_id"]]


async def pressed(control: ControlClient, panel: MessageRecord, user: str) -> str:
    """Press the button for a ticket; return what the bot says to that."""
    press = await control.use_component(panel["id"], "ticket:open", user=user)
    answered = await control.wait_for_answer(press["id"])
    return str(answered["original"]["content"])


@forms("tickets")
async def test_a_ticket_is_a_thread_with_its_asker_a_number_and_a_button(
    run: Run, control: ControlClient, example: str
) -> None:
    """Each press is a ticket, which its button closes; only the server's owner has the panel posted."""
    await control.create_role("bots", permissions=["MANAGE_THREADS"], users=["sandbox-bot"])
    await run(example)
    await control.post("!panel")
    await control.post("!panel", author="owner")
    [panel] = await control.wait_for_messages(author="sandbox-bot")

    answers = [await pressed(control, panel, user) for user in ("alice", "bob")]
    first, second = await tickets(control)

    assert [first["name"], second["name"]] == ["ticket-0001", "ticket-0002"]
    assert answers == [f"Your ticket: <#{each['id']}>" for each in (first, second)]
    [added, greeting] = await control.messages(channel=first["id"], author="sandbox-bot")
    [asker] = set(first["members"]) - {greeting["author_id"]}
    assert (added["type"], greeting["content"]) == (1, f"<@{asker}>, what can we do for you?")

    closed = await control.use_component(greeting["id"], "ticket:close")
    assert (await control.wait_for_answer(closed["id"]))["original"]["content"] == "Closed."
    await control.wait_for_requests(method="PATCH", path="/channels/*", status=200)
    assert [each["archived"] for each in await tickets(control)] == [True, False]
