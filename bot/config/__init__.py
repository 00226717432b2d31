"""Settings: read once, checked as a whole, frozen, and passed on as plain values."""

from bot.config.llm import Llm
from bot.config.load import Survey, load, survey
from bot.config.model import (
    AuditSettings,
    CatchupSettings,
    ChannelsSettings,
    CommandRule,
    Config,
    DiscordSettings,
    LimitsSettings,
    LogSettings,
    ModerationSettings,
    RepliesSettings,
    RuleSettings,
    TelemetrySettings,
)
from bot.config.values import Rate
from bot.config.version import answering_version

__all__ = [
    "AuditSettings",
    "CatchupSettings",
    "ChannelsSettings",
    "CommandRule",
    "Config",
    "DiscordSettings",
    "LimitsSettings",
    "Llm",
    "LogSettings",
    "ModerationSettings",
    "Rate",
    "RepliesSettings",
    "RuleSettings",
    "Survey",
    "TelemetrySettings",
    "answering_version",
    "load",
    "survey",
]
