"""What ``echoless check`` says of language models, each asked of a real server."""

from __future__ import annotations

import pytest
from pydantic_ai.models import override_allow_model_requests

from bot.app.responders import responders_of
from bot.cli.check_model import check_files, check_models
from bot.cli.check_result import Result
from bot.config import Config
from bot.core.events import ReplyComposed
from bot.responders.llm import pdf, pictures
from bot.sandbox.control_client import ControlClient
from tests.harness import Launch
from tests.responders.llm.wire import Asked, Wire, events, response, well

NOTHING = response({"error": "no such path"}, 404)


def listing(**more: object) -> bytes:
    """Return a list of one model."""
    return response({"object": "list", "data": [{"id": "tiny", "object": "model", **more}]})


async def checked(wire: Wire | None, model: str = "openai:tiny", folder: str = "data") -> Result:
    """Check one model."""
    base_url = wire.url if wire else "http://127.0.0.1:9/v1"
    config = Config.model_validate(
        {"replies": {"responder": "llm"}, "llm": {"model": model, "base_url": base_url}, "log": {"path": folder}}
    )
    (result,) = await check_models(config, responders_of(config, {}))
    return result


@pytest.mark.parametrize(
    ("sent", "status", "found"),
    [
        (listing(max_model_len=8192), "ok", "openai:tiny is there; it holds 8,192 tokens"),
        (
            listing(max_model_len=2048),
            "ok",
            (
                "openai:tiny is there; it holds 2,048 tokens, "
                "fewer than llm.context_tokens and max_tokens (4,000): prompts are shortened"
            ),
        ),
        (listing(), "ok", "openai:tiny is there; its server does not say how many tokens it holds"),
        (response({"error": "SECRET"}, 401), "fail", "openai:tiny: key refused (HTTP 401)"),
        (response("<html>", 503), "fail", "openai:tiny: model away (HTTP 503)"),
        (NOTHING, "warn", "openai:tiny: not checked, HTTP 404"),
        (response("<html>", kind="text/html"), "warn", "openai:tiny: not checked, its server has no list of models"),
    ],
)
async def test_what_a_server_says_is_told(sent: bytes, status: str, found: str) -> None:
    """Not in its words, and without a question that costs anything."""
    async with Wire(lambda asked: sent if asked.path == "/v1/models" else NOTHING).serve() as wire:
        result = await checked(wire)

    assert (result.name, result.status, result.found) == ("model", status, found)
    assert not wire.prompts


async def test_a_server_that_is_not_there_is_told() -> None:
    """With what to do."""
    result = await checked(None)

    assert (result.status, result.found) == ("fail", "openai:tiny: model away (no connection)")
    assert "Start its server" in result.todo


async def test_a_model_that_its_server_does_not_have_is_told() -> None:
    """With those that it has."""
    async with Wire(lambda asked: listing() if asked.path == "/v1/models" else NOTHING).serve() as wire:
        result = await checked(wire, "openai:large")

    assert (result.status, "openai:large is not on its server's list" in result.found) == ("warn", True)
    assert result.todo.startswith("Name one of these in llm.model: tiny;")


async def test_what_a_bot_that_runs_has_learnt_is_told(launch: Launch, control: ControlClient) -> None:
    """How long its prompts may be."""
    words = "long " * 380

    def answering(asked: Asked) -> bytes:
        if asked.path == "/v1/models":
            return listing()
        return NOTHING if "messages" not in asked.body else well(asked) if asked.size < 500 else events()

    wire = Wire(answering)
    with override_allow_model_requests(allow_model_requests=True):
        async with wire.serve():
            bot = await launch(replies={"responder": "llm"}, llm={"model": "openai:tiny", "base_url": wire.url})
            await control.post(words, mention="sandbox-bot")
            await bot.judge.expect(ReplyComposed)

            result = await checked(wire, folder=str(bot.bot._config.log.path))
            status = await bot.moderation.status()

    assert "; the bot that runs holds prompts to " in result.found
    assert any("models: openai:tiny no trouble, prompts of at most " in line for line in status.lines)


@pytest.mark.parametrize(
    ("llm", "missing", "found"),
    [
        pytest.param({}, set(), [("ok", "texts and PDFs are read", "")], id="no images wanted"),
        pytest.param({"images": True}, set(), [("ok", "texts and PDFs and images are read", "")], id="all there"),
        pytest.param({}, {"PIL"}, [("ok", "texts and PDFs are read", "")], id="what nobody needs"),
        pytest.param({}, {"pypdf"}, [("warn", "PDFs are not read", f"{pdf.MISSING}.")], id="no PDFs"),
        pytest.param(
            {"images": True},
            {"pypdf", "PIL"},
            [("warn", "PDFs and images are not read", f"{pdf.MISSING}; {pictures.MISSING}.")],
            id="neither",
        ),
        pytest.param({"attachments_bytes": 0}, {"pypdf"}, [], id="no files at all"),
    ],
)
def test_what_files_need_is_told(
    monkeypatch: pytest.MonkeyPatch, llm: dict[str, object], missing: set[str], found: list[tuple[str, str, str]]
) -> None:
    """By the name of the extra."""
    for module in (pdf, pictures):
        monkeypatch.setattr(module, "find_spec", lambda name: None if name in missing else name)
    config = Config.model_validate({"replies": {"responder": "llm"}, "llm": {"model": "openai:tiny", **llm}})

    assert [(each.status, each.found, each.todo) for each in check_files(config)] == found
    assert check_files(Config()) == []
