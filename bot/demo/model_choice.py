"""Asks a server with OpenAI's protocol for its models, before anything else is started."""

from __future__ import annotations

import importlib.util
import json
import os
from http import HTTPStatus

import aiohttp
import yarl

from bot.cli.output import printable
from bot.demo.bot_process import DemoError
from bot.gateway.bodies import body_of

KEY = "OPENAI_API_KEY"
SECONDS = 10.0
SHOWN = 8
LONGEST = 8 * 2**20
"""Bytes of a list of models."""
_START = "is it running? (Ollama: `ollama serve`, then `ollama pull llama3.2`)"


def base_of(url: str) -> str:
    """Return the base address for the protocol's paths; raise DemoError when ``url`` is not an address."""
    text = url if "://" in url else f"http://{url}"
    try:
        address = yarl.URL(text)
    except ValueError as error:
        raise _no_address(url) from error
    if address.scheme not in {"http", "https"} or not address.host:
        raise _no_address(url)
    path = address.path.rstrip("/")
    return str(address.with_path(path or "/v1"))


def require_library() -> None:
    """Raise DemoError when the library of language models is not installed."""
    if importlib.util.find_spec("pydantic_ai") is None:
        raise DemoError("A language model needs a package that is not installed: pip install 'echoless[llm]'.")


async def choose(base_url: str, wanted: str | None) -> str:
    """Return the model to ask: ``wanted``, or the first that the server lists; raise DemoError when there is none."""
    listed = await _listed(base_url)
    if wanted is not None:
        if listed and not {wanted, f"{wanted}:latest"} & set(listed):
            raise DemoError(
                f"The server at {base_url} has no model {printable(wanted)}: it lists {_named(listed)}. "
                f"Name one of these, or have it fetched (Ollama: `ollama pull {printable(wanted)}`)."
            )
        return wanted
    if not listed:
        raise DemoError(
            f"The server at {base_url} lists no model: fetch one (Ollama: `ollama pull llama3.2`), or name one by "
            "--model."
        )
    return next((name for name in listed if "embed" not in name), listed[0])


async def _listed(base_url: str) -> list[str]:
    key = os.environ.get(KEY, "").strip()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session,
            session.get(f"{base_url}/models", headers=headers, allow_redirects=False) as response,
        ):
            if response.status != HTTPStatus.OK:
                raise _refused(base_url, response.status)
            found = json.loads(await body_of(response, LONGEST))
    except TimeoutError as error:
        raise DemoError(f"The server at {base_url} does not answer within {SECONDS:.0f} s: {_START}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise DemoError(f"There is no server at {base_url}: {_START}") from error
    except (ValueError, RecursionError) as error:
        raise _foreign(base_url) from error
    models = found.get("data") if isinstance(found, dict) else None
    if models is None and not (isinstance(found, dict) and "data" in found):
        raise _foreign(base_url)
    return [str(model["id"]) for model in models or () if isinstance(model, dict) and model.get("id")]


def _named(models: list[str]) -> str:
    more = " and others" if len(models) > SHOWN else ""
    return printable(", ".join(models[:SHOWN])) + more


def _refused(base_url: str, status: int) -> DemoError:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return DemoError(f"The server at {base_url} wants a key: set {KEY} in the environment.")
    if status == HTTPStatus.NOT_FOUND:
        return _foreign(base_url)
    return DemoError(f"The server at {base_url} answers with status {status}: look at what it says itself.")


def _foreign(base_url: str) -> DemoError:
    return DemoError(
        f"What answers at {base_url} does not speak OpenAI's protocol: give the address under which /models is, such "
        "as http://127.0.0.1:11434/v1 for Ollama."
    )


def _no_address(url: str) -> DemoError:
    return DemoError(f"{printable(url)} is no address: give one such as http://127.0.0.1:11434/v1.")
