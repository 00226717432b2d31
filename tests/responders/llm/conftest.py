"""A model server on this machine, and a responder that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from bot.responders.llm.responder import LlmResponder, build_responder
from bot.responders.llm.settings import LlmSettings, ModelEndpoint
from tests.responders.llm.asking import PATIENT, Asking
from tests.responders.llm.model_server import ModelServer


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """Serve a model that answers at once."""
    async with ModelServer().serve() as running:
        yield running


@pytest.fixture
async def asking(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asking]:
    """Make responders that ask the server; settings come by name, ``fallbacks`` are as many models as it says.

    After them, ``elsewhere`` are as many that another provider asks of the server.
    """
    async with AsyncExitStack() as stack:

        def make(*, fallbacks: int = 0, elsewhere: int = 0, url: str = "", **changes: object) -> LlmResponder:
            others = [f"openai:other{number}" for number in range(fallbacks)]
            others += [f"ollama:elsewhere{number}" for number in range(elsewhere)]
            environ = {"OLLAMA_BASE_URL": url or server.url} if elsewhere else {}
            for name, value in environ.items():
                monkeypatch.setenv(name, value)
            endpoint = ModelEndpoint("openai:tiny", tuple(others), base_url=url or server.url)
            settings = replace(LlmSettings(patience=PATIENT), **changes)  # type: ignore[arg-type]
            responder = build_responder(endpoint, settings, environ)
            stack.push_async_callback(responder.close)
            return responder

        yield make
