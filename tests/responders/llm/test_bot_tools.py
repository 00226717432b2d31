"""A bot whose model calls tools, from Discord to the tool and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.core.events import ReplyCompleted, ReplyComposed, ToolCalled, ToolOutcome, ToolReturned
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch
from tests.responders.llm.model_server import ModelServer, Script

TOOLS = """
from bot.responders import Asking, tool


@tool(idempotent=True)
async def dice(sides: int, asking: Asking) -> str:
    '''Throw a die.'''
    return f"{asking.author} throws a {sides}."
"""
RECALL = Script(calls=[("recall", '{"words":"plum"}')])
DICE = Script(["Hm."], calls=[("dice", '{"sides":6}')])


async def test_a_model_throws_dice_and_looks_things_up(
    launch: Launch, control: ControlClient, server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the settings allow it; the tools stand under the answer, and models are not told that line."""
    (tmp_path / "games.py").write_text(TOOLS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    await control.create_channel("other")
    general = int((await control.post("the word is plum"))["channel_id"])
    bot = await launch(
        replies={"responder": "llm"},
        llm={
            "model": "openai:tiny",
            "base_url": server.url,
            "tools": {"allow": {"games:dice": "*", "recall": [general]}},
        },
    )
    await control.post("which plum was it", channel="other")
    server.scripts += (RECALL, DICE, Script(["It is plum, and six."]), Script(["No."]))

    asked = await control.post("which word was it", mention="sandbox-bot")
    await bot.judge.expect(ReplyComposed)
    await control.post("and here", mention="sandbox-bot", channel="other")
    await bot.judge.expect(ReplyComposed, 2)
    server.scripts += (Script(["Yes."]),)
    await control.post("sure", mention="sandbox-bot")
    await bot.judge.expect(ReplyComposed, 3)

    said = [message["content"] for message in await control.messages(author="sandbox-bot", channel="general")]
    assert said[0] == "Hm.\n\nIt is plum, and six.\n-# 🔧 `recall`, `dice`"
    recalled, thrown = (request.body["messages"][-1]["content"] for request in server.requests[1:3])
    assert recalled.count("plum") == 1
    assert "the word is plum" in recalled
    assert "throws a 6." in thrown
    offered = [{each["function"]["name"] for each in request.body["tools"]} for request in server.requests]
    assert offered == [{"dice", "recall"}] * 3 + [{"dice"}, {"dice", "recall"}]
    assert "🔧" not in json.dumps(server.requests[-1].body, ensure_ascii=False)
    assert [each.outcome for each in await bot.judge.of(ToolReturned)] == [ToolOutcome.RETURNED] * 2
    assert [each.tool for each in await bot.judge.of(ToolCalled)] == ["recall", "dice"]
    assert "plum" not in (await bot.judge.words(general, ToolReturned))[0].text
    why = (await bot.moderation.why(general, int(asked["id"]))).lines
    assert [line for line in why if line.startswith(("tool", "  returned"))][2:] == [
        'tool dice: "{"sides":6}" | "Hm."',
        '  returned, 17 bytes: "alice throws a 6."',
    ]


@pytest.mark.parametrize("replies", [{"history": "chain"}, {"window": 1}], ids=["chain", "quoted"])
async def test_a_model_is_not_told_its_tools_in_what_a_question_replies_to(
    launch: Launch, control: ControlClient, server: ModelServer, replies: dict[str, object]
) -> None:
    """Neither in a chain of replies, nor where the message is outside of the window."""
    bot = await launch(
        replies={"responder": "llm", **replies},
        llm={"model": "openai:tiny", "base_url": server.url, "tools": {"allow": {"recall": "*"}}},
    )
    server.scripts += (RECALL, Script(["It is plum."]), Script(["Yes."]))
    await control.post("which word was it", mention="sandbox-bot")
    await bot.judge.expect(ReplyCompleted)
    (answer,) = await control.messages(author="sandbox-bot")
    assert answer["content"] == "It is plum.\n-# 🔧 `recall`"

    await control.post("something else", author="bob")
    await control.post("sure?", mention="sandbox-bot", reply_to=answer["id"])
    await bot.judge.expect(ReplyCompleted, 2)

    told = json.dumps(server.requests[-1].body["messages"], ensure_ascii=False)
    assert "It is plum." in told
    assert "🔧" not in told
