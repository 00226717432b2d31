"""``echoless demo --llm``: the whole of it, with real processes and a server in OpenAI's protocol."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest
from aiohttp import web

from bot.demo.bot_process import DemoError
from bot.demo.model_choice import base_of, choose
from bot.sandbox.child_process import tethered
from tests.cli.conftest import Run
from tests.responders.llm.model_server import Fault, ModelServer, Script
from tests.waiting import PATIENCE

pytestmark = pytest.mark.long


async def demo(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the demo the way a user does, and return its exit code and its report."""
    process = await asyncio.create_subprocess_exec(
        *tethered(sys.executable, "-m", "bot", "demo", "--json", *arguments), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()
    return process.returncode or 0, json.loads(output)


@pytest.mark.slow
async def test_people_ask_a_model() -> None:
    """Rules answer first, the model the rest, once each; nobody else's talk reaches it as a question."""
    async with ModelServer().serve() as server:
        code, report = await demo("--llm", server.url)

    assert code == 0, report
    assert (report["ok"], report["lost"], report["doubled"], report["problems"]) == (True, 0, 0, [])
    assert report["posted"] == report["recorded"] == 5
    assert sorted(each["by"] for each in report["exchanges"]) == ["openai:tiny", "openai:tiny", "openai:tiny", "rules"]
    assert all(each["tokens_in"] and each["tokens_out"] for each in report["exchanges"] if each["by"] != "rules")
    assert len(server.requests) == 3


@pytest.mark.slow
async def test_a_key_that_is_refused_ends_it() -> None:
    """Waiting would not help before somebody corrects it."""
    async with ModelServer().serve() as server:
        server.script = Script(fault=Fault.UNAUTHORIZED)
        code, report = await demo("--llm", server.url)

    assert code == 1
    assert report["trouble"] == "Given up waiting: openai:tiny: key refused (HTTP 401)."
    assert [each["trouble"] for each in report["exchanges"]] == ["openai:tiny: key refused (HTTP 401)"]


@pytest.mark.slow
async def test_a_model_that_refuses_is_told() -> None:
    """Nothing is lost, but nobody was answered by it."""
    async with ModelServer().serve() as server:
        server.script = Script(fault=Fault.FILTERED)
        code, report = await demo("--llm", server.url)

    assert code == 1
    assert (report["ok"], report["trouble"]) == (False, "")
    assert all(each["trouble"] for each in report["exchanges"] if each["by"] != "rules")


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ("127.0.0.1:11434/", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
        ("https://models.example/openai/v2", "https://models.example/openai/v2"),
    ],
)
def test_the_address_may_be_short(url: str, base: str) -> None:
    """The path that nearly every server has need not be typed."""
    assert base_of(url) == base


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "http://[", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    """In a sentence with an example."""
    with pytest.raises(DemoError, match=r"is no address: give one such as"):
        base_of(url)


@pytest.mark.parametrize(
    ("listed", "wanted", "chosen"),
    [
        (["a", "b"], None, "a"),
        (["nomic-embed-text", "b"], None, "b"),
        (["a", "b"], "b", "b"),
        (["llama3.2:latest"], "llama3.2", "llama3.2"),
        ([], "c", "c"),
    ],
)
async def test_which_model_is_asked(listed: list[str], wanted: str | None, chosen: str) -> None:
    """The one that is named, or the first; one that only embeds can't talk."""
    async with ModelServer().serve() as server:
        server.models = listed

        assert await choose(server.url, wanted) == chosen


async def test_a_server_without_the_model_is_told() -> None:
    """With what it has instead, or how to get one."""
    async with ModelServer().serve() as server:
        with pytest.raises(DemoError, match="has no model nix: it lists tiny"):
            await choose(server.url, "nix")
        server.models = ()
        with pytest.raises(DemoError, match="lists no model: fetch one"):
            await choose(server.url, None)


@pytest.mark.parametrize(
    ("response", "says"),
    [
        ({"status": 401}, "wants a key: set OPENAI_API_KEY"),
        ({"status": 404}, "does not speak OpenAI's protocol"),
        ({"status": 503}, "answers with status 503"),
        ({"text": "<html>"}, "does not speak OpenAI's protocol"),
        ({"text": "[]"}, "does not speak OpenAI's protocol"),
    ],
)
async def test_a_server_of_another_kind_is_told(response: dict[str, Any], says: str) -> None:
    """Whatever listens there."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(**response)

    app = web.Application()
    app.router.add_get("/v1/models", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        with pytest.raises(DemoError, match=says):
            await choose(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", None)
    finally:
        await runner.cleanup()


def test_nobody_listening_is_told(run: Run, unused_tcp_port: int) -> None:
    """At once, before anything is started."""
    ran = run("demo", "--llm", f"http://127.0.0.1:{unused_tcp_port}")

    assert ran.code == 1
    assert "There is no server at" in ran.err


def test_a_model_needs_its_server(run: Run) -> None:
    """Without an address there is nobody to ask."""
    assert run("demo", "--model", "tiny").code == 2
