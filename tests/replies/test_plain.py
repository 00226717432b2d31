"""A reply whose reference Discord refuses goes out as a plain message, once, and is known again by what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.core import fate
from bot.core.buttons import ButtonId
from bot.core.events import (
    AbandonReason,
    Button,
    Proof,
    ReplyAbandoned,
    ReplyComposed,
    ReplyDelayed,
    ReplyRequested,
    ReplySent,
)
from bot.core.fate import Sighting, found_parts, nonce_holds
from bot.core.outbox import Pending
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from tests.harness import Gated, Launch

POSTS: dict[str, Any] = {"method": "POST", "path": "/channels/*/messages"}
LONG = "word " * 700
"""Answered in two parts."""


def invalid(*fields: str) -> dict[str, Any]:
    """Return Discord's refusal of a form for some fields."""
    fault = {
        "_errors": [{"code": "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "message": "Cannot reply to a system message"}]
    }
    return {"code": 50035, "message": "Invalid Form Body", "errors": dict.fromkeys(fields, fault)}


SYSTEM = invalid("message_reference")
REFUSALS = {
    "to a system message, by the form": (400, SYSTEM),
    "to a system message, by its code": (403, {"code": 50021, "message": "Cannot execute action on a system message"}),
    "without the history": (
        400,
        {"code": 160002, "message": "Cannot reply without permission to read message history"},
    ),
}


async def refuse(control: ControlClient, refusal: dict[str, Any], status: int = 400, nth: int = 1) -> None:
    """Have Discord refuse one of the next posts."""
    body = json.dumps(refusal)
    await control.add_fault("page", status=status, body=body, content_type="application/json", nth=nth, **POSTS)


async def said(control: ControlClient) -> list[tuple[str, str | None]]:
    """Return what the bot said, and what each references."""
    return [(each["content"], each["reference"]) for each in await control.messages(author="sandbox-bot")]


async def test_a_bot_that_may_not_read_the_history_answers_in_plain_messages(
    launch: Launch, control: ControlClient
) -> None:
    """Every part of it, and Discord is not asked in vain; that is on record and counts as no failure."""
    bot = await launch()
    await control.set_permissions("general", deny=["READ_MESSAGE_HISTORY"])

    await control.post(f"ask {LONG}")
    sent = await bot.judge.expect(ReplySent, 2)

    assert [reference for _, reference in await said(control)] == [None, None]
    assert " ".join(text for text, _ in await said(control)).split() == ["re:", *LONG.split()]
    assert len(await control.requests(**POSTS)) == 2
    assert {event.proof for event in sent} <= {Proof.RESPONSE, Proof.ECHO}
    [delayed] = await bot.judge.of(ReplyDelayed)
    assert (delayed.plain, delayed.attempt, delayed.reason) == (
        True,
        0,
        "no reference: no permission Read Message History",
    )


@pytest.mark.parametrize(("status", "refusal"), REFUSALS.values(), ids=REFUSALS)
async def test_what_refuses_a_reference(
    launch: Launch, control: ControlClient, status: int, refusal: dict[str, Any]
) -> None:
    """Whatever words Discord has for it."""
    bot = await launch()
    await refuse(control, refusal, status)

    await control.post("ask it")
    await bot.judge.expect(ReplySent)

    assert await said(control) == [("re: it", None)]


@pytest.mark.parametrize("fields", [("content",), ("content", "message_reference"), ()])
async def test_what_refuses_more_than_the_reference(
    launch: Launch, control: ControlClient, fields: tuple[str, ...]
) -> None:
    """Without it, the message would be refused as well."""
    bot = await launch()
    await refuse(control, invalid(*fields))

    await control.post("ask it")

    assert [event.reason for event in await bot.judge.expect(ReplyAbandoned)] == [AbandonReason.REFUSED]


async def test_where_it_may_not_speak_at_all_it_is_given_up(launch: Launch, control: ControlClient) -> None:
    """With or without a reference."""
    bot = await launch()
    await refuse(control, SYSTEM)
    await refuse(control, {"code": 50013, "message": "Missing Permissions"}, 403, nth=2)

    await control.post("ask it")

    assert [event.reason for event in await bot.judge.expect(ReplyAbandoned)] == [AbandonReason.FORBIDDEN]


class TestUnknownFate:
    """Nobody knows whether Discord took a plain message, and Discord forgets nonces at once."""

    @pytest.fixture(params=[300.0, 0.0], ids=["nonces remembered", "nonces forgotten"])
    def options(self, request: pytest.FixtureRequest) -> SandboxOptions:
        """Set how long the sandbox remembers a nonce."""
        return SandboxOptions(message_rate=None, global_rate=None, nonce_window=request.param)

    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_a_look_knows_it_by_its_text(self, launch: Launch, control: ControlClient, when: str) -> None:
        """Though the same was said before, as a reply to another question and by a command."""
        responder = Gated()
        responder.open.set()
        bot = await launch(responder=responder)
        await refuse(control, SYSTEM)
        await control.post("ask it")
        await bot.judge.expect(ReplySent)
        responder.open.clear()
        await control.post("ask it")
        await bot.judge.expect(ReplyRequested, 2)
        await control.gateway("mute")
        await refuse(control, SYSTEM)
        await control.add_fault("status", status=503, when=when, nth=2, **POSTS)
        responder.open.set()

        sent = await bot.judge.expect(ReplySent, 2)

        assert await said(control) == [("re: it", None)] * 2
        assert sent[1].proof is (Proof.HISTORY if when == "after" else Proof.RESPONSE)


class TestUnseen:
    """The fate of a plain message is unknown, and the history may not be read."""

    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_its_nonce_keeps_it_single(self, launch: Launch, control: ControlClient, when: str) -> None:
        """For as long as Discord surely remembers it."""
        responder = Gated()
        bot = await launch(responder=responder)
        await control.set_permissions("general", deny=["READ_MESSAGE_HISTORY"])
        await control.post("ask it")
        await bot.judge.expect(ReplyRequested)
        await control.gateway("mute")
        await control.add_fault("status", status=503, when=when, nth=1, **POSTS)
        responder.open.set()

        [sent] = await bot.judge.expect(ReplySent)

        assert await said(control) == [("re: it", None)]
        assert sent.proof is Proof.RESPONSE

    async def test_later_it_is_given_up(
        self, launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It may be there or not: better no answer than two."""
        monkeypatch.setattr(fate, "NONCE_MICROSECONDS", 0)
        responder = Gated()
        bot = await launch(responder=responder)
        await control.set_permissions("general", deny=["READ_MESSAGE_HISTORY"])
        await control.post("ask it")
        await bot.judge.expect(ReplyRequested)
        await control.gateway("mute")
        await control.add_fault("status", status=503, when="after", nth=1, **POSTS)
        responder.open.set()

        assert [each.reason for each in await bot.judge.expect(ReplyAbandoned)] == [AbandonReason.UNKNOWN_FATE]
        assert len(await said(control)) == 1
        assert len(await bot.judge.of(ReplyComposed)) == 1


# -- by the rule -------------------------------------------------------------------------------------------------------

TEXTS = ("one", "two", "one")


def plain(**more: Any) -> Pending:  # noqa: ANN401 - fields of an entry
    """Return a composed reply that goes on without a reference."""
    return Pending(10, 7, 1000, 1, composed_position=2, sent_ids=(0, 0, 0), plain=True, **more)


@pytest.mark.parametrize(
    ("seen", "taken", "found"),
    [
        ([Sighting(11, None, "one")], (), {0: 11}),
        ([Sighting(11, None, " one\n")], (), {0: 11}),
        ([Sighting(11, None, "one"), Sighting(12, None, "two"), Sighting(13, None, "one")], (), {0: 11, 1: 12, 2: 13}),
        ([Sighting(11, None, "one"), Sighting(12, None, "one")], {11}, {0: 12}),
        ([Sighting(9, None, "one")], (), {}),
        ([Sighting(11, 8, "one")], (), {}),
        ([Sighting(11, None, "else")], (), {}),
        ([Sighting(11, 10, "anything"), Sighting(12, None, "two")], (), {0: 11, 1: 12}),
    ],
)
def test_a_plain_part_is_known_by_its_text(seen: list[Sighting], taken: tuple[int, ...], found: dict[int, int]) -> None:
    """After the question, once, and not what belongs to another reply."""
    assert found_parts(plain(), TEXTS, seen, trigger_there=True, taken=taken) == found


STOP = ButtonId(Button.STOP, 10)


@pytest.mark.parametrize(
    ("entry", "seen", "found"),
    [
        (plain(begun=True), [Sighting(11, None, "on", (STOP,)), Sighting(12, None, "two")], {0: 11, 1: 12}),
        (plain(begun=True), [Sighting(11, None, "one", (STOP,))], {0: 11}),
        (plain(begun=True), [Sighting(11, None, "on", (ButtonId(Button.AGAIN, 10),))], {}),
        (plain(begun=True), [Sighting(11, None, "on", (ButtonId(Button.STOP, 9),))], {}),
        (plain(begun=True, generation=2), [Sighting(11, None, "on", (STOP,))], {}),
        (replace(plain(begun=True), plain=False), [Sighting(11, None, "on", (STOP,))], {}),
    ],
)
def test_one_that_was_sent_while_it_was_written_is_known_by_its_button(
    entry: Pending, seen: list[Sighting], found: dict[int, int]
) -> None:
    """Whatever it said then."""
    assert found_parts(entry, TEXTS, seen, trigger_there=True, taken=()) == found


def test_what_is_not_plain_is_known_by_its_reference_alone() -> None:
    """As long as the question is there."""
    entry = Pending(10, 7, 1000, 1, composed_position=2, sent_ids=(0,))

    assert found_parts(entry, ("one",), [Sighting(11, None, "one")], trigger_there=True, taken=()) == {}


@pytest.mark.parametrize(
    ("entry", "age", "holds"),
    [
        (plain(), 59_999_999, True),
        (plain(), 60_000_000, False),
        (plain(), -1, False),
        (plain(begun=True), 0, True),
        (Pending(10, 7, 1000, 1, composed_position=2, sent_ids=(0,)), 0, False),
        (Pending(10, 7, 1000, 1, plain=True), 0, False),
    ],
)
def test_when_a_nonce_is_enough(entry: Pending, age: int, *, holds: bool) -> None:
    """The same text under it, and no longer than Discord surely remembers it."""
    assert nonce_holds(entry, 1000 + age) is holds
