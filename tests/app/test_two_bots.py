"""Two bots with one token, each with a log of its own: Discord must not hear two answers."""

from __future__ import annotations

import pytest

from bot.core.events import (
    AbandonReason,
    ForeignReplySeen,
    MessageReceived,
    ReplyAbandoned,
    ReplyComposed,
    ReplyRequested,
    ReplySent,
)
from bot.sandbox.control_client import ControlClient
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox
from tests.harness import Gated, Launch


async def said(control: ControlClient) -> list[str]:
    """Return what the bots said, oldest first."""
    return [message["content"] for message in await control.messages(author="sandbox-bot")]


async def test_both_answer_at_once_and_discord_hears_one(
    launch: Launch, control: ControlClient, sandbox: Sandbox
) -> None:
    """The same question gets the same nonce from both, so Discord keeps one, and both logs name it."""
    one, two = await launch("one"), await launch("two")

    await control.post_many([{"content": f"ask {number}"} for number in range(20)])
    for bot in (one, two):
        await bot.judge.expect(MessageReceived, 20)
        await bot.judge.settled(sandbox.services.general.id)

    replies = await control.messages(author="sandbox-bot")
    assert [reply["content"] for reply in replies] == [f"re: {number}" for number in range(20)]
    sent = {event.message_id: event.sent_id for bot in (one, two) for event in await bot.judge.of(ReplySent)}
    assert sorted(sent.values()) == [int(reply["id"]) for reply in replies]


async def test_the_slower_one_leaves_the_answer_to_the_faster(launch: Launch, control: ControlClient) -> None:
    """It sees an answer of its own account that it never wrote, and says so: two processes are a mistake."""
    responder = Gated()
    fast, slow = await launch("fast"), await launch("slow", responder=responder)

    post = await control.post("ask it")
    await fast.judge.expect(ReplySent)
    [foreign] = await slow.judge.expect(ForeignReplySeen)
    [abandoned] = await slow.judge.expect(ReplyAbandoned)
    responder.open.set()
    await control.post("ask more")
    await slow.judge.expect(ReplyRequested, 2)
    await fast.judge.expect(ReplySent, 2)
    await slow.judge.settled(post["channel_id"])

    replies = await control.messages(author="sandbox-bot")
    assert foreign.message_id == int(post["id"])
    assert foreign.sent_id == int(replies[0]["id"])
    assert abandoned.reason is AbandonReason.ANSWERED_ELSEWHERE
    assert [reply["content"] for reply in replies] == ["re: it", "re: more"]
    assert [question.text for question in responder.asked] == ["ask it", "ask more"]
    assert int(post["id"]) not in {event.message_id for event in await slow.judge.of(ReplyComposed)}


class TestForgetful:
    """A Discord that forgets nonces at once."""

    @pytest.fixture
    def options(self) -> SandboxOptions:
        """Forget at once."""
        return SandboxOptions(message_rate=None, global_rate=None, nonce_window=0)

    async def test_one_that_comes_later_finds_what_the_other_answered(
        self, launch: Launch, control: ControlClient, sandbox: Sandbox
    ) -> None:
        """It catches up on questions that were answered while it was away, and looks before it answers."""
        one = await launch("one")
        await control.post_many([{"content": f"ask {number}"} for number in range(5)])
        await one.judge.expect(ReplySent, 5)
        await one.stop()

        two = await launch("two")
        await two.judge.expect(MessageReceived, 5)
        await two.judge.settled(sandbox.services.general.id)

        assert await said(control) == [f"re: {number}" for number in range(5)]
        assert len(await two.judge.of(ForeignReplySeen)) == 5
        assert await two.judge.of(ReplyComposed) == []
