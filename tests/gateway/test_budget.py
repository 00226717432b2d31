"""What models may take in a day, before and after a restart."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import pytest

from bot.core.events import MessageSkipped, ReplySent, SkipReason
from bot.responders import Answer, Question, Utterance
from bot.responders.protocol import Context
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch


class Dear:
    """A model's stand-in whose answers take a hundred tokens and half a dollar each."""

    name = "llm"
    wants_history = True
    only_addressed = True

    def claims(self, question: Question) -> bool:
        """Answer everything."""
        return bool(question.text)

    async def compose(self, question: Question, history: Sequence[Utterance]) -> Answer | None:
        """Answer without a context: nobody asks so."""
        raise NotImplementedError

    async def stream(self, question: Question, context: Context) -> AsyncGenerator[str | Answer, None]:
        """Answer at once."""
        del context
        yield Answer(f"re: {question.text}", model="test:model", tokens_in=60, tokens_out=40, cost_micros=500_000)

    async def close(self) -> None:
        """Hold nothing."""


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"tokens_per_person": 150}, SkipReason.PERSON_BUDGET),
        ({"tokens_per_channel": 150}, SkipReason.CHANNEL_BUDGET),
        ({"tokens_per_server": 150}, SkipReason.SERVER_BUDGET),
        ({"cost_per_day": 0.75}, SkipReason.DAY_BUDGET),
    ],
)
async def test_a_limit_of_the_day_holds_over_a_restart(
    launch: Launch, control: ControlClient, limits: dict[str, object], reason: SkipReason
) -> None:
    """Two answers pass it; then one sentence, once, whatever process is asked."""
    bot = await launch(responder=Dear(), limits=limits)
    for number in range(4):
        await control.post(f"number {number}", mention=["sandbox-bot"])
        await bot.judge.expect(ReplySent, min(number + 1, 3))
    await bot.judge.expect(MessageSkipped, 2)
    await bot.stop()

    again = await launch(responder=Dear(), limits=limits)
    await control.post("and now", mention=["sandbox-bot"])
    skipped = await again.judge.expect(MessageSkipped, 3)
    await again.judge.settled((await control.messages(author="alice"))[0]["channel_id"])

    said = [message["content"] for message in await control.messages(author="sandbox-bot")]
    assert {event.reason for event in skipped} == {reason}
    assert len(said) == 3
    assert said[2].endswith("ask me again tomorrow.")


async def test_others_and_what_no_model_answers_go_on(launch: Launch, control: ControlClient) -> None:
    """One person's limit is nobody else's."""
    bot = await launch(responder=Dear(), limits={"tokens_per_person": 100})
    await control.post("one", mention=["sandbox-bot"])
    await bot.judge.expect(ReplySent, 1)
    await control.post("two", mention=["sandbox-bot"])
    await bot.judge.expect(ReplySent, 2)
    await control.post("three", mention=["sandbox-bot"], author="bob")
    await bot.judge.expect(ReplySent, 3)

    said = [message["content"] for message in await control.messages(author="sandbox-bot")]
    assert said[2] == "re: three"
