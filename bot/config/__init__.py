"""Settings: read once, checked as a whole, frozen, and passed on as plain values."""

from bot.config.llm import Llm
from bot.config.load import Survey, load, survey
from bot.config.model import (
    Audit,
    Catchup,
    Channels,
    CommandRule,
    Config,
    Discord,
    Limits,
    Log,
    Moderation,
    Replies,
    Rule,
    Telemetry,
)
from bot.config.values import Rate
from bot.config.version import answering_version

__all__ = [
    "Audit",
    "Catchup",
    "Channels",
    "CommandRule",
    "Config",
    "Discord",
    "Limits",
    "Llm",
    "Log",
    "Moderation",
    "Rate",
    "Replies",
    "Rule",
    "Survey",
    "Telemetry",
    "answering_version",
    "load",
    "survey",
]
