"""From the settings to who answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.app.responders import responders_of, why_silent, why_unasked
from bot.config import Config, load
from bot.errors import ConfigError

LLM = "[llm]\nmodel = 'openai:tiny'\nbase_url = 'http://127.0.0.1:9/v1'\n"


def config(tmp_path: Path, text: str) -> Config:
    """Return the settings of a file."""
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, {})


@pytest.mark.parametrize(
    ("named", "names"),
    [
        pytest.param("'rules'", ["rules"], id="rules"),
        pytest.param("'llm'", ["llm"], id="a model"),
        pytest.param("['rules', 'llm']", ["rules", "llm"], id="rules first, then a model"),
    ],
)
def test_one_line_says_who_answers(tmp_path: Path, named: str, names: list[str]) -> None:
    """Alone or in a row."""
    answering = responders_of(config(tmp_path, f"{LLM}[replies]\nresponder = {named}"), {})

    assert names == [member.name for member in answering.members]


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    """Of files, of rules, of models."""
    text = (
        "[replies]\nresponder = ['rules', 'llm']\n"
        "[[rules]]\nmatch = '(?P<word>x)'\nreply = '{fact}'\nfacts = 'no.json'\n[[rules]]\nmatch = '('\nreply = 'b'\n"
    )

    with pytest.raises(ConfigError) as caught:
        responders_of(config(tmp_path, text), {})

    files, rules, models = caught.value.problems
    assert files.startswith(f"{tmp_path}/no.json: there is no such file")
    assert rules.startswith("Rule 2 (line 7): `match` does not compile")
    assert "set llm.model" in models


def test_model_that_is_not_named_is_asked_for(tmp_path: Path) -> None:
    """With an example."""
    with pytest.raises(ConfigError, match=r"set llm\.model, for example"):
        responders_of(config(tmp_path, "[replies]\nresponder = 'llm'"), {})


def test_limit_of_cost_needs_prices(tmp_path: Path) -> None:
    """Of every model that may be asked: without them the limit would never be reached. 0 is one."""
    text = (
        "[replies]\nresponder = 'llm'\n[limits]\ncost_per_day = 1\n"
        f"{LLM}fallbacks = ['openai:other']\n[llm.prices]\ntiny = {{ in = 1, out = 2 }}\n"
    )

    with pytest.raises(ConfigError, match=r"llm\.prices has no price for openai:other: add what it costs"):
        responders_of(config(tmp_path, text), {})

    assert responders_of(config(tmp_path, f"{text}'openai:other' = {{ in = 0, out = 0 }}\n"), {}).first.name == "llm"


def test_missing_package_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is started."""
    for name in [name for name in sys.modules if name.startswith("bot.responders.llm.") and name.endswith("responder")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "bot.responders.llm.models", None)

    with pytest.raises(ConfigError, match=r"pip install 'echoless\[llm\]'"):
        responders_of(config(tmp_path, f"{LLM}[replies]\nresponder = 'llm'"), {})


@pytest.mark.parametrize(("named", "imported"), [("rules", False), ("llm", True)])
def test_who_has_no_model_does_not_import_its_library(tmp_path: Path, named: str, *, imported: bool) -> None:
    """It takes seconds and memory."""
    config(tmp_path, f"{LLM}[replies]\nresponder = '{named}'")
    code = (
        "import sys; import bot.app.bot; from bot.app.responders import responders_of; from bot.config import load; "
        "responders_of(load(None, {}), {}); print('pydantic_ai' in sys.modules)"
    )

    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == str(imported)


CATCH_ALL = "[[rules]]\nmatch = '!a'\nreply = 'b'\n[[rules]]\nmatch = '(?s).*'\nreply = 'hello'\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "There are no rules", id="no rules, no model"),
        pytest.param(f"{CATCH_ALL}[replies]\nanswer = []", "replies.answer is empty", id="nobody is listened to"),
        pytest.param(f"{LLM}[replies]\nresponder = 'llm'\nanswer = ['rule']", "there are no rules", id="rules alone"),
        pytest.param(f"{CATCH_ALL}[replies]\nanswer = []\nask = true", "", id="commands alone"),
        pytest.param(f"{LLM}[replies]\nresponder = 'llm'", "", id="a model"),
        pytest.param(CATCH_ALL, "", id="rules"),
    ],
)
def test_settings_that_answer_nothing_say_why(tmp_path: Path, text: str, said: str) -> None:
    """And what to do."""
    reason = why_silent(config(tmp_path, text))

    assert said in reason
    assert bool(said) == bool(reason)


@pytest.mark.parametrize(
    ("responder", "said"), [("['rules', 'llm']", "Rule 2 matches"), ("['llm', 'rules']", ""), ("'rules'", "")]
)
def test_a_rule_that_leaves_nothing_to_the_model_is_named(tmp_path: Path, responder: str, said: str) -> None:
    """The settings that ``init`` writes have one."""
    reason = why_unasked(config(tmp_path, f"{CATCH_ALL}{LLM}[replies]\nresponder = {responder}"))

    assert said in reason
    assert bool(said) == bool(reason)
