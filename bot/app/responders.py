"""Makes the responders that the settings name."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

from bot.config import Config
from bot.config.llm import Llm
from bot.errors import ConfigError
from bot.moderation.text import count_text
from bot.responders import Chain, Question, Responder, Rule, RulesResponder, compile_rules, load_facts
from bot.responders.llm.prices import Price, price_of
from bot.responders.llm.settings import PERSONA, LlmSettings, ModelEndpoint, ModelPatience, PictureLimits
from bot.responders.load import load

_NONSENSE = "qzx 7f3 wvj?"
"""Words for which nobody writes a rule."""
_LLM = "bot.responders.llm.responder"
_HTTP = "bot.responders.http.responder"
_OURS = ("http", "llm", "rules")
_CALLS = {"mention": "mentions", "reply": "replies", "dm": "direct messages", "rule": "what a rule matches"}


def responders_of(config: Config, environ: Mapping[str, str] = os.environ) -> Chain:
    """Return the responders that the settings name; raise ConfigError, which names all problems.

    ``environ`` holds the keys of language models.
    """
    made: list[Responder] = []
    problems: list[str] = []
    for name in config.replies.responder:
        try:
            made.append(_responder(config, name, environ))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return Chain(made)


def _responder(config: Config, name: str, environ: Mapping[str, str]) -> Responder:
    match name:
        case "rules":
            return rules_of(config)
        case "llm":
            return _llm(config, environ)
        case "http":
            return _http(config, environ)
        case _:
            return load(name, config.responders.get(name, {}), config.folder, _OURS)


def rules_of(config: Config) -> RulesResponder:
    """Return only the rules, for explaining answers without asking for any. They need no key and no library."""
    facts: dict[Path, Mapping[str, str]] = {}
    problems: list[str] = []
    for path in sorted({rule.facts for rule in config.rules if rule.facts is not None}):
        try:
            facts[path] = load_facts(path)
        except ConfigError as error:
            facts[path] = {}
            problems += error.problems
    specs = [
        Rule(
            number=number,
            match=rule.match,
            reply=rule.reply,
            ignore_case=rule.ignore_case,
            facts=facts[rule.facts] if rule.facts else None,
            line=rule.line,
        )
        for number, rule in enumerate(config.rules, 1)
    ]
    try:
        made = compile_rules(specs)
    except ConfigError as error:
        raise ConfigError(*problems, *error.problems) from None
    if problems:
        raise ConfigError(*problems)
    return made


def answered(config: Config) -> dict[str, str]:
    """Return words for what the bot answers, by what, for whom and where, to be shown at its start."""
    replies, channels = config.replies, config.channels
    further = {
        "/ask": replies.ask,
        f"what is said to {', '.join(replies.names)}": replies.names,
        f"all of {count_text(len(replies.answer_all), 'place')}": replies.answer_all,
        "its threads": replies.threads or replies.open_threads,
    }
    calls = [_CALLS[call] for call in replies.answer] + [name for name, there in further.items() if there]
    where = f"{len(channels.answer)} named in channels.answer" if channels.answer else "wherever it may read"
    return {
        "what": ", ".join(calls),
        "by": ", then ".join(_named(config, name) for name in replies.responder),
        "whom": "people and bots" if replies.answer_bots else "people",
        "where": f"{where}, but for {len(channels.no_answer)} in no_answer" if channels.no_answer else where,
    }


def why_silent(config: Config) -> str:
    """Return why these settings answer nothing at all, and what to do; "" if they answer something."""
    replies = config.replies
    if replies.responder == ("rules",) and not config.rules:
        return "There are no rules: add a table [[rules]] (`echoless init` writes some to begin with), or name a model."
    elsewhere = replies.ask or replies.names or replies.answer_all
    if not replies.answer and not elsewhere:
        return "replies.answer is empty: name what is to be answered, such as mention, reply and dm."
    ours = set(replies.responder).issubset(_OURS)
    if replies.answer == ("rule",) and ours and not config.rules and not elsewhere:
        return "replies.answer names only what a rule matches, and there are no rules: add a table [[rules]]."
    return ""


def why_unasked(config: Config) -> str:
    """Return why the model or answerer in these settings is never asked, and what to do; "" if it is asked."""
    names = config.replies.responder
    if names not in (("rules", "llm"), ("rules", "http")):
        return ""
    answer = rules_of(config).answer(Question(0, 0, 0, "", _NONSENSE))
    if answer is None:
        return ""
    what = f'"{names[1]}"'
    return f"Rule {answer.rule} matches whatever is said, so {what} is never asked: take it out, or put {what} first."


def _named(config: Config, name: str) -> str:
    if name == "rules":
        return count_text(len(config.rules), "rule")
    return " or ".join((config.llm.model, *config.llm.fallbacks)) if name == "llm" else name


def _llm(config: Config, environ: Mapping[str, str]) -> Responder:
    """Return the responder of language models. Its library takes seconds to import, so it is imported here."""
    llm, settings = config.llm, llm_settings(config.llm)
    endpoint = ModelEndpoint(llm.model, llm.fallbacks, llm.base_url, llm.key_env, llm.key_file, llm.models)
    if config.limits.cost_per_day is not None:
        _require_prices(endpoint, settings)
    try:
        module = importlib.import_module(_LLM)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The responder llm needs a package that is not installed ({error.name}): pip install 'echoless[llm]'."
        ) from error
    made: Responder = module.build_responder(endpoint, settings, environ)
    return made


def _http(config: Config, environ: Mapping[str, str]) -> Responder:
    """Return the responder that asks an answerer elsewhere."""
    module = importlib.import_module(_HTTP)
    table = config.responders.get("http", {})
    made: Responder = module.build_responder(table, config.folder, environ, lambda: time.time_ns() / 1e9)
    return made


def llm_settings(llm: Llm) -> LlmSettings:
    """Return the settings of the responder llm."""
    return LlmSettings(
        persona=llm.persona or PERSONA,
        context_tokens=llm.context_tokens,
        max_tokens=llm.max_tokens,
        temperature=llm.temperature,
        streaming=llm.stream,
        patience=ModelPatience(llm.first_token.total_seconds(), llm.between.total_seconds(), llm.total.total_seconds()),
        concurrency=llm.concurrency,
        images=llm.images,
        attachment_bytes=llm.attachments_bytes,
        pictures=PictureLimits(llm.image_side, llm.image_bytes, llm.image_formats),
        prices={
            model: Price(price.read, price.written, price.cached, price.reasoning)
            for model, price in llm.prices.items()
        },
    )


def _require_prices(endpoint: ModelEndpoint, settings: LlmSettings) -> None:
    """Raise ConfigError for a model without a price, for which a limit of cost would never be reached."""
    for model in filter(None, (endpoint.model, *endpoint.fallbacks, *endpoint.models)):
        if price_of(settings.prices, model) is None:
            raise ConfigError(
                f"limits.cost_per_day is set, and llm.prices has no price for {model}: add what it costs, or "
                "{ in = 0, out = 0 } where that is nothing."
            )
