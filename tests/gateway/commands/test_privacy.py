"""``/privacy``: what people decide about their own words, and what moderators may erase."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.core.events import (
    AbandonReason,
    CommandUsed,
    MessageEdited,
    MessageReceived,
    MessageSkipped,
    PersonOptedIn,
    PersonOptedOut,
    ReactionAdded,
    ReplyAbandoned,
    ReplySent,
    SkipReason,
    Via,
    WordsErased,
)
from bot.eventlog.verify import verify
from bot.gateway.commands.command_answers import CommandAnswers
from bot.moderation.command import ModerationError, Report
from bot.moderation.erase import erase
from bot.moderation.privacy import export_me
from bot.sandbox.control_client import ControlClient
from tests.gateway.commands.moderator import Moderator, labels, text_of
from tests.gateway.test_deletions import words
from tests.harness import Gated, Launch, RunningBot
from tests.model import dear
from tests.responders.llm.model_server import Fault, ModelServer, Script
from tests.waiting import eventually

Record = dict[str, Any]


@pytest.fixture
def alice(control: ControlClient) -> Moderator:
    """Return somebody without any permission."""
    return Moderator(control, user="alice")


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """Serve a model that answers at once."""
    async with ModelServer().serve() as running:
        yield running


async def exported(answer: Record) -> list[Record]:
    """Return what is in the file of an answer, line by line."""
    (file,) = answer["original"]["attachments"]
    async with aiohttp.ClientSession() as session, session.get(file["url"]) as response:
        return [json.loads(line) for line in (await response.text()).splitlines()]


def texts(rows: list[Record]) -> list[str]:
    """Return the words of exported events."""
    return [part for row in rows if row["body"] for part in row["body"].get("parts", ())]


async def faults(bot: RunningBot) -> list[object]:
    """Return what is wrong with the log."""
    return [fault async for progress in verify(bot.judge.reader) for fault in progress.findings]


async def talked(launch: Launch, control: ControlClient, alice: Moderator, **more: Any) -> RunningBot:  # noqa: ANN401
    """Return a bot with a model that two people talked with, one of them also elsewhere and in private."""
    bot = await launch(**more)
    await alice.registered()
    await control.create_guild("Elsewhere")
    room = await control.create_channel("room", guild="Elsewhere")
    direct = await control.open_dm("alice")
    await control.post("remark-alice")
    await control.post("remark-bob", author="bob")
    asked = await control.post("question-alice", mention="sandbox-bot")
    await bot.judge.expect(ReplySent)
    await control.edit(asked["id"], "edited-alice")
    await control.post("there-alice", channel=room["id"])
    await control.post("direct-alice", channel=direct["id"])
    await bot.judge.expect(ReplySent, 2)
    await bot.judge.expect(MessageEdited)
    return bot


async def test_who_is_forgotten_is_not_said_to_a_model_again(
    launch: Launch, control: ControlClient, alice: Moderator, server: ModelServer
) -> None:
    """Shown first, then confirmed: words, names, answers and the model's memory of them go; others' words stay."""
    llm = {"model": "openai:tiny", "base_url": server.url}
    bot = await talked(launch, control, alice, replies={"responder": "llm"}, llm=llm)
    assert "remark-alice" in json.dumps(server.requests[0].body)
    preview = await alice.use("privacy forget-me")
    assert (preview["original"]["ephemeral"], labels(preview)) == (True, ["Forget me", "Cancel"])
    assert "2 messages, 1 edit, 1 answer" in text_of(preview)
    assert "in 1 channel" in text_of(preview)

    server.scripts.append(Script(fault=Fault.HANG))
    before = len(server.requests)
    await control.post("and now?", author="bob", mention="sandbox-bot")
    await eventually(lambda: len(server.requests) > before)
    assert "remark-alice" in json.dumps(server.requests[before].body)
    await alice.sees(await alice.press(preview, "Forget me"), "Erased: the words of 4 events in 1 place")

    left = await words(bot)
    assert left.isdisjoint({"remark-alice", "question-alice", "edited-alice"})
    assert {"remark-bob", "there-alice", "direct-alice"} <= left
    (receipt,) = await bot.judge.of(WordsErased)
    assert receipt.by == str(await _id_of(control, "alice"))
    await bot.judge.expect(ReplySent, 3)
    assert server.requests[before].left
    said = json.dumps([request.body for request in server.requests[before + 1 :]])
    assert "remark-bob" in said
    assert not [word for word in ("remark-alice", "question-alice", "edited-alice") if word in said]

    assert "There is nothing to erase" in text_of(await alice.use("privacy forget-me"))
    everywhere = await alice.use("privacy forget-me", {"where": "everywhere"})
    await alice.sees(await alice.press(everywhere, "Forget me"), "Erased: the words of")
    assert not [word for word in await words(bot) if word.endswith("-alice")]
    assert await faults(bot) == []


async def test_who_sees_what_there_is_and_cancels_loses_nothing(
    launch: Launch, control: ControlClient, alice: Moderator
) -> None:
    """The file holds what they wrote and were answered; nobody else can press; no words are noted of a use."""
    bot = await talked(launch, control, alice, responder=dear())

    rows = await exported(await alice.use("privacy export-me"))
    assert {"remark-alice", "edited-alice", "there-alice", "direct-alice"} <= set(texts(rows))
    assert [row for row in rows if row["type"] == "reply.composed"]
    assert "remark-bob" not in json.dumps(rows)

    stranger, preview = Moderator(control, user="bob"), await alice.use("privacy forget-me")
    assert "no longer live" in json.dumps(await stranger.press(preview, "Forget me"))
    await alice.sees(await alice.press(preview, "Cancel"), "Nothing was changed.")

    assert {"remark-alice", "edited-alice"} <= await words(bot)
    used = [each for each in await bot.judge.all() if isinstance(each.event, CommandUsed)]
    assert await bot.judge.reader.bodies(each.position for each in used) == {}
    assert {use.command for use in await bot.judge.expect(CommandUsed, 3)} == {
        "privacy export-me",
        "privacy forget-me preview",
        "privacy forget-me cancel",
    }


async def _id_of(control: ControlClient, name: str) -> int:
    users = (await control.world())["users"]
    return int(next(user["id"] for user in users if user["name"] == name))


@pytest.mark.parametrize("by", ["herself, in private", "the command line"])
async def test_what_waits_for_an_answer_is_given_up_when_its_words_are_erased(
    launch: Launch, control: ControlClient, alice: Moderator, by: str
) -> None:
    """One that is being written, and one behind it; somebody else's is answered. Asked in private it is everywhere."""
    responder = Gated()
    bot = await launch(responder=responder)
    await alice.registered()
    direct = await control.open_dm("alice")
    for author, text in (("alice", "ask first"), ("alice", "ask second"), ("bob", "ask third")):
        await control.post(text, author=author)
    await eventually(lambda: responder.asked)

    if by == "the command line":
        person_id = await _id_of(control, "alice")
        await erase(bot.bot.context, by=by, person_id=person_id)
    else:
        alice.channel = direct["id"]
        done = await alice.press(await alice.use("privacy forget-me"), "Forget me")
        await alice.sees(done, "Erased: the words of 2 events in 1 place")
    responder.open.set()
    await bot.judge.expect(ReplySent)

    assert [event.reason for event in await bot.judge.of(ReplyAbandoned)] == [AbandonReason.ERASED] * 2
    assert await words(bot) == {"ask", "third", "re:"}
    assert [each["content"] for each in await control.messages(author="sandbox-bot", channel="general")] == [
        "re: third"
    ]


async def test_who_opted_out_is_neither_recorded_nor_answered(
    launch: Launch, control: ControlClient, alice: Moderator
) -> None:
    """Not live, by rules, edits, reactions, commands, nor from a history that is read later; until they opt in."""
    sections: dict[str, Any] = {"replies": {"ask": True}}
    bot = await launch(**sections)
    await alice.registered()
    before = await control.post("ask before")
    await bot.judge.expect(ReplySent)
    (answer,) = await control.messages(author="sandbox-bot")

    assert "record none of your words" in text_of(await alice.use("privacy opt-out"))
    assert "opted out already" in text_of(await alice.use("privacy opt-out"))
    files = [{"filename": "secret.pdf", "content_type": "application/pdf", "size": 10}]
    quiet = await control.post("ask hidden", attachments=files)
    await control.post("hidden", mention="sandbox-bot")
    await control.edit(before["id"], "ask hidden")
    await control.react(answer["id"], "👍")
    assert "opt-in" in text_of(await alice.use("ask", {"question": "ask hidden"}))
    await control.post("ask bob", author="bob")
    await bot.judge.expect(ReplySent, 2)
    await bot.judge.expect(ReactionAdded)
    await bot.stop()
    await control.post("ask hidden away", mention="sandbox-bot")

    bot = await launch(**sections)
    received = await bot.judge.expect(MessageReceived, 6)
    skipped = await bot.judge.expect(MessageSkipped, 3)

    assert await words(bot) == {"ask", "before", "re:", "bob"}
    assert {event.reason for event in skipped} == {SkipReason.OPTED_OUT}
    assert [event.attachments for event in received if event.message_id == int(quiet["id"])] == [()]
    assert {Via.CATCHUP, Via.ASK} <= {event.via for event in received}
    assert len(await bot.judge.of(MessageEdited)) == 1
    names = await bot.judge.reader.bodies(each.position for each in await bot.judge.all())
    assert {body.name for body in names.values()} <= {"alice", "bob", "sandbox-bot", ""}
    assert [body.name for body in names.values()].count("alice") == 1
    assert [each["content"] for each in await control.messages(contains="re: ")] == ["re: before", "re: bob"]
    assert await faults(bot) == []

    assert "answer you again" in text_of(await alice.use("privacy opt-in"))
    assert "have not opted out" in text_of(await alice.use("privacy opt-in"))
    await control.post("ask after")
    await bot.judge.expect(ReplySent, 3)
    assert "after" in await words(bot)
    assert (len(await bot.judge.of(PersonOptedOut)), len(await bot.judge.of(PersonOptedIn))) == (1, 1)


async def test_moderators_erase_a_message_or_a_person_on_their_server(
    launch: Launch, control: ControlClient, moderator: Moderator, alice: Moderator
) -> None:
    """With a preview; nobody else may, and nobody in direct messages or without the permission everywhere."""
    bot = await launch()
    await moderator.registered()
    await control.create_guild("Elsewhere")
    room = await control.create_channel("room", guild="Elsewhere")
    first = await control.post("ask first")
    await control.post("ask second")
    await control.post("there-alice", channel=room["id"])
    await bot.judge.expect(ReplySent, 2)
    await bot.judge.expect(MessageReceived, 3)

    assert "You may not use this command" in text_of(await alice.use("privacy forget", {"message": first["id"]}))
    held = await alice.use("privacy forget", {"person": "alice"}, permissions=["MANAGE_GUILD"])
    assert "You may not use this command" in text_of(held)
    assert "Say whose words" in text_of(await moderator.use("privacy forget"))

    preview = await moderator.use("privacy forget", {"message": first["id"]})
    assert "1 message, 1 answer" in text_of(preview)
    await moderator.sees(await moderator.press(preview, "Forget"), "Erased: the words of 2 events")
    assert await words(bot) == {"ask", "re:", "second", "there-alice"}

    preview = await moderator.use("privacy forget", {"person": "alice"})
    assert "1 message, 1 answer" in text_of(preview)
    await moderator.sees(await moderator.press(preview, "Forget"), "Erased: the words of 2 events in 1 place")
    assert await words(bot) == {"there-alice"}
    assert {receipt.by for receipt in await bot.judge.of(WordsErased)} == {str(await _id_of(control, "owner"))}


async def test_an_export_that_does_not_fit_goes_on_in_another_file(launch: Launch, control: ControlClient) -> None:
    """Each says where the next begins; every event is in one of them."""
    bot = await launch()
    for number in range(5):
        await control.post(f"ask {number}")
    await bot.judge.expect(ReplySent, 5)
    person, after, found = str(await _id_of(control, "alice")), None, list[Record]()
    for _ in range(40):
        report = await export_me(bot.bot.context, after, by=person, limit_bytes=1000)
        if report.file is None:
            break
        found += [json.loads(line) for line in report.file.content.splitlines()]
        after = int(report.data["more"] or found[-1]["position"])

    assert sorted(texts(found)) == sorted(f"{said} {number}" for number in range(5) for said in ("ask", "re:"))
    assert [row["position"] for row in found] == sorted({row["position"] for row in found})
    assert {row["type"] for row in found} >= {"message.received", "reply.requested", "reply.composed", "reply.sent"}


async def test_each_person_has_one_such_command_at_a_time(launch: Launch) -> None:
    """It may read the whole log; somebody else's is not in its way."""
    answers, over = CommandAnswers((await launch()).bot.dispatcher), asyncio.Event()

    async def reads() -> Report:
        await over.wait()
        return Report("done")

    first = asyncio.create_task(answers._run_alone(7, reads))
    await asyncio.sleep(0)
    with pytest.raises(ModerationError, match="still at work"):
        await answers._run_alone(7, reads)
    over.set()

    assert [(await first).title, (await answers._run_alone(8, reads)).title] == ["done", "done"]
    assert (await answers._run_alone(7, reads)).title == "done"
