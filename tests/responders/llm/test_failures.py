"""Every way in which a model gives no answer, and who is asked then."""

from __future__ import annotations

import json

import pytest
from structlog.testing import capture_logs

from bot.responders import ModelFailed, Trouble, Utterance
from bot.responders.llm.prices import Price
from bot.responders.llm.responder import LlmResponder
from bot.responders.llm.settings import ModelPatience
from tests.responders.llm.asking import TEXT, Asking, ask
from tests.responders.llm.model_server import Fault, ModelServer, Script
from tests.responders.llm.wire import Wire, chunk, response
from tests.waiting import eventually

NOT_FOUND = response({"error": "no such path"}, 404)
BRIEF = ModelPatience(first_token=60, between=60, total=2)


async def failure(responder: LlmResponder, text: str = "Who are you?") -> ModelFailed:
    """Ask, and return how that failed."""
    with pytest.raises(ModelFailed) as caught:
        await ask(responder, text)
    return caught.value


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize(
    ("fault", "reason", "trouble", "line"),
    [
        (Fault.UNAUTHORIZED, "key refused (HTTP 401)", Trouble.KEY, "model.away"),
        (Fault.RATE_LIMIT, "model away (HTTP 429)", Trouble.AWAY, "model.away"),
        (Fault.SERVER_ERROR, "model away (HTTP 500)", Trouble.AWAY, "model.away"),
        (Fault.FILTERED, "question refused (HTTP 400)", Trouble.REFUSED, "model.failed"),
        (Fault.EMPTY, "an empty answer", Trouble.UNREADABLE, "model.failed"),
    ],
)
async def test_failure_has_a_reason_of_our_own(
    server: ModelServer, asking: Asking, fault: Fault, reason: str, trouble: Trouble, line: str, *, streaming: bool
) -> None:
    """One request, no repeat of the SDK's; neither the provider's words nor the person's are told."""
    server.script = Script(fault=fault)

    with capture_logs() as lines:
        failed = await failure(asking(streaming=streaming), "SECRET question")

    assert (failed.reason, failed.trouble) == (f"openai:tiny: {reason}", trouble)
    assert len(server.requests) == 1
    assert "SECRET" not in f"{failed}{failed.__cause__}{failed.__context__}{lines}"
    assert [(each["event"], each["reason"]) for each in lines] == [(line, reason)]


async def test_server_that_says_how_long_to_wait_is_left_alone_for_so_long(server: ModelServer, asking: Asking) -> None:
    """And a bit longer, so that not everybody comes back at once."""
    server.script = Script(fault=Fault.RATE_LIMIT)
    responder = asking()

    failed = await failure(responder)

    absence = responder.absence()
    assert failed.retry_after is not None
    assert absence is not None
    assert 7 <= failed.retry_after <= 7 * 1.25
    assert 6 < absence.seconds <= failed.retry_after
    assert (await failure(responder)).reason == failed.reason
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "reason", "trouble"),
    [
        (Fault.CUT, "model away (the stream was cut)", Trouble.AWAY),
        (Fault.UNFINISHED, "the stream was cut", Trouble.UNREADABLE),
        (Fault.INVALID_JSON, "the stream was cut", Trouble.UNREADABLE),
    ],
)
async def test_stream_that_ends_in_the_middle_is_no_answer(
    server: ModelServer, asking: Asking, fault: Fault, reason: str, trouble: Trouble
) -> None:
    """What was shown stays shown, so that no other model is asked; what it took is told as an estimate.

    One whose connection is lost is away; the question may be what it can't bear.
    """
    server.script = Script(fault=fault)

    failed = await failure(asking(elsewhere=1, prices={"tiny": Price(1, 1)}))

    lost = fault is Fault.CUT
    assert (failed.reason, failed.trouble) == (f"openai:tiny: {reason}", trouble)
    assert (failed.cut, failed.others, failed.retry_after is not None) == (lost, int(lost), lost)
    assert failed.tokens_in > 100
    assert failed.cost_micros == failed.tokens_in + failed.tokens_out
    assert len(server.requests) == 1


async def test_a_server_that_dies_in_its_answer_is_away(asking: Asking) -> None:
    """The system closes the connection for it in good order, before the end that was announced."""
    began = b'2c\r\ndata: {"choices": [{"delta": {"content": "All is'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    piece = b"data: " + json.dumps(chunk({"content": "All is "})).encode() + b"\n\n"
    sent = head + f"{len(piece):x}\r\n".encode() + piece + b"\r\n" + began

    async with Wire(lambda asked: sent if asked.body else NOT_FOUND).serve() as wire:
        failed = await failure(asking(url=wire.url))

    assert (failed.reason, failed.waits, failed.cut) == ("openai:tiny: model away (the stream was cut)", True, True)


async def test_answer_that_cannot_be_read_is_none(server: ModelServer, asking: Asking) -> None:
    """Of one that comes whole."""
    server.script = Script(fault=Fault.INVALID_JSON)

    assert (await failure(asking(streaming=False))).reason == "openai:tiny: an answer that can't be read"


async def test_server_that_is_not_there_is_no_answer(asking: Asking) -> None:
    """No connection, nothing spent."""
    failed = await failure(asking(url="http://127.0.0.1:9/v1"))

    assert (failed.reason, failed.waits, failed.tokens_in) == ("openai:tiny: model away (no connection)", True, 0)


@pytest.mark.parametrize(
    ("fault", "patience"),
    [
        (Fault.HANG, ModelPatience(first_token=0.2, between=60)),
        (Fault.STALL, ModelPatience(first_token=60, between=0.2)),
    ],
)
async def test_model_that_falls_silent_is_left(
    server: ModelServer, asking: Asking, fault: Fault, patience: ModelPatience
) -> None:
    """Before its first token or in the middle; the server is told by the end of the connection."""
    server.script = Script(fault=fault)

    failed = await failure(asking(patience=patience))

    said = {Fault.HANG: "model away (silent for 0.2 s)", Fault.STALL: "silent for 0.2 s"}
    assert failed.reason == f"openai:tiny: {said[fault]}"
    assert failed.waits is (fault is Fault.HANG)
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

    said = {Fault.HANG: "model away (out of time)", Fault.BLANK: "out of time"}
    assert (await failure(asking(patience=BRIEF))).reason == f"openai:tiny: {said[fault]}"


async def test_thoughts_without_an_answer_are_paid_for(server: ModelServer, asking: Asking) -> None:
    """What the provider counted counts, also where nothing of it was told."""
    server.script = Script(tokens=[], hidden=900, finish="length")

    failed = await failure(asking(prices={"tiny": Price(0, 1)}))

    assert failed.reason == "openai:tiny: no answer within llm.max_tokens, thoughts included"
    assert (failed.tokens_out, failed.cost_micros) == (900, 900)
    assert failed.tokens_in > 100


@pytest.mark.parametrize("streaming", [True, False])
async def test_next_model_answers_where_one_fails(server: ModelServer, asking: Asking, *, streaming: bool) -> None:
    """In their order, until one does; the answer names it, and its cost holds what the empty one took."""
    server.scripts.extend([Script(fault=Fault.SERVER_ERROR), Script(fault=Fault.EMPTY), Script()])
    prices = {f"other{number}": Price(0, 10) for number in range(3)}

    _, answer = await ask(asking(fallbacks=3, prices=prices, streaming=streaming))

    assert [request.body["model"] for request in server.requests] == ["tiny", "other0", "other1"]
    assert (answer.text, answer.model) == (TEXT, "openai:other1")
    assert (answer.cost_micros, answer.priced) == (80, True)


async def test_all_models_failing_are_all_told(server: ModelServer, asking: Asking) -> None:
    """Waiting helps as soon as it helps one of them."""
    server.scripts.extend([Script(fault=Fault.UNAUTHORIZED), Script(fault=Fault.RATE_LIMIT)])

    failed = await failure(asking(elsewhere=1))

    assert failed.reason == "openai:tiny: key refused (HTTP 401); ollama:elsewhere0: model away (HTTP 429)"
    assert (failed.trouble, failed.permanent) == (Trouble.AWAY, False)
    assert failed.retry_after is not None
    assert failed.retry_after < 7


async def test_prompt_that_is_too_long_is_shortened(server: ModelServer, asking: Asking) -> None:
    """Twice, by half; then another model is asked."""
    server.scripts.extend([Script(fault=Fault.TOO_LONG), Script(fault=Fault.TOO_LONG), Script()])
    history = tuple(Utterance(number, "Ada", "x" * 300, by_bot=False) for number in range(1, 50))

    _, answer = await ask(asking(context_tokens=4000), history=history)

    lengths = [len(str(request.body["messages"])) for request in server.requests]
    assert lengths == sorted(lengths, reverse=True)
    assert len(lengths) == len(set(lengths)) == 3
    assert answer.cut > 35
