"""Make models of pydantic-ai from ``provider:model`` in the settings.

If something is missing (an SDK, a key, an address), the start fails with a sentence that says what to do.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from httpx2 import AsyncClient
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.openai import (
    OpenAIChatModel,
    OpenAIChatModelSettings,
    OpenAIResponsesModel,
    OpenAIResponsesModelSettings,
)
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers import Provider, infer_provider, infer_provider_class
from pydantic_ai.settings import ModelSettings

from bot.errors import ConfigError
from bot.responders.llm.http import client
from bot.responders.llm.prompt import PromptMessage
from bot.responders.llm.settings import ModelEndpoint
from bot.secret import secret_of

OLLAMA_URL = "http://127.0.0.1:11434/v1"
"""The default address of Ollama."""

_COMPATIBLE = frozenset({"openai", "ollama", "vllm"})
"""Providers whose name may stand for a server of one's own with OpenAI's protocol."""

_OTHER_CLIENTS = frozenset({"groq", "cohere", "huggingface"})
"""Providers whose ``http_client`` is one of another library, or is ignored."""

_NO_TAGS = ("\0think", "\0/think")
"""Tags that no model writes."""

_OPENAI_ITSELF = ("openai.com", "openai.azure.com")
_EXTRA = re.compile(r"pydantic-ai-slim\[([\w-]+)\]")
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")
_ADDRESS = ("base_url", "api_base", "azure_endpoint")
_KEY = ("api_key", "token")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model, its name in the settings and the price table, and the settings that it is asked with.

    ``provider`` is the same for all models of one provider at one address with one key: they are away together.
    ``client`` is the HTTP client, if it is ours to close. ``own``: the model is on a server of one's own.
    """

    name: str
    provider: str
    model: Model
    settings: ModelSettings
    client: AsyncClient | None = None
    own: bool = False

    @property
    def streaming(self) -> ModelSettings:
        """Return the settings for a stream."""
        if not isinstance(self.model, OpenAIChatModel):
            return self.settings
        # Some servers send in each piece the count of all tokens until then, so the last count is right, not the sum.
        # The request asks for a count at the end only, because other servers refuse to be asked for one in each piece.
        counted = OpenAIChatModelSettings(
            openai_continuous_usage_stats=True, extra_body={"stream_options": {"include_usage": True}}
        )
        return self.settings | counted


def candidates(
    endpoint: ModelEndpoint, environ: Mapping[str, str], *, max_tokens: int, temperature: float | None
) -> tuple[Candidate, ...]:
    """Return the models in the order in which they are asked, then those that are only chosen.

    Raises ConfigError for the first that can't be used.
    """
    if not endpoint.model:
        raise ConfigError(
            'No language model is named: set llm.model, for example to "ollama:llama3.2" or "openai:gpt-5-mini".'
        )
    key = _key(endpoint, environ)
    first = endpoint.model.partition(":")[0]
    found: list[Candidate] = []
    providers: dict[tuple[str, str, str], str] = {}
    asked = (endpoint.model, *endpoint.fallbacks)
    for name in (*asked, *(other for other in endpoint.models if other not in asked)):
        own = name.partition(":")[0] == first
        way = _way(name.partition(":")[0])
        model = _model(name, endpoint.base_url if own else "", key if own else "", environ, way)
        where = (model.system, model.base_url or "", key if own else "")
        provider = providers.setdefault(where, name.partition(":")[0])
        asked_with = _settings(model, max_tokens, temperature)
        found.append(Candidate(name, provider, model, asked_with, way, _is_own(model)))
    return tuple(found)


def to_model_messages(messages: Iterable[PromptMessage]) -> list[ModelMessage]:
    """Convert a prompt to messages of pydantic-ai."""
    written: list[ModelMessage] = []
    parts: list[ModelRequestPart] = []
    calls = 0
    for message in messages:
        if message.role == "assistant":
            calls += message.call is not None
            written += ModelRequest(parts=parts), ModelResponse(parts=_said(message, calls))
            parts = []
        elif message.call is not None:
            parts.append(ToolReturnPart(message.call.tool, message.text, _call_id(calls)))
        elif message.role == "system":
            parts.append(SystemPromptPart(message.text))
        else:
            images = [BinaryContent(image.data, media_type=_media_type(image.content_type)) for image in message.images]
            parts.append(UserPromptPart([message.text, *images] if images else message.text))
    return [*written, ModelRequest(parts=parts)]


def _said(message: PromptMessage, number: int) -> list[TextPart | ToolCallPart]:
    """Return what the assistant said, and the call that it asked for, the ``number``-th one."""
    if message.call is None:
        return [TextPart(message.text)]
    said = [TextPart(message.text)] if message.text else []
    return [*said, ToolCallPart(*message.call, _call_id(number))]


def _call_id(number: int) -> str:
    """Return the id of a call. Some providers want nine letters and digits."""
    return f"call{number:05}"


async def close(models: Iterable[Candidate]) -> None:
    """Close the connections of all models."""
    async with AsyncExitStack() as stack:
        for candidate in models:
            # Leaving a provider closes its client. It may not have been entered yet, if there was no request.
            await stack.enter_async_context(candidate.model)
            if candidate.client is not None:
                stack.push_async_callback(candidate.client.aclose)


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _key(endpoint: ModelEndpoint, environ: Mapping[str, str]) -> str:
    """Return the key that the settings point to, "" if they leave it to the provider's own variable."""
    return secret_of(endpoint.key_env, endpoint.key_file, environ, "key", "the provider's key")


def _model(name: str, base_url: str, key: str, environ: Mapping[str, str], way: AsyncClient | None) -> Model:
    provider = name.partition(":")[0]
    if provider == "openai" and base_url:
        # Most servers with OpenAI's protocol know only its older part, chat completions.
        name = f"openai-chat{name.removeprefix('openai')}"
    try:
        infer_provider_class(provider)
    except ValueError as error:
        raise ConfigError(f'"{name}" names no provider that there is: write llm.model as "provider:model".') from error
    except ImportError as error:
        raise _without_sdk(name, error) from error
    try:
        return _checked(infer_model(name, lambda wanted: _provider(wanted, base_url, key, environ, way)))
    except ImportError as error:
        raise _without_sdk(name, error) from error
    except UserError as error:
        raise _unusable(name, str(error)) from error


def _way(provider: str) -> AsyncClient | None:
    """Return a client of ours for a provider that accepts one; an unknown provider is reported elsewhere."""
    if provider in _OTHER_CLIENTS or provider.startswith("gateway/"):
        return None
    try:
        takes = inspect.signature(infer_provider_class(provider)).parameters
    except (ValueError, ImportError):
        return None
    return client() if "http_client" in takes else None


def _provider(name: str, base_url: str, key: str, environ: Mapping[str, str], way: AsyncClient | None) -> Provider[Any]:
    if name == "ollama" and not base_url and not environ.get("OLLAMA_BASE_URL"):
        base_url = OLLAMA_URL
    if base_url and name.partition("-")[0] in _COMPATIBLE and not urlsplit(base_url).path:
        base_url += "/v1"  # nearly all servers have it
    if not (base_url or key or way):
        return infer_provider(name)
    kind = infer_provider_class(name)
    takes = inspect.signature(kind).parameters
    given: dict[str, Any] = {"http_client": way} if way is not None else {}
    for value, names, setting in ((base_url, _ADDRESS, "llm.base_url"), (key, _KEY, "llm.key_env and llm.key_file")):
        parameter = next((each for each in names if each in takes), None)
        if value and parameter is None:
            raise ConfigError(f"The provider {name} takes no such setting: remove {setting}.")
        if value and parameter is not None:
            given[parameter] = value
    return kind(**given)


def _checked(model: Model) -> Model:
    """Have a stream that ends too early raise an error; by default pydantic-ai treats it as a whole answer.

    Thoughts in the text are left to us (:mod:`bot.responders.llm.hiding`).

    Also have a server of one's own told the limit of the answer under the name that it knows.
    """
    if not isinstance(model, OpenAIChatModel) or model.provider is None:
        return model
    # The text is left as it is: pydantic-ai would take tags of thoughts out of code, too, and only some from a stream.
    profile = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True, thinking_tags=_NO_TAGS)
    if _is_own(model):
        # Ollama and others accept the newer max_completion_tokens and ignore it.
        profile["openai_chat_supports_max_completion_tokens"] = False
    return type(model)(model.model_name, provider=model.provider, profile=profile)


def _is_own(model: Model) -> bool:
    """Tell whether a model is on a server of one's own with OpenAI's protocol."""
    if not isinstance(model, OpenAIChatModel) or model.provider is None:
        return False
    host = urlsplit(model.provider.base_url).hostname or ""
    return model.provider.name in _COMPATIBLE and not host.endswith(_OPENAI_ITSELF)


def _settings(model: Model, max_tokens: int, temperature: float | None) -> ModelSettings:
    settings = ModelSettings(max_tokens=max_tokens)
    if temperature is not None:
        settings["temperature"] = temperature
    if "max_retries" not in model.unsupported_settings:
        settings["max_retries"] = 0  # we choose the next model and the pause before it
    if isinstance(model, OpenAIResponsesModel):
        return settings | OpenAIResponsesModelSettings(openai_store=False)  # the provider must not keep people's words
    return settings


def _without_sdk(name: str, error: ImportError) -> ConfigError:
    extra = _EXTRA.search(str(error))
    return ConfigError(
        f"The model {name} needs a package that is not installed: pip install 'pydantic-ai-slim[{extra[1]}]'."
        if extra
        else f"The model {name} needs a package that is not installed ({error.name}): install it."
    )


def _unusable(name: str, said: str) -> ConfigError:
    """Return an error that names what a provider lacks: the variable that it names first, and alternatives to that."""
    variable = _VARIABLE.search(said)
    if variable is None:
        return ConfigError(f"The model {name} can't be used: correct llm.model, llm.base_url and the key.")
    address = variable[0].endswith(("URL", "ENDPOINT", "BASE"))
    elsewhere = (
        "set the address as llm.base_url" if address else "name a variable as llm.key_env or a file as llm.key_file"
    )
    return ConfigError(f"The model {name} can't be used yet: set {variable[0]} in the environment, or {elsewhere}.")
