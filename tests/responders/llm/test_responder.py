"""Answers of models over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, DeltaThinkingPart, FunctionModel
from pydantic_ai.models.test import TestModel as ScriptedModel

from bot import responders
from bot.responders import Answer, Context, File, ModelFailed, Responder, Utterance
from bot.responders.llm.models import Candidate
from bot.responders.llm.prices import Price
from bot.responders.llm.responder import LlmResponder, build_responder, peers
from bot.responders.llm.settings import LlmSettings, ModelEndpoint, ModelPatience
from tests.responders.llm.asking import PATIENT, TEXT, Asking, ask, question
from tests.responders.llm.made_files import picture
from tests.responders.llm.model_server import Fault, ModelServer, Script
from tests.suite.clock import Clock
from tests.waiting import PATIENCE, eventually


async def test_answer_is_shown_as_it_grows_and_told_with_what_it_took(server: ModelServer, asking: Asking) -> None:
    """The pieces join to the answer; tokens are the provider's, the cost is the table's."""
    responder = asking(prices={"tiny": Price(read=1, written=10)})

    shown, answer = await ask(responder)

    (request,) = server.requests
    assert "".join(shown) == answer.text == TEXT
    assert len(shown) == 8
    assert answer.tokens_in > 100
    assert answer == Answer(
        TEXT,
        model="openai:tiny",
        tokens_in=answer.tokens_in,
        tokens_out=8,
        cost_micros=answer.tokens_in + 80,
        finish="stop",
    )
    assert request.body["stream_options"] == {"include_usage": True}
    assert (request.body["model"], request.body["max_tokens"]) == ("tiny", 1000)


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
async def test_cached_input_and_thoughts_cost_what_the_table_says(
    server: ModelServer, asking: Asking, *, streaming: bool
) -> None:
    """As the provider counts them: they are part of what was read and written."""
    server.script = Script(hidden=40, cached=64)
    price = Price(read=10, written=100, cached=1, reasoning=50)

    _, answer = await ask(asking(streaming=streaming, prices={"tiny": price}))

    # The server counts hidden tokens as written only where it streams.
    written, hidden = (48, 40) if streaming else (8, 8)
    assert answer.tokens_out == written
    assert answer.cost_micros == (answer.tokens_in - 64) * 10 + 64 + (written - hidden) * 100 + hidden * 50


async def test_answer_comes_whole_where_it_is_not_to_be_streamed(server: ModelServer, asking: Asking) -> None:
    """One item, from one request that is no stream."""
    shown, answer = await ask(asking(streaming=False))

    assert (shown, answer.text, answer.tokens_out, answer.finish) == ([], TEXT, 8, "stop")
    assert not server.requests[0].body.get("stream")


async def test_it_is_a_responder_like_any_other(server: ModelServer, asking: Asking) -> None:
    """Asked with the turns alone it answers as well; what has no words it leaves alone."""
    responder: Responder = asking()
    history = (Utterance(1, "Ada", "hello", by_bot=False), Utterance(2, "Bot", "hi", by_bot=True))

    answer = await responders.ask(responder, question(), Context(history=history))

    assert answer is not None
    assert answer.text == TEXT
    assert [message["role"] for message in server.requests[0].body["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert (responder.name, responder.costs, responder.wants_history, responder.answers_everything) == (
        "llm",
        *[True] * 3,
    )
    assert responder.claims(question())
    assert not responder.claims(question(" \n"))


async def test_images_and_files_reach_the_model(server: ModelServer, asking: Asking) -> None:
    """And the answer names them."""
    files = (
        File(5, "a.png", "image/png", picture()),
        File(6, "a.txt", "text/plain", b"words"),
        File(7, "a.zip", "", b"\0"),
    )

    _, answer = await ask(asking(images=True), attachments=files)

    text, image = server.requests[0].body["messages"][-1]["content"]
    assert answer.attachments == (5, 6)
    assert "words" in text["text"]
    assert image["image_url"]["url"].startswith("data:image/png;base64,")


async def test_turns_that_were_cut_are_counted(server: ModelServer, asking: Asking) -> None:
    """For whoever asks why the answer forgot something."""
    history = tuple(Utterance(number, "Ada", "x" * 300, by_bot=False) for number in range(1, 50))

    _, answer = await ask(asking(context_tokens=2000), history=history)

    assert 30 < answer.cut < 49
    assert len(str(server.requests[0].body)) < 8000


async def test_provider_that_does_not_count_is_counted_for(server: ModelServer, asking: Asking) -> None:
    """By the estimate, which says that it is one."""
    server.script = Script(usage=False)

    _, answer = await ask(asking())

    assert answer.estimated
    assert answer.tokens_in > 100
    assert answer.tokens_out > 8
    assert not answer.priced


async def test_provider_that_counts_in_every_piece_is_counted_once(server: ModelServer, asking: Asking) -> None:
    """Each count holds those before it; nothing but the usual is asked for."""
    server.scripts.append(Script(counting=True))

    _, answer = await ask(asking())
    _, usual = await ask(asking())

    assert (answer.tokens_in, answer.tokens_out) == (usual.tokens_in, usual.tokens_out)
    assert (answer.tokens_out, answer.estimated) == (8, False)
    assert server.requests[0].body["stream_options"] == {"include_usage": True}


async def test_thoughts_that_nobody_counts_are_counted_for(server: ModelServer, asking: Asking) -> None:
    """They are paid for like the words that are shown."""
    server.script = Script(thoughts=["hm, "] * 100, usage=False)

    _, answer = await ask(asking())

    assert answer.text == TEXT
    assert answer.tokens_out > 100


@pytest.mark.parametrize(("prices", "priced"), [({"tiny": Price(0, 0)}, True), ({}, False)])
async def test_what_costs_nothing_is_not_what_has_no_price(
    asking: Asking, *, prices: dict[str, Price], priced: bool
) -> None:
    """Both add nothing to the sum; only of one that is known."""
    _, answer = await ask(asking(prices=prices))

    assert (answer.cost_micros, answer.priced) == (0, priced)


async def test_leaving_early_ends_the_models_work(server: ModelServer, asking: Asking) -> None:
    """And gives the place free."""
    server.script = Script(fault=Fault.ENDLESS)
    server.rate = 100
    responder = asking(concurrency=1)

    async with aclosing(responder.answer(question(), Context())) as pieces:
        assert isinstance(await anext(pieces), str)

    await eventually(lambda: server.requests[0].left)
    server.script = Script()
    _, answer = await ask(responder)
    assert answer.text == TEXT


async def test_stopped_it_says_what_it_took(server: ModelServer, asking: Asking) -> None:
    """The piece that comes next is the last one."""
    said: list[str] = []
    server.scripts.append(Script(fault=Fault.ENDLESS))
    responder = asking(prices={"openai:tiny": Price(1.0, 1.0)})

    async with aclosing(responder.answer(question(), Context(stopped=lambda: bool(said)))) as pieces:
        async for piece in pieces:
            if isinstance(piece, Answer):
                break
            said.append(str(piece))

    assert isinstance(piece, Answer)
    assert (piece.finish, piece.text, piece.estimated) == ("stopped", "".join(said), True)
    assert piece.tokens_in > 0
    assert piece.tokens_out > 0
    assert piece.cost_micros > 0


async def test_no_more_questions_are_asked_at_once_than_allowed(server: ModelServer, asking: Asking) -> None:
    """The others wait their turn, and all are answered."""
    server.rate = 200
    responder = asking(concurrency=3)

    answers = await asyncio.gather(*(ask(responder, f"question {number}") for number in range(12)))

    assert server.most_active == 3
    assert [answer.text.split()[0] for _, answer in answers] == [str(number) for number in range(12)]


def scripted(model: FunctionModel | ScriptedModel, **changes: object) -> LlmResponder:
    """Return a responder that asks one of pydantic-ai's own models."""
    settings = replace(LlmSettings(patience=PATIENT), **changes)  # type: ignore[arg-type]
    return LlmResponder(peers([Candidate("test:model", "test", model, {})], settings), settings)


async def test_text_is_cleaned_while_it_is_shown() -> None:
    """By a model of pydantic-ai's own, without a server."""
    model = ScriptedModel(custom_output_text="Bot: ⟦from Bot⟧ hello @everyone ")

    shown, answer = await ask(scripted(model), bot_name="Bot")

    assert "".join(shown) == answer.text == "hello @everyone"


async def test_thoughts_are_signs_of_life_and_never_shown(clock: Clock) -> None:
    """A model that thinks for longer than it may wait to begin is not left."""
    seen: list[ModelMessage] = []
    patience = ModelPatience(first_token=PATIENCE, between=3 * PATIENCE, total=9 * PATIENCE)

    async def think(
        messages: list[ModelMessage], _info: AgentInfo
    ) -> AsyncIterator[str | dict[int, DeltaThinkingPart]]:
        seen.extend(messages)
        yield {0: DeltaThinkingPart(content="hm ")}
        clock.go_on(2 * PATIENCE)
        await asyncio.sleep(0.01)
        yield "So: yes."

    _, answer = await ask(scripted(FunctionModel(stream_function=think), patience=patience), persona="Be a judge.")

    assert answer.text == "So: yes."
    assert "Be a judge." in str(seen)


async def test_thoughts_among_the_words_are_never_shown(server: ModelServer, asking: Asking) -> None:
    """As servers send them that know nothing of thoughts, cut wherever it pleases them."""
    server.script = Script(tokens=["<thi", "nk>\nhm", ", hm</th", "ink>\n\nSo:", " yes."])

    shown, answer = await ask(asking())

    assert "".join(shown) == answer.text == "So: yes."


async def test_real_models_are_refused_in_tests(nobody_outside_is_asked: list[str]) -> None:
    """Whoever forgets the server gets an error, not a bill."""
    responder = build_responder(ModelEndpoint("openai:tiny", base_url="https://api.openai.com/v1"), LlmSettings(), {})

    with pytest.raises(ModelFailed):
        await ask(responder)

    assert set(nobody_outside_is_asked) == {"api.openai.com"}
    nobody_outside_is_asked.clear()
