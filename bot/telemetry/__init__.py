"""For operators: log lines, metrics and health."""

from bot.telemetry.answers import log_answers
from bot.telemetry.logs import configure_logging
from bot.telemetry.metrics import Metrics
from bot.telemetry.server import Health, serve

__all__ = ["Health", "Metrics", "configure_logging", "log_answers", "serve"]
