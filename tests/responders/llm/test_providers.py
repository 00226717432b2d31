"""Several models of one provider: what is so of all of them is found out once, what is so of one stays with it."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from random import Random

import pytest
from pydantic_ai.models import override_allow_model_requests
from structlog.testing import capture_logs

from bot.app.responders import responders_of
from bot.cli.check_model import check_models
from bot.config import Config
from bot.core.events import ReplyComposed, ReplyDelayed
from bot.responders import ModelFailed, Trouble
from bot.responders.failure import Failure
from bot.responders.llm import http, room
from bot.responders.llm.models import candidates
from bot.responders.llm.peer import Peer
from bot.responders.llm.responder import peers
from bot.responders.llm.settings import LlmSettings, ModelEndpoint
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch
from tests.moderating import Moderation
from tests.responders.llm.asking import Asking, ask
from tests.responders.llm.wire import TEXT, Asked, Wire, response, well
from tests.waiting import eventually

NOWHERE = "http://127.0.0.1:9/v1"
NOT_FOUND = response({"error": "no such path"}, 404)
GONE = Failure(Trouble.AWAY, "no connection", shared=True)
LOADING = Failure(Trouble.AWAY, "HTTP 503")


@pytest.fixture(autouse=True)
def _may_ask() -> Iterator[None]:
    with override_allow_model_requests(allow_model_requests=True):
        yield


def wire(answers: Mapping[str, bytes]) -> Wire:
    """Return a server that answers for each model as told, and well for others."""

    def answering(asked: Asked) -> bytes:
        return answers.get(str(asked.body["model"]), well(asked)) if "messages" in asked.body else NOT_FOUND

    return Wire(answering)


def said(status: int, words: str = "SECRET", **more: str) -> bytes:
    """Return an error of a server's."""
    return response({"error": {"message": words, "type": "error", **more}}, status)


SHARED = {
    "hung up": (b"", "model away (no connection)"),
    "key": (said(401), "key refused (HTTP 401)"),
    "overloaded": (said(429), "model away (HTTP 429)"),
    "gateway": (said(502, "<html>"), "model away (HTTP 502)"),
    "busy": (said(503), "model away (HTTP 503)"),
}


@pytest.mark.parametrize("fault", SHARED)
async def test_what_is_so_of_a_provider_is_asked_once(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Its second model is left alone; one of another provider is not."""
    sent, reason = SHARED[fault]
    async with wire({"tiny": sent, "other0": sent}).serve() as server:
        responder = asking(url=server.url, fallbacks=1)
        # However slow this machine is, the pause is not over when it is looked at.
        monkeypatch.setattr(responder._peers[0].provider, "_clock", lambda: 0.0)
        with capture_logs() as lines, pytest.raises(ModelFailed) as failed:
            await ask(responder)
        _, answer = await ask(asking(url=server.url, fallbacks=1, elsewhere=1))

    assert failed.value.reason == f"openai: {reason}"
    assert failed.value.retry_after is not None
    assert [asked.body["model"] for asked in server.prompts] == ["tiny", "tiny", "elsewhere0"]
    assert answer.model == "ollama:elsewhere0"
    assert [(each["event"], each["model"], each["reason"]) for each in lines] == [("model.away", "openai", reason)]
    assert [(each.name, each.trouble, each.tries) for each in responder.condition()] == [("openai", reason, 1)]
    absence = responder.absence()
    assert absence is not None
    assert absence.reason == f"openai: {reason}"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (said(404, code="model_not_found"), "no such model (HTTP 404)"),
        (said(503, "Loading model"), "model away (HTTP 503)"),
        (said(500), "model away (HTTP 500)"),
        (said(403), "key refused (HTTP 403)"),
    ],
    ids=["unknown", "loading", "broken", "barred"],
)
async def test_what_is_so_of_one_model_stays_with_it(asking: Asking, sent: bytes, reason: str) -> None:
    """The next one of the same server is asked."""
    async with wire({"tiny": sent}).serve() as server:
        responder = asking(url=server.url, fallbacks=1)
        _, answer = await ask(responder)

    assert (answer.text, answer.model) == (TEXT, "openai:other0")
    assert [(each.name, each.trouble) for each in responder.condition()] == [
        ("openai:tiny", reason),
        ("openai:other0", ""),
    ]


async def test_an_address_that_takes_no_connection_is_one_failure(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody says that nothing listens there: each attempt to connect lasts until the time is over."""
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(room, "TOLD_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        # A queue that is full lets every further connection wait.
        with socket.create_connection(address), pytest.raises(ModelFailed) as failed:
            await ask(asking(url=f"http://127.0.0.1:{address[1]}/v1", fallbacks=3))

    assert failed.value.reason == "openai: model away (no connection)"


@pytest.fixture
def pair() -> tuple[Peer, Peer]:
    """Return two models of one server."""
    endpoint = ModelEndpoint("openai:a", ("openai:b",), base_url=NOWHERE)
    first, second = peers(candidates(endpoint, {}, max_tokens=10, temperature=None), LlmSettings())
    return first, second


def test_one_probe_at_a_time_goes_to_a_provider(pair: tuple[Peer, Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of its models it asks for; its outcome counts for all."""
    first, second = pair
    now = [0.0]
    monkeypatch.setattr(first.provider, "_clock", lambda: now[0])
    monkeypatch.setattr(first.provider, "_dice", Random(3))
    assert first.provider is second.provider
    assert first.admit("a")
    now[0] += first.failed("a", GONE) + 0.001

    assert second.admit("b")
    assert not first.admit("c")
    second.failed("b", LOADING)

    assert first.admit("c")
    assert not second.admit("d")
    assert [each.condition().name for each in pair] == ["openai:a", "openai:b"]


@pytest.mark.parametrize(
    ("endpoint", "together"),
    [
        (ModelEndpoint("openai:a", ("openai:b", "openai:c"), base_url=NOWHERE), [0, 0, 0]),
        (ModelEndpoint("ollama:a", ("ollama:b", "openai:c"), base_url=NOWHERE), [0, 0, 1]),
        (ModelEndpoint("openai:a", ("openai-chat:b",)), [0, 0]),
        (ModelEndpoint("openai:a", ("openai-chat:b",), base_url=NOWHERE), [0, 1]),
        (ModelEndpoint("openai:a", ("openai-chat:b",), key_env="MINE"), [0, 1]),
    ],
    ids=["one", "two", "two protocols", "two addresses", "two keys"],
)
def test_models_are_together_by_provider_address_and_key(
    endpoint: ModelEndpoint, together: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever says of one that it is away says nothing of the others."""
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    found = peers(candidates(endpoint, {"MINE": "mine"}, max_tokens=10, temperature=None), LlmSettings())

    breakers = list(dict.fromkeys(each.provider for each in found))

    assert [breakers.index(each.provider) for each in found] == together


async def test_a_bot_names_a_provider_that_is_away_once(launch: Launch, control: ControlClient) -> None:
    """On its health page, in its metrics, in ``status`` and in ``check``, and in the log."""
    llm = {"model": "openai:tiny", "fallbacks": ["openai:other"], "base_url": NOWHERE}
    bot = await launch(replies={"responder": "llm"}, llm=llm)
    await control.post("question", mention="sandbox-bot")

    (delayed,) = await bot.judge.expect(ReplyDelayed)

    away = "openai: model away (no connection)"
    assert delayed.reason == away
    assert bot.bot.health().model == away
    status = await Moderation(bot.bot.context).status()
    assert "\n".join((status.title, *status.lines)).count(away) == 1
    assert sum("openai model away (no connection) for" in line for line in status.lines) == 1
    config = Config.model_validate({"replies": {"responder": "llm"}, "llm": llm})
    (result,) = await check_models(config, responders_of(config, {}))
    assert (result.name, result.status, result.found) == ("model", "fail", away)


async def test_a_bot_whose_provider_is_back_asks_its_first_model(launch: Launch, control: ControlClient) -> None:
    """And answers."""
    sent = {"tiny": said(503)}
    async with wire(sent).serve() as server:
        llm = {"model": "openai:tiny", "fallbacks": ["openai:other"], "base_url": server.url}
        bot = await launch(replies={"responder": "llm"}, llm=llm)
        await control.post("question", mention="sandbox-bot")
        await bot.judge.expect(ReplyDelayed)
        await eventually(lambda: bot.bot.conditions()[0].tries > 1)
        sent.clear()

        (composed,) = await bot.judge.expect(ReplyComposed)

    assert composed.model == "openai:tiny"
    assert {asked.body["model"] for asked in server.prompts} == {"tiny"}
