"""A bot that answers with a language model, from Discord to the model and back."""

from __future__ import annotations

from bot.core.events import ReplyComposed
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch
from tests.responders.llm.model_server import ModelServer


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
