"""The checks that ask the servers of language models whether they have the model, and how long prompts may be."""

from __future__ import annotations

from collections.abc import Mapping

from bot.cli.check_result import Result, failed, fine, warned
from bot.cli.output import printable
from bot.config import Config
from bot.moderation.command import ModerationError
from bot.moderation.control_socket import call
from bot.responders import Chain, Seen
from bot.responders.llm import pdf, pictures

NAMED = 5
"""The most models of a server's list that are named."""


async def check_models(config: Config, answering: Chain) -> list[Result]:
    """Ask about every model that the settings name. No model has to answer, so it costs nothing."""
    try:
        seen = [each for one in answering.members for each in await one.look()]
    finally:
        await answering.close()
    learnt = await _learnt(config) if seen else {}
    # A provider that is away is reported once, for the first of its models.
    told = {number: each for number, each in enumerate(seen) if each not in seen[:number]}
    return [_result(config, each, number, learnt.get(each.name, 0)) for number, each in told.items()]


async def _learnt(config: Config) -> Mapping[str, int]:
    """Return the length of prompts by model, as far as a running bot has found it out."""
    try:
        report = await call(config.log.path, "status", {})
    except ModerationError:
        return {}
    bot = report.data.get("bot") if report is not None and isinstance(report.data, dict) else None
    models = (bot or {}).get("models") or ()
    return {model["model"]: model["prompt_tokens"] or 0 for model in models}


def check_files(config: Config) -> list[Result]:
    """Say what has to be installed for the files that a model is to read."""
    if "llm" not in config.replies.responder or not config.llm.attachments_bytes:
        return []
    wanted = [("PDFs", pdf.installed(), pdf.MISSING)]
    wanted += [("images", pictures.installed(), pictures.MISSING)] if config.llm.images else []
    if missing := [(what, todo) for what, there, todo in wanted if not there]:
        what, todo = zip(*missing, strict=True)
        return [warned("files", f"{' and '.join(what)} are not read", f"{'; '.join(todo)}.")]
    return [fine("files", f"texts and {' and '.join(what for what, *_ in wanted)} are read")]


def _result(config: Config, seen: Seen, number: int, learnt: int) -> Result:
    name = f"fallback {number}" if number else "model"
    if seen.waits:
        todo = "Start its server, or correct llm.model, llm.base_url and the key: until then questions wait for it."
        return failed(name, f"{seen.name}: {seen.trouble}", todo)
    if seen.trouble or seen.models is None:
        return warned(name, f"{seen.name}: not checked, {seen.trouble or 'its server has no list of models'}")
    size = f"{_size(config, seen.tokens)}{_held(learnt)}"
    if seen.known:
        return fine(name, f"{seen.name} is there{size}")
    others = ", ".join(seen.models[:NAMED]) or "none"
    todo = f"Name one of these in llm.model: {printable(others)}; a server of one model may answer by any name."
    return warned(name, f"{seen.name} is not on its server's list{size}", todo)


def _size(config: Config, tokens: int) -> str:
    if not tokens:
        return "; its server does not say how many tokens it holds"
    wanted = config.llm.context_tokens + config.llm.max_tokens
    less = (
        f", fewer than llm.context_tokens and max_tokens ({wanted:,}): prompts are shortened" if tokens < wanted else ""
    )
    return f"; it holds {tokens:,} tokens{less}"


def _held(learnt: int) -> str:
    return f"; the bot that runs holds prompts to {learnt:,} tokens" if learnt else ""
