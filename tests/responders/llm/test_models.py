"""From the settings to models, and what is said where one can't be used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import pytest
from pydantic_ai.messages import BinaryContent, ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart
from pydantic_ai.models.ollama import OllamaModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

from bot.errors import ConfigError
from bot.responders import File
from bot.responders.llm.models import Candidate, candidates, to_model_messages
from bot.responders.llm.prompt import PromptMessage
from bot.responders.llm.settings import ModelEndpoint

URL = "http://127.0.0.1:9/v1"
KEY = "sk-very-secret"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the keys of whoever runs the tests."""
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OLLAMA_BASE_URL",
        "OLLAMA_API_KEY",
        "DEEPSEEK_API_KEY",
        "VLLM_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)


def made(endpoint: ModelEndpoint, **environ: str) -> list[Candidate]:
    """Return the models."""
    return list(candidates(endpoint, environ, max_tokens=10, temperature=None))


def refusal(endpoint: ModelEndpoint, **environ: str) -> str:
    """Return the sentence with which they are refused."""
    with pytest.raises(ConfigError) as caught:
        made(endpoint, **environ)
    return str(caught.value)


def test_server_of_its_own_needs_no_key_and_is_spoken_to_in_the_older_protocol() -> None:
    """As vLLM, llama.cpp and most others want it."""
    (candidate,) = made(ModelEndpoint("openai:tiny", base_url=URL))

    assert isinstance(candidate.model, OpenAIChatModel)
    assert candidate.model.base_url.rstrip("/") == URL
    assert candidate.name == "openai:tiny"
    assert candidate.settings == {"max_tokens": 10, "max_retries": 0}


def test_openai_itself_keeps_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its newer protocol would by default."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    (candidate,) = made(ModelEndpoint("openai:gpt-5-mini"))

    assert isinstance(candidate.model, OpenAIResponsesModel)
    assert candidate.settings.get("openai_store") is False


def test_ollama_is_found_where_it_listens() -> None:
    """From nothing to a talking bot: no address, no key."""
    (candidate,) = made(ModelEndpoint("ollama:llama3.2"))

    assert isinstance(candidate.model, OllamaModel)
    assert candidate.model.base_url == "http://127.0.0.1:11434/v1/"


@pytest.mark.parametrize("model", ["openai:tiny", "openai-chat:tiny", "ollama:tiny", "vllm:tiny"])
def test_address_may_be_short(model: str) -> None:
    """The path that nearly every server has need not be written; another one stays."""
    addresses = ["http://127.0.0.1:9", "http://127.0.0.1:9/v1", "http://127.0.0.1:9/own/v2"]

    models = [made(ModelEndpoint(model, base_url=address))[0].model for address in addresses]

    assert [each.base_url for each in models] == [f"{URL}/", f"{URL}/", "http://127.0.0.1:9/own/v2/"]


@pytest.mark.parametrize(
    ("model", "address", "heeded"),
    [
        ("ollama:tiny", "", "max_tokens"),
        ("openai:tiny", URL, "max_tokens"),
        ("openai:gpt-5-mini", "https://eu.api.openai.com/v1", "max_completion_tokens"),
    ],
)
def test_length_of_an_answer_is_told_in_a_word_that_is_heeded(model: str, address: str, heeded: str) -> None:
    """Ollama and others take the newer one without heeding it; OpenAI's newest models refuse the older one."""
    (candidate,) = made(ModelEndpoint(model, base_url=address))

    newer = dict(candidate.model.profile).get("openai_chat_supports_max_completion_tokens", True)

    assert ("max_completion_tokens" if newer else "max_tokens") == heeded


def test_key_comes_from_a_variable_or_a_file(tmp_path: Path) -> None:
    """The models of the first one's provider get it, and nobody else's."""
    path = tmp_path / "key"
    path.write_text(f" {KEY}\n")
    by_name = ModelEndpoint("openai:a", ("openai:b", "ollama:c"), base_url=URL, key_env="MY_KEY")
    by_file = ModelEndpoint("deepseek:a", key_file=path)

    named, filed = made(by_name, MY_KEY=KEY), made(by_file)

    keys = [candidate.model.provider.client.api_key for candidate in [*named, *filed] if candidate.model.provider]
    assert keys == [KEY, KEY, "api-key-not-set", KEY]
    assert [URL, URL] == [str(each.model.base_url).rstrip("/") for each in named[:2]]
    assert named[2].model.base_url == "http://127.0.0.1:11434/v1/"


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        pytest.param(ModelEndpoint(""), "No language model is named: set llm.model", id="none is named"),
        pytest.param(
            ModelEndpoint("anthropic:claude"),
            "The model anthropic:claude needs a package that is not installed: "
            "pip install 'pydantic-ai-slim[anthropic]'.",
            id="an SDK is missing",
        ),
        pytest.param(
            ModelEndpoint("openai:gpt-5"),
            "The model openai:gpt-5 can't be used yet: set OPENAI_API_KEY in the environment, "
            "or name a variable as llm.key_env or a file as llm.key_file.",
            id="a key is missing",
        ),
        pytest.param(ModelEndpoint("openai:a", ("deepseek:b",), URL), "set DEEPSEEK_API_KEY", id="a fallback's key is"),
        pytest.param(
            ModelEndpoint("opnai:gpt-5"), '"opnai:gpt-5" names no provider that there is', id="no such provider"
        ),
        pytest.param(
            ModelEndpoint("deepseek:x", base_url=URL),
            "takes no such setting: remove llm.base_url",
            id="an address too many",
        ),
        pytest.param(
            ModelEndpoint("openai:x", key_env="MY_KEY"),
            "no key in the environment variable MY_KEY",
            id="an empty variable",
        ),
        pytest.param(
            ModelEndpoint("openai:x", key_file=Path("/no/key")), "key file /no/key can't be read", id="no file"
        ),
        pytest.param(ModelEndpoint("heroku:x", base_url=URL), "set HEROKU_INFERENCE_KEY", id="another provider's key"),
        pytest.param(
            ModelEndpoint("vllm:x"),
            "set VLLM_BASE_URL in the environment, or set the address as llm.base_url.",
            id="an address is missing",
        ),
    ],
)
def test_model_that_cannot_be_used_is_refused_with_what_to_do(endpoint: ModelEndpoint, says: str) -> None:
    """At the start, before anything runs."""
    assert says in refusal(endpoint)


def test_refusal_never_shows_a_key(tmp_path: Path) -> None:
    """Not even one that can't be one."""
    path = tmp_path / "key"
    path.write_text(f"{KEY} twice")

    assert KEY not in refusal(ModelEndpoint("openai:x", key_file=path))
    assert KEY not in refusal(ModelEndpoint("openai:x", key_env="A"), A=f"{KEY}\n{KEY}")


def test_prompt_is_written_in_pydantic_ais_words() -> None:
    """System and first words of people are one request; images go along."""
    image = File(1, "a.png", "image/PNG; x", b"png")
    messages = to_model_messages(
        [
            PromptMessage("system", "s"),
            PromptMessage("user", "u"),
            PromptMessage("assistant", "a"),
            PromptMessage("user", "v", (image,)),
        ]
    )

    first, answer, last = messages
    assert isinstance(first, ModelRequest)
    assert [type(part) for part in first.parts] == [SystemPromptPart, UserPromptPart]
    assert isinstance(answer, ModelResponse)
    assert answer.parts == [TextPart("a")]
    assert isinstance(last, ModelRequest)
    assert last.parts == [UserPromptPart(["v", BinaryContent(b"png", media_type="image/png")], timestamp=ANY)]


def test_temperature_is_sent_where_it_is_set() -> None:
    """And left to the model otherwise."""
    endpoint = replace(ModelEndpoint("openai:tiny"), base_url=URL)

    (candidate,) = candidates(endpoint, {}, max_tokens=10, temperature=0.5)

    assert candidate.settings.get("temperature") == 0.5
