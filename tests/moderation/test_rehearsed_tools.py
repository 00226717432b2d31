"""Rehearsals of answers that call tools: nothing is changed, and nothing of the calls is recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core import commands as c
from bot.core import events as e
from bot.moderation.command import Report
from bot.replies.toolkit import Tools
from bot.responders import Answer, Context, Question, Responder, tool
from bot.responders.tools import Fixed, Limits
from tests.moderating import Moderation
from tests.moderation.conftest import CHANNEL, Room

ASKED = 10


class Errands(Responder):
    """A responder that asks for the calls which its settings name, and answers with what it is told."""

    name = "echo"
    wants_history = True

    def __init__(self, *calls: tuple[str, str]) -> None:
        self.calls = calls

    def claims(self, question: Question) -> bool:
        """Answer everything."""
        return bool(question.text)

    async def answer(self, question: Question, context: Context) -> Answer:
        """Call one after the other."""
        del question
        if context.tools is None:
            return Answer("no tools")
        return Answer("\n".join([(await context.tools.call(*each)).result for each in self.calls]))


class Shop:
    """Tools that note when they are called."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.tools = Tools(
            (Fixed((tool(read_only=True)(self.look), tool(idempotent=True)(self.book), tool()(self.lose))),),
            {"look": None, "book": frozenset((CHANNEL,)), "lose": frozenset((1,))},
            Limits(calls=3),
        )

    async def look(self, what: str) -> str:
        """Look something up."""
        self.called.append(f"look {what}")
        return f"{what}: two"

    async def book(self, what: str) -> str:
        """Book it."""
        self.called.append(f"book {what}")
        return "booked"

    async def lose(self) -> str:
        """Never be offered here."""
        raise AssertionError


async def did(
    room: Room, tool_name: str, arguments: str, result: str, outcome: e.ToolOutcome, number: int, *, kept: bool = True
) -> None:
    """Record a call for the answer."""
    called = e.ToolCalled(message_id=ASKED, tool=tool_name, number=number)
    (recorded,) = await room.do(c.UseTool(called, e.Body(parts=(arguments,))))
    returned = e.ToolReturned(message_id=ASKED, tool=tool_name, number=number, outcome=outcome, size=1, kept=kept)
    await room.do(c.UseTool(returned, e.Body(parts=(result,)), recorded.position))


async def rehearsed(room: Room, shop: Shop, *calls: tuple[str, str]) -> Report:
    """Rehearse the answer, in which a model asks for calls."""
    context = replace(room.context, responders=(Errands(*calls),), tools=shop.tools)
    return await Moderation(context).rehearse(CHANNEL, message_id=ASKED)


REFUSED = "Not called: this is a rehearsal, and the tool does more than read; say what you would have it do."
BOOKED, DONE = ("book", '{"what":"plums"}'), e.ToolOutcome.RETURNED
CASES = {
    "what only reads is called": ([("look", '{"what":"plums"}')], ["plums: two"], ["look (called)"], ["look plums"]),
    "the same call is answered as it was, however it is written, and once": (
        [("book", '{ "what": "plums" }'), BOOKED, BOOKED],
        ["booked 1", "booked 2", REFUSED],
        ["book (as recorded)", "book (as recorded)", "book (not called in a rehearsal)"],
        [],
    ),
    "another call is not made": ([("book", '{"what":"pears"}')], [REFUSED], ["book (not called in a rehearsal)"], []),
    "what may not be called is not called here either": (
        [("lose", "{}"), ("look", "[]")],
        [
            "Not called: there is no tool of this name; there are book, look.",
            "Not called: the arguments are no JSON object.",
        ],
        [],
        [],
    ),
    "there is an end of it": (
        [("look", '{"what":"a"}')] * 4,
        ["a: two"] * 3 + ["Not called: no further call is allowed for this answer; answer with what you know."],
        ["look (called)"] * 3,
        ["look a"] * 3,
    ),
}


@pytest.mark.parametrize(("calls", "results", "told", "called"), CASES.values(), ids=CASES)
async def test_a_rehearsal_changes_nothing(
    room: Room, calls: list[tuple[str, str]], results: list[str], told: list[str], called: list[str]
) -> None:
    """And it says which tools it used, and how."""
    shop = Shop()
    await room.says(ASKED, "how many?", asks=True)
    await did(room, *BOOKED, "booked 1", DONE, 1)
    await did(room, *BOOKED, "booked 2", DONE, 2)
    await room.answers(ASKED, "two")
    before = await room.history()

    report = await rehearsed(room, shop, *calls)

    (message,) = report.data["messages"]
    sources = [
        name for name in ("look", "book") if any(each.startswith(f"{name} (") and "not" not in each for each in told)
    ]
    shown = [f"-# 🔧 {', '.join(f'`{name}`' for name in sources)}"] if sources else []
    assert message["would_say"] == ["\n".join((*results, *shown))]
    assert [f"{each['tool']} ({each['how']})" for each in message["tools"]] == told
    assert [line for line in report.lines if line.startswith("  tools:")] == (
        [f"  tools:     {', '.join(told)}"] if told else []
    )
    assert shop.called == called
    assert await room.history() == before


@pytest.mark.parametrize("kept", [True, False], ids=["erased", "not kept"])
async def test_what_is_not_recorded_is_not_told(room: Room, *, kept: bool) -> None:
    """Words that are gone, and those of a result that was not kept."""
    await room.says(ASKED, "how many?", asks=True)
    await did(room, *BOOKED, "booked", DONE, 1, kept=kept)
    if kept:
        last = await room.version()
        await room.log.append(f"channel:{CHANNEL}", (e.Draft(erased(last)),))
    await room.answers(ASKED, "two")

    report = await rehearsed(room, Shop(), BOOKED)

    assert report.data["messages"][0]["tools"] == [{"tool": "book", "how": "not called in a rehearsal"}]


def erased(version: int) -> e.WordsErased:
    """Return the receipt of erased words."""
    return e.WordsErased(reason=e.ErasureReason.PERSON, versions=(e.Span(version, version),))
