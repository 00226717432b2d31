"""For operators: log lines, metrics and health."""

from bot.telemetry.answers import answer_log
from bot.telemetry.logs import configure_logging
from bot.telemetry.metrics import Metrics
from bot.telemetry.server import Health, serve, together

__all__ = ["Health", "Metrics", "answer_log", "configure_logging", "serve", "together"]
