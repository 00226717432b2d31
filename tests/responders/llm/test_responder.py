"""Answers of models over real HTTP, and every way in which there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, DeltaThinkingPart, FunctionModel
from pydantic_ai.models.test import TestModel as ScriptedModel
from structlog.testing import capture_logs

from bot.responders import Answer, Context, File, ModelFailed, Responder, Streaming, Utterance
from bot.responders.llm.models import Candidate
from bot.responders.llm.prices import Price
from bot.responders.llm.responder import LlmResponder, build_responder
from bot.responders.llm.settings import Endpoint, LlmSettings, Patience
from tests.harness import eventually
from tests.responders.llm.asking import PATIENT, Asking, ask, question
from tests.responders.llm.model_server import Fault, ModelServer, Script

BRIEF = Patience(first_token=60, between=60, total=1)
TEXT = "you? word0 word1 word2 word3 word4 word5 end."


async def failure(responder: LlmResponder, text: str = "Who are you?") -> ModelFailed:
    """Ask, and return how that failed."""
    with pytest.raises(ModelFailed) as caught:
        await ask(responder, text)
    return caught.value


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
    assert (request.body["model"], request.body["max_completion_tokens"]) == ("tiny", 1000)


async def test_answer_comes_whole_where_it_is_not_to_be_streamed(server: ModelServer, asking: Asking) -> None:
    """One item, from one request that is no stream."""
    shown, answer = await ask(asking(streaming=False))

    assert (shown, answer.text, answer.tokens_out, answer.finish) == ([], TEXT, 8, "stop")
    assert not server.requests[0].body.get("stream")


async def test_it_is_a_responder_like_any_other(server: ModelServer, asking: Asking) -> None:
    """Asked with the turns alone it answers as well; what has no words it leaves alone."""
    responder: Responder = asking()
    history = (Utterance(1, "Ada", "hello", by_bot=False), Utterance(2, "Bot", "hi", by_bot=True))

    answer = await responder.compose(question(), history)

    assert answer is not None
    assert answer.text == TEXT
    assert [message["role"] for message in server.requests[0].body["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert isinstance(responder, Streaming)
    assert (responder.name, responder.wants_history, responder.only_addressed) == ("llm", True, True)
    assert responder.claims(question())
    assert not responder.claims(question(" \n"))


async def test_images_and_files_reach_the_model(server: ModelServer, asking: Asking) -> None:
    """And the answer names them."""
    files = (
        File(5, "a.png", "image/png", b"png"),
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


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize(
    ("fault", "reason", "permanent", "retry_after"),
    [
        (Fault.UNAUTHORIZED, "the key was refused (HTTP 401)", True, None),
        (Fault.RATE_LIMIT, "too many requests (HTTP 429)", False, 7),
        (Fault.SERVER_ERROR, "HTTP 500", False, None),
        (Fault.EMPTY, "an empty answer", False, None),
    ],
)
async def test_failure_has_a_reason_of_our_own(
    server: ModelServer,
    asking: Asking,
    fault: Fault,
    reason: str,
    retry_after: float | None,
    *,
    permanent: bool,
    streaming: bool,
) -> None:
    """One request, no repeat of the SDK's; neither the provider's words nor the person's are told."""
    server.script = Script(fault=fault)

    with capture_logs() as lines:
        failed = await failure(asking(streaming=streaming), "SECRET question")

    assert (failed.reason, failed.permanent, failed.retry_after) == (f"openai:tiny: {reason}", permanent, retry_after)
    assert not failed.began
    assert len(server.requests) == 1
    assert "SECRET" not in f"{failed}{failed.__cause__}{failed.__context__}{lines}"
    assert lines == [
        {"event": "model.failed", "log_level": "warning", "model": "openai:tiny", "reason": reason, "message": 100}
    ]


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.UNFINISHED, Fault.INVALID_JSON])
async def test_stream_that_ends_in_the_middle_is_no_answer(server: ModelServer, asking: Asking, fault: Fault) -> None:
    """What was shown stays shown, so that no other model is asked; what it took is told as an estimate."""
    server.script = Script(fault=fault)

    failed = await failure(asking(fallbacks=1, prices={"tiny": Price(1, 1)}))

    assert (failed.reason, failed.began, failed.permanent) == ("openai:tiny: the stream was cut", True, False)
    assert failed.tokens_in > 100
    assert failed.cost_micros == failed.tokens_in + failed.tokens_out
    assert len(server.requests) == 1


async def test_answer_that_cannot_be_read_is_none(server: ModelServer, asking: Asking) -> None:
    """Of one that comes whole."""
    server.script = Script(fault=Fault.INVALID_JSON)

    assert (await failure(asking(streaming=False))).reason == "openai:tiny: an answer that can't be read"


async def test_server_that_is_not_there_is_no_answer(asking: Asking) -> None:
    """No connection, nothing spent."""
    failed = await failure(asking(url="http://127.0.0.1:9/v1"))

    assert (failed.reason, failed.permanent, failed.tokens_in) == ("openai:tiny: no connection", False, 0)


@pytest.mark.parametrize(
    ("fault", "patience"),
    [(Fault.HANG, Patience(first_token=0.2, between=60)), (Fault.STALL, Patience(first_token=60, between=0.2))],
)
async def test_model_that_falls_silent_is_left(
    server: ModelServer, asking: Asking, fault: Fault, patience: Patience
) -> None:
    """Before its first token or in the middle; the server is told by the end of the connection."""
    server.script = Script(fault=fault)

    failed = await failure(asking(patience=patience))

    assert (failed.reason, failed.began) == ("openai:tiny: silent for 0.2 s", fault is Fault.STALL)
    await eventually(lambda: server.requests[0].left)


async def test_endless_stream_ends_with_the_time(server: ModelServer, asking: Asking) -> None:
    """What was said until then is the answer, and the answer says so."""
    server.script = Script(fault=Fault.ENDLESS)
    server.rate = 100

    shown, answer = await ask(asking(patience=BRIEF))

    assert (answer.finish, answer.estimated) == ("time", True)
    assert "".join(shown) == answer.text
    assert answer.text.endswith(("on", "and"))
    await eventually(lambda: server.requests[0].left)


async def test_endless_stream_ends_with_the_length(server: ModelServer, asking: Asking) -> None:
    """About twenty messages of Discord's."""
    server.script = Script(fault=Fault.ENDLESS, tokens=["x" * 39_000])

    shown, answer = await ask(asking())

    assert (answer.finish, answer.estimated) == ("length", True)
    assert "".join(shown) == answer.text
    assert 39_990 < len(answer.text) <= 40_000
    await eventually(lambda: server.requests[0].left)


@pytest.mark.parametrize("fault", [Fault.BLANK, Fault.HANG])
async def test_time_without_a_word_is_no_answer(server: ModelServer, asking: Asking, fault: Fault) -> None:
    """Blanks without end, or nothing at all."""
    server.script = Script(fault=fault)
    server.rate = 100

    assert (await failure(asking(patience=BRIEF))).reason == "openai:tiny: out of time"


@pytest.mark.parametrize("streaming", [True, False])
async def test_next_model_answers_where_one_fails(server: ModelServer, asking: Asking, *, streaming: bool) -> None:
    """In their order, until one does; the answer names it, and its cost holds what the empty one took."""
    server.scripts.extend([Script(fault=Fault.RATE_LIMIT), Script(fault=Fault.EMPTY), Script()])
    prices = {f"other{number}": Price(0, 10) for number in range(3)}

    _, answer = await ask(asking(fallbacks=3, prices=prices, streaming=streaming))

    assert [request.body["model"] for request in server.requests] == ["tiny", "other0", "other1"]
    assert (answer.text, answer.model) == (TEXT, "openai:other1")
    assert (answer.cost_micros, answer.priced) == (80, True)


async def test_all_models_failing_are_all_told(server: ModelServer, asking: Asking) -> None:
    """Waiting helps as soon as it helps one of them."""
    server.scripts.extend([Script(fault=Fault.UNAUTHORIZED), Script(fault=Fault.RATE_LIMIT)])

    failed = await failure(asking(fallbacks=1))

    assert failed.reason == ("openai:tiny: the key was refused (HTTP 401); openai:other0: too many requests (HTTP 429)")
    assert (failed.permanent, failed.retry_after) == (False, 7)


async def test_prompt_that_is_too_long_is_shortened(server: ModelServer, asking: Asking) -> None:
    """Twice, by half; then another model is asked."""
    server.scripts.extend([Script(fault=Fault.TOO_LONG), Script(fault=Fault.TOO_LONG), Script()])
    history = tuple(Utterance(number, "Ada", "x" * 300, by_bot=False) for number in range(1, 50))

    _, answer = await ask(asking(context_tokens=4000), history=history)

    lengths = [len(str(request.body["messages"])) for request in server.requests]
    assert lengths == sorted(lengths, reverse=True)
    assert len(lengths) == len(set(lengths)) == 3
    assert answer.cut > 35


async def test_provider_that_does_not_count_is_counted_for(server: ModelServer, asking: Asking) -> None:
    """By the estimate, which says that it is one."""
    server.script = Script(usage=False)

    _, answer = await ask(asking())

    assert answer.estimated
    assert answer.tokens_in > 100
    assert answer.tokens_out > 8
    assert not answer.priced


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

    async with aclosing(responder.stream(question(), Context())) as pieces:
        assert isinstance(await anext(pieces), str)

    await eventually(lambda: server.requests[0].left)
    server.script = Script()
    _, answer = await ask(responder)
    assert answer.text == TEXT


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
    return LlmResponder([Candidate("test:model", model, {})], settings)


async def test_text_is_cleaned_while_it_is_shown() -> None:
    """By a model of pydantic-ai's own, without a server."""
    model = ScriptedModel(custom_output_text="Bot: ⟦from Bot⟧ hello @everyone ")

    shown, answer = await ask(scripted(model), bot_name="Bot")

    assert "".join(shown) == answer.text == "hello @\u200beveryone"


async def test_thoughts_are_signs_of_life_and_never_shown() -> None:
    """A model that thinks for longer than it may wait to begin is not left."""
    seen: list[ModelMessage] = []
    patience = Patience(first_token=0.5, between=60)

    async def think(
        messages: list[ModelMessage], _info: AgentInfo
    ) -> AsyncIterator[str | dict[int, DeltaThinkingPart]]:
        seen.extend(messages)
        yield {0: DeltaThinkingPart(content="hm ")}
        await asyncio.sleep(0.6)
        yield "So: yes."

    _, answer = await ask(scripted(FunctionModel(stream_function=think), patience=patience), persona="Be a judge.")

    assert answer.text == "So: yes."
    assert "Be a judge." in str(seen)


async def test_real_models_are_refused_in_tests() -> None:
    """Whoever forgets the server gets an error, not a bill."""
    endpoint = Endpoint("openai:tiny", base_url="http://127.0.0.1:9/v1")
    responder = build_responder(endpoint, LlmSettings(), {})

    with pytest.raises(RuntimeError, match="not allowed"):
        await ask(responder)
