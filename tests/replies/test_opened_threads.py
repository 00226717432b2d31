"""An answer in a thread that was opened for it, whose question stands in the channel above."""

from __future__ import annotations

import pytest

from bot.core.events import (
    AbandonReason,
    Proof,
    ReplyAbandoned,
    ReplyCompleted,
    ReplyComposed,
    ReplyMoved,
    ReplySent,
    ToolReturned,
)
from bot.moderation.erase import erase
from bot.replies.words import WORDS
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch, RunningBot
from tests.replies.scripted import Speech
from tests.replies.test_buttons import BOT, Scene, told
from tests.replies.test_plain import POSTS


@pytest.fixture
def scene(launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Return a scene, in which whoever writes on is soon interrupted."""
    monkeypatch.setattr("bot.replies.writing.STOP_GRACE", 0.01)
    return Scene(launch, control)


async def begun(scene: Scene) -> tuple[RunningBot, Speech]:
    """Ask a bot that opens threads, and return the answer of which it has shown a word."""
    bot = await scene.open(open_threads=True, buttons="all")
    speech = await scene.ask()
    speech.say("Once")
    await scene.shows("Once")
    await bot.judge.expect(ReplySent)
    return bot, speech


async def test_an_answer_in_the_making_can_be_stopped(scene: Scene) -> None:
    """From its first word on, and what is shown by then is the answer."""
    bot, speech = await begun(scene)

    await scene.press("Stop")
    await bot.judge.expect(ReplyCompleted)

    assert speech.over.is_set()
    await scene.shows(f"Once\n-# {WORDS['stopped']}")
    assert set(await scene.buttons()) == {"Go on", "Again", "Why?"}


async def test_a_word_that_may_be_shown_is_found_by_its_button(scene: Scene) -> None:
    """There is no reference in a thread, and no text of an answer that is not complete."""
    bot = await scene.open(open_threads=True)
    speech = await scene.ask()
    await scene.control.gateway("mute")
    await scene.control.add_fault("status", status=503, when="after", nth=1, **POSTS)
    speech.say("Once")
    await scene.shows("Once")
    speech.end(" upon a time")

    (sent,) = await bot.judge.expect(ReplySent)

    assert sent.proof is Proof.HISTORY
    await scene.shows("Once upon a time")


async def test_an_answer_goes_on_and_is_written_anew(scene: Scene) -> None:
    """After a restart, in the thread: what it grows by comes there, and what another answer does not need goes."""
    first, speech = await begun(scene)
    speech.end(" upon a time, there was", finish="length")
    await first.judge.expect(ReplySent)
    await scene.shows(f"Once upon a time, there was\n-# {WORDS['length']}")
    await first.judge.settled(scene.question)
    await first.stop()
    second = await scene.open(open_threads=True, buttons="all")
    await second.ready()

    pressed = await scene.press("Go on")
    on = await scene.responder.asked(2)
    on.end("a king. " + "He ruled. " * 250, finish="length")
    await second.judge.expect(ReplySent, 2)
    await second.judge.settled(scene.question)
    again = await scene.press("Again")
    anew = await scene.responder.asked(3)
    anew.end("Another.", finish="stop")
    await scene.shows("Another.")
    await second.judge.settled(scene.question)

    assert [each["original"]["content"] for each in (pressed, again)] == [WORDS["writing_on"], WORDS["writing_anew"]]
    assert (on.context.so_far, [each.question.text for each in (on, anew)]) == (
        "Once upon a time, there ",
        ["tell me"] * 2,
    )
    assert {each["channel_id"] for each in await scene.control.messages(author=BOT)} == {scene.question}
    assert "outcome: answered" in await told(scene, "Why?", "owner")


async def test_it_is_written_once_more_after_a_restart(scene: Scene) -> None:
    """That the thread lacks the question does not mean that it was deleted."""
    first, _ = await begun(scene)
    await first.stop()

    second = await scene.open(open_threads=True)
    (await scene.responder.asked(2)).end("Twice.")
    await second.judge.expect(ReplySent)

    await scene.shows("Twice.")
    assert not await second.judge.of(ReplyAbandoned)


async def test_a_question_that_is_edited_is_answered_as_it_reads_now(scene: Scene) -> None:
    """The edit is the channel's, and the answer that is being written the thread's."""
    bot, speech = await begun(scene)

    await scene.control.edit(scene.question, f"<@{scene.bot_id}> tell me more")
    anew = await scene.responder.asked(2)
    anew.end("Twice.")
    await bot.judge.expect(ReplySent)

    assert (speech.over.is_set(), anew.question.text) == (True, "tell me more")
    await scene.shows("Twice.")


async def test_a_question_that_is_deleted_ends_its_answer(scene: Scene) -> None:
    """Nothing more is written, and nothing is posted."""
    bot, speech = await begun(scene)

    await scene.control.delete(scene.question)
    (given_up,) = await bot.judge.expect(ReplyAbandoned)
    await bot.judge.settled(scene.question)

    assert (given_up.reason, speech.over.is_set()) == (AbandonReason.TRIGGER_DELETED, True)
    assert (await scene.messages(), await bot.judge.of(ReplyComposed)) == ([], [])


async def test_it_does_so_where_nobody_told_of_it(scene: Scene) -> None:
    """Deleted in the channel above while the bot was down."""
    first, _ = await begun(scene)
    await first.stop()
    await scene.control.delete(scene.question)

    second = await scene.open(open_threads=True)
    (given_up,) = await second.judge.expect(ReplyAbandoned)

    assert given_up.reason is AbandonReason.TRIGGER_DELETED
    await scene.shows()


async def test_words_that_are_erased_are_not_built_on(scene: Scene) -> None:
    """Those of somebody whom the question replies to: it is asked anew without them. Those of the question: it ends."""
    bot = await scene.open(open_threads=True)
    other = await scene.control.post("my secret", author="bob")
    question = await scene.control.post("what is that?", mention=BOT, reply_to=other["id"])
    first = await scene.responder.asked()

    await erase(bot.bot.context, by="bob", person_id=int(other["author_id"]))
    second = await scene.responder.asked(2)
    await erase(bot.bot.context, by="alice", person_id=int(question["author_id"]))
    (given_up,) = await bot.judge.expect(ReplyAbandoned)

    assert [said.text for said in first.context.quoted] == ["my secret"]
    assert (first.over.is_set(), second.context.quoted, second.over.is_set()) == (True, (), True)
    assert given_up.reason is AbandonReason.ERASED
    assert len(await bot.judge.of(ReplyMoved)) == 1
    assert (await scene.messages(), await bot.judge.of(ReplyComposed)) == ([], [])


async def test_tools_are_called_for_an_answer_in_it(scene: Scene) -> None:
    """The calls stand in the thread's stream, where the reply is."""
    bot = await scene.launch(
        responder=scene.responder, llm={"tools": {"allow": {"recall": "*"}}}, replies={"open_threads": True}
    )
    speech = await scene.ask()
    assert speech.context.tools is not None

    made = await speech.context.tools.call("recall", '{"words": "moon"}')
    speech.end("Nothing.")
    await bot.judge.settled(scene.question)

    assert made.called, made.result
    assert len(await bot.judge.of(ToolReturned, scene.question)) == 1
