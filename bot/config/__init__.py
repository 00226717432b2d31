"""Settings: read once, checked as a whole, frozen, and passed on as plain values."""

from bot.config.load import load
from bot.config.model import Audit, Catchup, Channels, Config, Discord, Limits, Log, Replies, Rule, Telemetry
from bot.config.values import Rate

__all__ = [
    "Audit",
    "Catchup",
    "Channels",
    "Config",
    "Discord",
    "Limits",
    "Log",
    "Rate",
    "Replies",
    "Rule",
    "Telemetry",
    "load",
]
