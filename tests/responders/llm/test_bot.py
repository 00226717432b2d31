"""A bot that answers with a language model, from Discord to the model and back."""

from __future__ import annotations

import pytest

from bot.core.events import ReplyComposed, ReplyDelayed
from bot.responders import Responder
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch
from tests.responders.llm.model_server import Fault, ModelServer, Script


async def test_model_answers_who_addresses_the_bot_and_rules_go_first(
    launch: Launch, control: ControlClient, server: ModelServer
) -> None:
    """What nobody asked the bot stays unanswered, however much a model would have to say."""
    bot = await launch(
        replies={"responder": ["rules", "llm"]},
        rules=[{"match": "ping", "reply": "pong"}],
        llm={"model": "openai:tiny", "base_url": server.url, "prices": {"tiny": {"in": 1, "out": 1}}},
    )

    await control.post("the weather is fine")
    await control.post("ping")
    await control.post("how are you", mention="sandbox-bot")

    rule, model = await bot.judge.expect(ReplyComposed, 2)
    said = await control.wait_for_messages(2, author="sandbox-bot")
    assert [message["content"].split()[0] for message in said] == ["pong", "you"]
    assert (rule.responder, rule.rule, model.responder, model.model) == ("rules", "1", "llm", "openai:tiny")
    assert model.cost_micros == model.tokens_in + model.tokens_out > 0
    (request,) = server.requests
    assert "the weather is fine" in request.body["messages"][1]["content"]


async def test_the_time_of_an_answer_is_that_of_the_settings(
    launch: Launch, control: ControlClient, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the one that other responders have: what was written when it is over is the answer, and counted."""
    monkeypatch.setattr(Responder, "timeout", 0.2)
    server.script = Script(fault=Fault.ENDLESS)
    server.rate = 50
    bot = await launch(
        replies={"responder": "llm"}, llm={"model": "openai:tiny", "base_url": server.url, "total": "600ms"}
    )

    await control.post("how are you", mention="sandbox-bot")

    (answer,) = await bot.judge.expect(ReplyComposed)
    assert (answer.finish, await bot.judge.of(ReplyDelayed)) == ("time", [])
    assert answer.tokens_out > 0


async def test_waiting_for_a_turn_is_no_failure(
    launch: Launch, control: ControlClient, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the questions before it take: each is asked once."""
    monkeypatch.setattr(Responder, "timeout", 0.3)
    server.rate = 20
    bot = await launch(
        replies={"responder": "llm"}, llm={"model": "openai:tiny", "base_url": server.url, "concurrency": 1}
    )
    await control.create_channel("second")
    await control.create_channel("third")

    for channel in ("general", "second", "third"):
        await control.post("how are you", mention="sandbox-bot", channel=channel)

    await bot.judge.expect(ReplyComposed, 3)
    assert await bot.judge.of(ReplyDelayed) == []
    assert len(server.requests) == 3
