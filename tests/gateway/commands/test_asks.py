"""``/ask``: answered in its response, recorded as part of the conversation, given up where nobody can answer it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.events import (
    AbandonReason,
    Call,
    MessageReceived,
    MessageSkipped,
    Proof,
    ReplyAbandoned,
    ReplyComposed,
    ReplyDelayed,
    ReplyRequested,
    ReplySent,
    SkipReason,
    Via,
)
from bot.demo.judge import judge
from bot.replies.repair import NothingToRetry, retry
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, text_of
from tests.harness import Gated, Launch, Spawn
from tests.model import actor, dear

ON = {"ask": True}
EDITS: dict[str, Any] = {"method": "PATCH", "path": "/webhooks/*"}
POSTS: dict[str, Any] = {"method": "POST", "path": "/channels/*/messages"}


@pytest.fixture
def alice(control: ControlClient) -> Moderator:
    """Return somebody without any permission."""
    return Moderator(control, user="alice")


async def _begun(alice: Moderator, question: str = "ask it", **options: object) -> str:
    used = await alice.control.use_command("ask", {"question": question, **options}, user="alice")
    return str(used["id"])


async def test_everybody_may_ask(launch: Launch, control: ControlClient, alice: Moderator) -> None:
    """A command of its own, hidden from nobody; without the setting there is none."""
    await launch(replies=ON)
    await alice.registered()

    (ask,) = [command for command in await control.commands() if command["name"] == "ask"]

    assert ask["default_member_permissions"] is None
    assert [(option["name"], option.get("required", False)) for option in ask["options"]] == [
        ("question", True),
        ("private", False),
        ("thread", False),
    ]


@pytest.mark.parametrize("private", [False, True])
async def test_a_question_is_answered_in_its_response(
    launch: Launch, control: ControlClient, alice: Moderator, *, private: bool
) -> None:
    """Deferred, then edited once: also where the bot may not read or write; in private for the asker alone."""
    bot = await launch(replies=ON)
    await alice.registered()
    await control.set_permissions("general", deny=["VIEW_CHANNEL", "SEND_MESSAGES"])

    answer = await alice.use("ask", {"question": "ask @everyone", "private": private})
    (sent,) = await bot.judge.expect(ReplySent)

    original = answer["original"]
    assert (answer["acknowledged"], answer["followups"], original["ephemeral"]) == (5, [], private)
    assert (original["content"], original["mentions"]) == ("re: @everyone", [])
    assert (len(await control.requests(**EDITS)), await control.requests(**POSTS)) == (1, [])
    (received,) = [event for event in await bot.judge.of(MessageReceived) if event.author == "person"]
    (requested,) = await bot.judge.of(ReplyRequested)
    assert received.via is requested.via is (Via.WHISPER if private else Via.ASK)
    assert requested.call is Call.ASK
    assert (sent.message_id, sent.sent_id, sent.proof) == (int(answer["id"]), int(original["id"]), Proof.RESPONSE)


async def test_what_was_asked_in_private_stays_out_of_the_conversation(launch: Launch, alice: Moderator) -> None:
    """A public question and its answer are turns; nothing that is said to others builds on a private one."""
    bot = await launch(replies=ON)
    await alice.registered()
    private = await alice.use("ask", {"question": "ask secret", "private": True})
    public = await alice.use("ask", {"question": "ask away"})
    await bot.judge.expect(ReplySent, 2)

    state = await bot.judge.settled(public["original"]["channel_id"])
    turns = {turn.message_id for turn in state.window}

    assert {int(public["id"]), int(public["original"]["id"])} <= turns
    assert turns.isdisjoint({int(private["id"]), int(private["original"]["id"])})
    assert state.watermark_id != int(public["id"])


async def test_an_answer_longer_than_a_message_is_cut(launch: Launch, control: ControlClient, alice: Moderator) -> None:
    """With a note, and without follow-ups, which nobody could tell from their repeats."""
    rules = [{"match": "(?s)(?P<what>.+)", "reply": "{what} " + "word " * 500}]
    bot = await launch(replies=ON, rules=rules)
    await alice.registered()

    answer = await alice.use("ask", {"question": "much"})
    (composed,) = await bot.judge.expect(ReplyComposed)

    assert composed.parts == 1
    assert len(text_of(answer)) <= 2000
    assert text_of(answer).endswith("this is its beginning.")
    assert answer["followups"] == []
    assert await control.requests(**POSTS) == []


async def test_an_edit_that_fails_is_repeated(launch: Launch, control: ControlClient, alice: Moderator) -> None:
    """It does no harm twice, even where Discord had taken it."""
    bot = await launch(replies=ON)
    await alice.registered()
    await control.add_fault("reset", when="after", count=1, **EDITS)

    await alice.use("ask", {"question": "ask it"})
    (sent,) = await bot.judge.expect(ReplySent)

    answer = await control.interaction(str(sent.message_id))
    assert (text_of(answer), answer["followups"]) == ("re: it", [])
    assert len(await control.requests(**EDITS)) == 2
    assert await bot.judge.of(ReplyDelayed) == []


@pytest.mark.parametrize(
    ("sections", "reason", "says"),
    [
        pytest.param({"channels": {"answer": [1]}}, SkipReason.MUTED, "I do not answer here.", id="muted"),
        pytest.param({"channels": {"record": [1]}}, None, "I do not answer here.", id="not recorded"),
        pytest.param({"rules": []}, SkipReason.NO_ANSWER, "I have no answer to that.", id="no answer"),
    ],
)
async def test_who_gets_no_answer_is_told(
    launch: Launch, alice: Moderator, sections: dict[str, object], reason: SkipReason | None, says: str
) -> None:
    """In the response, with the reason in the log."""
    bot = await launch(replies=ON, **sections)
    await alice.registered()

    answer = await alice.use("ask", {"question": "ask it"})

    assert text_of(answer) == says
    assert [event.reason for event in await bot.judge.of(MessageSkipped)] == ([reason] if reason else [])


async def test_the_ordinary_limits_apply(launch: Launch, alice: Moderator) -> None:
    """The first question too many is told so, as a message would be."""
    bot = await launch(replies=ON, limits={"per_person": "1/1h"})
    await alice.registered()
    await alice.use("ask", {"question": "ask one"})

    answer = await alice.use("ask", {"question": "ask two"})

    assert "please ask again in a few minutes" in text_of(answer)
    assert [event.reason for event in await bot.judge.of(MessageSkipped)] == [SkipReason.PERSON_LIMIT]


@pytest.mark.parametrize(
    "limits",
    [{"tokens_per_person": 100}, {"tokens_per_channel": 100}, {"tokens_per_server": 100}, {"cost_per_day": 0.5}],
)
async def test_a_limit_of_the_day_is_told_each_time(
    launch: Launch, alice: Moderator, limits: dict[str, object]
) -> None:
    """A command has to be answered with something, and to ask again does not help before tomorrow."""
    await launch(replies=ON, responder=dear(), limits=limits)
    await alice.registered()

    answers = [text_of(await alice.use("ask", {"question": text})) for text in ("one", "two", "three")]

    assert answers[0] == "re: one"
    assert {text.rpartition(": ")[2] for text in answers[1:]} == {"please ask me again tomorrow."}


async def test_a_responder_that_fails_is_told(
    launch: Launch, alice: Moderator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The asker is not left waiting for an answer that was given up."""
    monkeypatch.setattr("bot.replies.writing.POISON_ATTEMPTS", 1)
    responder = Gated()
    monkeypatch.setattr(responder, "open", None)
    bot = await launch(replies=ON, responder=responder)
    await alice.registered()

    answer = await alice.use("ask", {"question": "ask it"})

    assert text_of(answer) == "I could not answer that: please ask again."
    assert [event.reason for event in await bot.judge.expect(ReplyAbandoned)] == [AbandonReason.POISON]


async def test_what_a_restart_leaves_is_given_up(launch: Launch, control: ControlClient, alice: Moderator) -> None:
    """The asker is told; the next process has no token, says why, and sends nothing; a retry would be a new message."""
    first = await launch(replies=ON, responder=Gated())
    await alice.registered()
    question = await _begun(alice)
    await first.judge.expect(ReplyRequested)
    await first.stop()
    second = await launch(replies=ON)
    (abandoned,) = await second.judge.expect(ReplyAbandoned)

    answer = await control.interaction(question)
    assert (abandoned.message_id, abandoned.reason) == (int(question), AbandonReason.EXPIRED)
    assert text_of(answer) == "I am being restarted: please ask again in a minute."
    assert (answer["followups"], await control.requests(**POSTS)) == ([], [])
    channel = int(answer["original"]["channel_id"])
    with pytest.raises(NothingToRetry, match="asked by a command"):
        await retry(second.bot.conversations, second.judge.reader, channel, int(question), by="owner")


async def test_what_is_given_up_is_no_turn(launch: Launch, control: ControlClient, alice: Moderator) -> None:
    """Who reads the window finds no question without its answer, and nothing that the response said instead."""
    first = await launch(replies=ON, responder=Gated())
    await alice.registered()
    question = await _begun(alice)
    await first.judge.expect(ReplyRequested)
    await first.stop()
    model = actor()
    second = await launch(replies=ON, responder=model)
    await second.judge.expect(ReplyAbandoned)

    await control.post("hello", mention=["sandbox-bot"])
    (sent,) = await second.judge.expect(ReplySent)

    response = int((await control.interaction(question))["original"]["id"])
    recorded = {event.message_id for event in await second.judge.of(MessageReceived)}
    assert {int(question), response} <= recorded
    ((_, context),) = model.asked
    assert context.history == ()
    state = await second.judge.settled((await control.messages(author="alice"))[0]["channel_id"])
    assert [turn.message_id for turn in state.window] == [sent.message_id, sent.sent_id]


async def test_a_crash_between_writing_and_showing(
    spawn: Spawn, launch: Launch, control: ControlClient, alice: Moderator
) -> None:
    """Nobody can look whether it was shown: its fate is unknown, and nothing is sent for it."""
    process = await spawn(replies=ON)
    await process.ready()
    await alice.registered()
    await control.add_fault("kill", pid=process.pid, when="after", count=1, **EDITS)
    await _begun(alice)
    await process.process.wait()
    bot = await launch(replies=ON)

    assert [event.reason for event in await bot.judge.expect(ReplyAbandoned)] == [AbandonReason.UNKNOWN_FATE]
    assert len(await control.requests(**EDITS)) == 1
    assert await control.requests(**POSTS) == []


async def test_a_run_with_questions_by_command_is_judged_right(
    launch: Launch, control: ControlClient, alice: Moderator
) -> None:
    """Answered for all, for one alone, and not at all; beside another command and a message."""
    bot = await launch(replies=ON)
    await alice.registered()
    await control.post("ask one")
    await alice.use("ask", {"question": "ask two"})
    await alice.use("ask", {"question": "ask three", "private": True})
    await alice.use("ask", {"question": "what?"})
    await alice.use("replay state")
    (own,) = {message["author_id"] for message in await control.messages(author="sandbox-bot")}
    await bot.judge.expect(ReplySent, 3)

    verdict = await judge(bot.judge.reader, await control.messages(), int(own))

    assert verdict.problems == ()
    assert (verdict.posted, verdict.addressed, verdict.answered, verdict.replies) == (1, 4, 3, 3)
    assert verdict.skipped == {"no answer": 1}
