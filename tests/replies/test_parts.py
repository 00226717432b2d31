from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from bot.core.events import AbandonReason, Proof, ReplyAbandoned, ReplyComposed, ReplyDelayed, ReplySent
from bot.replies import sending
from bot.responders import Answer, Context, Question, Responder
from bot.sandbox.control.records import MessageRecord
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import RateLimit, SandboxOptions
from tests.harness import Launch
from tests.suite.clock import Clock
from tests.waiting import eventually

POST: dict[str, Any] = {"method": "POST", "path": "/channels/*/messages"}
CODE = "\n".join(f"line_{number} = {number}" for number in range(150))
PROSE = "\n\n".join(f"Paragraph {number}. " + "All is well. " * 30 for number in range(8))
TEXT = f"{PROSE}\n```python\n{CODE}\n```\nThat was it."


class Lecturer(Responder):
    """A responder whose answers are long."""

    name = "lecturer"

    def claims(self, question: Question) -> bool:
        """Answer everything."""
        return bool(question.text)

    async def answer(self, question: Question, context: Context) -> Answer:
        """Lecture."""
        del question, context
        return Answer(TEXT)


async def said(control: ControlClient) -> list[MessageRecord]:
    """Return what the bot posted, oldest first."""
    return await control.messages(author="sandbox-bot")


def code_of(parts: Sequence[str]) -> list[str]:
    """Return the lines of code in the blocks of the parts."""
    blocks = [block for part in parts for block in re.findall(r"```python\n(.*?)\n```", part, re.DOTALL)]
    return [line for block in blocks for line in block.split("\n")]


async def test_a_long_answer_comes_in_order_and_every_part_answers_the_question(
    launch: Launch, control: ControlClient
) -> None:
    """Nothing of it is lost, and a block of code is one in every part."""
    bot = await launch(responder=Lecturer())
    post = await control.post("tell me", mention="sandbox-bot")
    [composed] = await bot.judge.expect(ReplyComposed)
    sent = await bot.judge.expect(ReplySent, composed.parts)

    parts = await said(control)
    assert composed.parts == len(parts) >= 4
    assert {part["reference"] for part in parts} == {post["id"]}
    assert [part["nonce"] for part in parts] == [f"{post['id']}.{number}" for number in range(len(parts))]
    assert [event.sent_id for event in sent] == [int(part["id"]) for part in parts]
    texts = [part["content"] for part in parts]
    assert max(map(len, texts)) <= 2000
    assert all(text.count("```") % 2 == 0 for text in texts)
    assert code_of(texts) == CODE.split("\n")
    words = re.sub(r"```(python)?", "", " ".join(texts)).split()
    assert words == re.sub(r"```(python)?", "", TEXT).split()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_part_of_unknown_fate_is_looked_for_among_the_others(
    launch: Launch, control: ControlClient, when: str
) -> None:
    """The second one fails: the first is not sent again, and those behind it wait for it."""
    bot = await launch(responder=Lecturer())
    await control.add_fault("status", **POST, nth=2, when=when, status=502)
    post = await control.post("tell me", mention="sandbox-bot")
    [composed] = await bot.judge.expect(ReplyComposed)
    sent = await bot.judge.expect(ReplySent, composed.parts)

    parts = await said(control)
    assert [part["nonce"] for part in parts] == [f"{post['id']}.{number}" for number in range(composed.parts)]
    assert [event.part for event in sent] == list(range(composed.parts))
    assert [event.sent_id for event in sent] == [int(part["id"]) for part in parts]
    assert len(await control.requests(**POST)) == composed.parts + (when == "before")


async def test_parts_are_told_apart_in_a_history_without_nonces(
    launch: Launch, control: ControlClient, clock: Clock
) -> None:
    """No echo and no response of the second part: it is the second one that references the question."""
    bot = await launch(responder=Lecturer(), replies={"send_timeout": "5m"})
    await control.add_fault("reset", **POST, nth=2, when="after")
    await control.add_fault("delay", **POST, nth=1, seconds=40)
    await control.post("tell me", mention="sandbox-bot")
    [composed] = await bot.judge.expect(ReplyComposed)
    await eventually(lambda: control.requests(**POST))
    await control.gateway("mute")
    clock.go_on(40)
    sent = await bot.judge.expect(ReplySent, composed.parts)

    assert [event.sent_id for event in sent] == [int(part["id"]) for part in await said(control)]
    assert [event.proof for event in sent] == [Proof.HISTORY if event.part == 1 else Proof.RESPONSE for event in sent]


async def test_an_answer_goes_when_its_question_is_deleted_in_the_middle(
    launch: Launch, control: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands of it is deleted, and the rest does not come, also where a part's fate was unknown."""
    monkeypatch.setattr(sending, "LONGEST_PAUSE", 0.3)
    bot = await launch(responder=Lecturer())
    await control.add_fault("status", **POST, nth=2, status=503)
    post = await control.post("tell me", mention="sandbox-bot")
    await bot.judge.expect(ReplyDelayed)
    await control.delete(post["id"])
    [abandoned] = await bot.judge.expect(ReplyAbandoned)

    assert abandoned.reason is AbandonReason.TRIGGER_DELETED
    assert [part["id"] for part in await said(control) if not part["deleted"]] == []
    assert not (await bot.judge.settled(post["channel_id"])).outbox


async def test_the_rest_is_given_up_where_a_part_is_refused(
    launch: Launch, control: ControlClient, clock: Clock
) -> None:
    """The permission went after the first part; what was sent stays."""
    bot = await launch(responder=Lecturer(), replies={"send_timeout": "5m"})
    await control.add_fault("delay", **POST, nth=2, seconds=40)
    await control.post("tell me", mention="sandbox-bot")
    await bot.judge.expect(ReplySent)

    async def second_under_way() -> bool:
        return len(await control.requests(**POST)) == 2

    await eventually(second_under_way)
    await control.set_permissions("general", deny=["SEND_MESSAGES"])
    clock.go_on(40)
    [abandoned] = await bot.judge.expect(ReplyAbandoned)

    assert abandoned.reason is AbandonReason.FORBIDDEN
    assert [event.part for event in await bot.judge.of(ReplySent)] == [0]
    assert len(await said(control)) == 1


class TestRateLimits:
    """Discord's limit per channel, a tenth as long."""

    @pytest.fixture
    def options(self) -> SandboxOptions:
        """Allow five messages in half a second."""
        return SandboxOptions(message_rate=RateLimit(5, 0.5))

    async def test_limits_are_kept_and_nothing_is_refused(self, launch: Launch, control: ControlClient) -> None:
        """One sender a channel never runs into a 429 (docs/discord-facts.md, 2.1)."""
        bot = await launch()
        await control.post_many([{"content": f"ask {number}"} for number in range(12)])
        await bot.judge.expect(ReplySent, 12)

        assert [message["content"] for message in await said(control)] == [f"re: {number}" for number in range(12)]
        assert await control.requests(status=429) == []
        assert await bot.judge.of(ReplyDelayed) == []
