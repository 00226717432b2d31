"""What a model server tells about itself, at no cost: its models, and the size of a model's context in tokens.

OpenAI's protocol has a list of models, but not the size of a context, so each server has its own way for that
(llama-server ``/props``, vLLM ``max_model_len``, LM Studio ``/api/v0/models``, Ollama ``/api/show`` and ``/api/ps``).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bot.responders.failure import Failure
from bot.responders.llm.failures import failure_of
from bot.responders.llm.models import Candidate
from bot.responders.protocol import Trouble

SECONDS = 5.0
_SMALLEST, _LARGEST = 16, 100_000_000
_IN_LIST = ("max_model_len", "loaded_context_length", "context_length", "context_window", "n_ctx")
_NUM_CTX = re.compile(r"^\s*num_ctx\s+(\d{2,8})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Told:
    """What a server tells; ``failure`` is why it tells nothing (None: it does).

    ``models`` are the names on its list (None: no readable list), ``known`` tells whether the model is on it, and
    ``context`` is the size of its context in tokens, prompt and answer together (0: not told).
    """

    models: tuple[str, ...] | None = None
    known: bool = False
    context: int = 0
    failure: Failure | None = None


async def ask(candidate: Candidate, seconds: float = SECONDS) -> Told:
    """Ask a model's server for its list and, if it is one's own, for the size of the context; never raises."""
    server = _Server(candidate, seconds)
    try:
        return await _told(server, candidate, seconds)
    except Exception as error:  # noqa: BLE001 - a server may send anything, so a library may raise anything
        return Told(failure=server.failure(error))


async def _told(server: _Server, candidate: Candidate, seconds: float) -> Told:
    name = candidate.model.model_name
    models = _entries(await server.get(server.list_path))
    entry = next((each for each in models or () if _is(each, name)), None)
    names = None if models is None else tuple(str(each.get("id")) for each in models)
    # A server with a single model usually answers to any name.
    only = models[0] if candidate.own and models and len(models) == 1 else None
    context = _size(entry or only) or (await _context(server, name, seconds) if candidate.own else 0)
    return Told(names, entry is not None, context)


class _Server:
    """Asks the server of a model, with the same address, client and key as for answers."""

    def __init__(self, candidate: Candidate, seconds: float) -> None:
        provider = candidate.model.provider
        self._client = provider.client if provider is not None else None
        self._options = {"timeout": seconds, "max_retries": 0}
        base = provider.base_url if provider is not None else ""
        parts = urlsplit(base)
        self.root = f"{parts.scheme}://{parts.netloc}"
        # With OpenAI's protocol the version is in the address; with others it is in the paths.
        self.list_path = "/models" if parts.path.strip("/") else "/v1/models"

    async def get(self, path: str) -> Any:  # noqa: ANN401 - anything that it sends
        """Return the response to a GET of a path or a whole address."""
        return await self._client.get(path, cast_to=object, options=self._options)  # type: ignore[union-attr]

    async def post(self, address: str, body: object) -> Any:  # noqa: ANN401 - anything that it sends
        """Return the response to a POST of a body."""
        return await self._client.post(  # type: ignore[union-attr]
            address, cast_to=object, body=body, options=self._options
        )

    def failure(self, error: Exception) -> Failure:
        """Return the failure that an error of a request means."""
        status = getattr(error, "status_code", None)
        if not hasattr(self._client, "get"):
            return Failure(Trouble.UNREADABLE, "this provider has no list of models")
        if isinstance(status, int):
            refused = status in {401, 403}
            trouble = Trouble.KEY if refused else Trouble.AWAY if status >= 500 else Trouble.UNREADABLE  # noqa: PLR2004
            return Failure(trouble, f"HTTP {status}", shared=trouble is not Trouble.UNREADABLE)
        if type(error).__name__ == "APITimeoutError":
            return Failure(Trouble.AWAY, f"silent for {self._options['timeout']:g} s", unhurried=True, shared=True)
        if type(error).__name__ == "APIConnectionError":
            return Failure(Trouble.AWAY, "no connection", shared=True)
        return failure_of(error, began=False)


async def _context(server: _Server, name: str, seconds: float) -> int:
    """Return the size of the context on a server of one's own, 0 if none of the ways gives it in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            for way in (_props, _lm_studio, _ollama):
                # It is a server of another kind, or sends something unreadable.
                with suppress(Exception):
                    if size := await way(server, name):
                        return size
    return 0


async def _props(server: _Server, _name: str) -> int:
    """Ask llama-server."""
    found = _table(await server.get(f"{server.root}/props"))
    return _number(_table(found.get("default_generation_settings")).get("n_ctx"))


async def _lm_studio(server: _Server, name: str) -> int:
    """Ask LM Studio."""
    models = _entries(await server.get(f"{server.root}/api/v0/models"))
    entry = next((each for each in models or () if _is(each, name)), None)
    return _number(_table(entry).get("loaded_context_length"))


async def _ollama(server: _Server, name: str) -> int:
    """Ask Ollama; the size set for the model comes first, then the loaded size, then the trained size."""
    shown = _table(await server.post(f"{server.root}/api/show", {"model": name}))
    found = _NUM_CTX.search(str(shown.get("parameters") or ""))
    if found:
        return _number(int(found[1]))
    loaded = _table(await server.get(f"{server.root}/api/ps")).get("models")
    entry = next((each for each in _tables(loaded) if _is(each, name)), None)
    if size := _size(entry):
        return size
    trained = _table(shown.get("model_info"))
    return next((_number(value) for key, value in trained.items() if str(key).endswith(".context_length")), 0)


def _entries(listed: Any) -> list[dict[str, Any]] | None:  # noqa: ANN401 - anything that a server sent
    """Return the models of a list, or None if it is no list of models."""
    data = _table(listed).get("data")
    return list(_tables(data)) if isinstance(data, list) else None


def _is(entry: dict[str, Any], name: str) -> bool:
    return any(entry.get(key) in (name, f"{name}:latest") for key in ("id", "name"))


def _size(entry: dict[str, Any] | None) -> int:
    """Return the size of the context in an entry of a list, 0 if it has none."""
    tables = (_table(entry), _table(_table(entry).get("meta")))
    return next((size for table in tables for key in _IN_LIST if (size := _number(table.get(key)))), 0)


def _tables(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - anything that a server sent
    return (each for each in (value if isinstance(value, list) else ()) if isinstance(each, dict))


def _table(value: Any) -> dict[str, Any]:  # noqa: ANN401 - anything that a server sent
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int:  # noqa: ANN401 - anything that a server sent
    return value if isinstance(value, int) and _SMALLEST <= value <= _LARGEST else 0
