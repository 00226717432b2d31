"""What a model server tells of itself: which models it has, and how many tokens a model holds. Asking costs nothing.

A list of models is part of OpenAI's protocol; how long a prompt may be is not, so that each server has a way of its own
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

from bot.responders.llm.failures import Failure, failure_of
from bot.responders.llm.models import Candidate
from bot.responders.protocol import Trouble

SECONDS = 5.0
_SMALLEST, _LARGEST = 16, 100_000_000
_IN_LIST = ("max_model_len", "loaded_context_length", "context_length", "context_window", "n_ctx")
_NUM_CTX = re.compile(r"^\s*num_ctx\s+(\d{2,8})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Told:
    """What a server tells; ``failure`` is why it does not (None: it does).

    ``models`` are the names of those that it lists (None: it has no list that can be read), ``known`` tells whether the
    model is among them, ``context`` is how many tokens it holds, prompt and answer together (0: it does not say).
    """

    models: tuple[str, ...] | None = None
    known: bool = False
    context: int = 0
    failure: Failure | None = None


async def ask(candidate: Candidate, seconds: float = SECONDS) -> Told:
    """Ask the server of a model for its list, and one's own server for the size of the context; never raises."""
    server = _Server(candidate, seconds)
    try:
        return await _told(server, candidate, seconds)
    except Exception as error:  # noqa: BLE001 - a server may send anything, and a library may make anything of it
        return Told(failure=server.failure(error))


async def _told(server: _Server, candidate: Candidate, seconds: float) -> Told:
    name = candidate.model.model_name
    models = _entries(await server.get(server.list_path))
    entry = next((each for each in models or () if _is(each, name)), None)
    names = None if models is None else tuple(str(each.get("id")) for each in models)
    # A server of one model mostly answers by whatever name it is asked.
    only = models[0] if candidate.own and models and len(models) == 1 else None
    context = _size(entry or only) or (await _context(server, name, seconds) if candidate.own else 0)
    return Told(names, entry is not None, context)


class _Server:
    """Asks the server of a model by the way, and with the key, by which it is asked for answers."""

    def __init__(self, candidate: Candidate, seconds: float) -> None:
        provider = candidate.model.provider
        self._client = provider.client if provider is not None else None
        self._options = {"timeout": seconds, "max_retries": 0}
        base = provider.base_url if provider is not None else ""
        parts = urlsplit(base)
        self.root = f"{parts.scheme}://{parts.netloc}"
        # What speaks OpenAI's protocol has the version in its address; others have it in their paths.
        self.list_path = "/models" if parts.path.strip("/") else "/v1/models"

    async def get(self, path: str) -> Any:  # noqa: ANN401 - whatever it sends
        """Return what it sends for a path, or a whole address."""
        return await self._client.get(path, cast_to=object, options=self._options)  # type: ignore[union-attr]

    async def post(self, address: str, body: object) -> Any:  # noqa: ANN401 - whatever it sends
        """Return what it sends in answer to a body."""
        return await self._client.post(  # type: ignore[union-attr]
            address, cast_to=object, body=body, options=self._options
        )

    def failure(self, error: Exception) -> Failure:
        """Return what an error in asking it means."""
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
    """Return how many tokens a model of one's own server holds, 0 where none of the ways tells in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            for way in (_props, _lm_studio, _ollama):
                # The server is another one, or sends what nobody can read.
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
    """Ask Ollama: what is set for the model, what it was loaded with, at last what it was trained with."""
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


def _entries(listed: Any) -> list[dict[str, Any]] | None:  # noqa: ANN401 - whatever a server sent
    """Return the models of a list, None where it is none."""
    data = _table(listed).get("data")
    return list(_tables(data)) if isinstance(data, list) else None


def _is(entry: dict[str, Any], name: str) -> bool:
    return any(entry.get(key) in (name, f"{name}:latest") for key in ("id", "name"))


def _size(entry: dict[str, Any] | None) -> int:
    """Return the size of the context that an entry of a list tells, 0 where it does not."""
    tables = (_table(entry), _table(_table(entry).get("meta")))
    return next((size for table in tables for key in _IN_LIST if (size := _number(table.get(key)))), 0)


def _tables(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - whatever a server sent
    return (each for each in (value if isinstance(value, list) else ()) if isinstance(each, dict))


def _table(value: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a server sent
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int:  # noqa: ANN401 - whatever a server sent
    return value if isinstance(value, int) and _SMALLEST <= value <= _LARGEST else 0
