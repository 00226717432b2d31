"""The running summary: what the window outgrows, folded by a model that answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.core.events import ConversationSummarised, ErasureReason, MessageReceived, ReplyComposed
from bot.core.summary import DUE, KEEP
from bot.eventlog.erasing import Wanted, erase, find
from bot.moderation.usage import usage
from bot.responders import Answer, Context, ModelFailed, Question, Trouble, Utterance
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch, RunningBot
from tests.model import Model
from tests.waiting import eventually

BOT = "sandbox-bot"
ON = {"summary": True}


class Minutes(Model):
    """A model that sums up by counting; ``fails`` makes it fail, ``ready`` unset makes it wait."""

    def __init__(self) -> None:
        super().__init__(_noted)
        self.summed_up: list[tuple[str, Sequence[Utterance]]] = []
        self.fails = False
        self.ready = asyncio.Event()
        self.ready.set()

    async def summarise(self, summary: str, turns: Sequence[Utterance]) -> Answer:
        """Say how much was said."""
        self.summed_up.append((summary, turns))
        await self.ready.wait()
        if self.fails:
            raise ModelFailed("401", trouble=Trouble.REFUSED)
        return Answer(f"{summary}+{len(turns)} turns", model="test:model", tokens_in=30, tokens_out=2)


def _noted(_question: Question, _context: Context) -> Answer:
    return Answer("noted", model="test:model", tokens_in=3, tokens_out=1)


async def chat(bot: RunningBot, control: ControlClient, count: int) -> None:
    """Let people say so much, and wait until all of it is recorded."""
    before = len(await bot.judge.of(MessageReceived))
    authors = ("alice", "bob")
    await control.post_many({"author": authors[at % 2], "content": f"remark {at}"} for at in range(count))
    await bot.judge.expect(MessageReceived, before + count)


async def ask(bot: RunningBot, control: ControlClient) -> str:
    """Ask the model, wait for its answer, and return the channel."""
    before = len(await bot.judge.of(ReplyComposed))
    message = await control.post("and now?", mention=BOT)
    await bot.judge.expect(ReplyComposed, before + 1)
    await bot.judge.settled(message["channel_id"])
    return message["channel_id"]


async def test_what_the_window_outgrows_is_summed_up(launch: Launch, control: ControlClient) -> None:
    """The next answer builds on the summary and the turns that are not in it; the one after on a longer one."""
    model = Minutes()
    bot = await launch(responder=model, llm=ON)
    await chat(bot, control, DUE)
    channel = await ask(bot, control)

    (first,) = await bot.judge.expect(ConversationSummarised)
    assert (first.turns, first.previous, first.tokens_in, len(first.people)) == (DUE + 1 - KEEP, 0, 30, 2)
    await ask(bot, control)
    _, context = model.asked[-1]
    assert context.summary == f"+{first.turns} turns"
    assert all(turn.message_id > first.upto for turn in context.history)
    (_, composed) = await bot.judge.of(ReplyComposed)
    assert composed.summary

    await chat(bot, control, DUE - KEEP)
    await ask(bot, control)
    (_, second) = await bot.judge.expect(ConversationSummarised, 2)
    assert second.previous == composed.summary
    assert model.summed_up[1][0] == f"+{first.turns} turns"
    assert (await bot.judge.state(channel)).summary_upto_id == second.upto
    report = await usage(bot.bot.context)
    assert f"{2 * 32 + 3 * 4} tokens" in report.title


async def test_nobody_asks_for_one_unless_it_is_switched_on(launch: Launch, control: ControlClient) -> None:
    """It takes tokens of its own."""
    model = Minutes()
    bot = await launch(responder=model)
    await chat(bot, control, DUE)
    await ask(bot, control)

    assert not model.summed_up


async def test_a_model_that_fails_costs_the_summary_alone(launch: Launch, control: ControlClient) -> None:
    """The next answer asks for it again."""
    model = Minutes()
    model.fails = True
    bot = await launch(responder=model, llm=ON)
    await chat(bot, control, DUE)
    await ask(bot, control)
    await eventually(lambda: model.summed_up)
    model.fails = False
    await ask(bot, control)

    await bot.judge.expect(ConversationSummarised)


async def test_what_was_rewound_meanwhile_is_not_summed_up(launch: Launch, control: ControlClient) -> None:
    """A moderator empties the window while the summary of it is being written."""
    model = Minutes()
    model.ready.clear()
    bot = await launch(responder=model, llm=ON)
    await chat(bot, control, DUE)
    channel = await ask(bot, control)
    await eventually(lambda: model.summed_up)
    await bot.moderation.reset(int(channel), by="owner")
    model.ready.set()
    await ask(bot, control)

    assert (await bot.judge.state(channel)).summary_position == 0
    assert model.asked[-1][1].summary == ""


async def test_what_was_erased_meanwhile_is_not_summed_up(launch: Launch, control: ControlClient) -> None:
    """A person is forgotten while the summary of their words is being written; the next answer asks for it again."""
    model = Minutes()
    model.ready.clear()
    bot = await launch(responder=model, llm=ON)
    await chat(bot, control, DUE + 4)
    await ask(bot, control)
    await eventually(lambda: model.summed_up)
    (_, second, *_) = await bot.judge.of(MessageReceived)
    wanted, record = Wanted(person_id=second.author_id), bot.bot.conversations.record
    await erase(bot.bot.log, wanted, ErasureReason.PERSON, record=record)
    model.ready.set()
    await ask(bot, control)

    (summary,) = await bot.judge.expect(ConversationSummarised)
    assert len(model.summed_up) == 2
    assert {said.author_id for said in model.summed_up[1][1]}.isdisjoint({second.author_id})
    assert summary.turns == len(model.summed_up[1][1])
    assert await find(bot.bot.log.reader, wanted) == []


async def test_a_rewind_takes_the_summary_back_and_an_undo_brings_it_again(
    launch: Launch, control: ControlClient
) -> None:
    """As with the window, of which it is the older part."""
    model = Minutes()
    bot = await launch(responder=model, llm=ON)
    await chat(bot, control, DUE)
    channel = await ask(bot, control)
    await bot.judge.expect(ConversationSummarised)
    before = await bot.judge.state(channel)

    await bot.moderation.rewind(int(channel), "5", by="owner")
    assert (await bot.judge.state(channel)).summary_position == 0
    await bot.moderation.undo(int(channel), by="owner")
    after = await bot.judge.state(channel)

    assert (
        (after.summary_position, after.summary_upto_id) == (before.summary_position, before.summary_upto_id) != (0, 0)
    )
