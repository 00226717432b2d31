"""What ``/metrics`` and ``/healthz`` tell of a process: of its bots, their consumers, and logs kept in an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.app.bot import Bot
from bot.consumers.consumers import Consumers
from bot.consumers.status import State
from bot.eventlog.remote.standing import Standing
from bot.telemetry import Health, Metrics
from bot.telemetry.metrics import Consumed
from bot.times import SECOND


def watch_bot(metrics: Metrics, bot: Bot) -> None:
    """Show how a bot is doing among the metrics."""
    metrics.watch("hot_channels", lambda: bot.conversations.hot)
    metrics.watch("pending_replies", lambda: bot.conversations.pending)
    metrics.watch("writer_queue", lambda: bot.log.depth)
    metrics.watch("gateway_up", bot.current.connected.is_set)
    metrics.watch("log_writable", lambda: not (bot.healer.trouble or bot.log.trouble))
    metrics.watch("unreadable_events", lambda: len(bot.log.reader.quarantine.events))
    metrics.watch("unreadable_channels", lambda: len(bot.healer.unread))
    metrics.watch("backup_failing", lambda: bool(bot.backups.trouble))
    metrics.watch("backup_timestamp_seconds", lambda: bot.backups.taken_at / SECOND)
    metrics.watch("retention_failing", lambda: bool(bot.retention.trouble))
    metrics.watch("retention_timestamp_seconds", lambda: bot.retention.done_at / SECOND)
    for name in bot.consumers.names:
        metrics.watch_consumer(name, _figures(bot.consumers, name))
    if bot.conditions():
        metrics.watch("models_away", lambda: len(bot.models_away()))


def _figures(consumers: Consumers, name: str) -> Mapping[Consumed, Callable[[], float]]:
    return {
        "consumer_lag_events": lambda: consumers.lag(name),
        "consumer_parked_events": lambda: consumers.status(name).parked,
        "consumer_errors": lambda: consumers.status(name).errors,
        "consumer_up": lambda: consumers.status(name).state not in (State.WAITING, State.STOPPED),
    }


def watch_standing(metrics: Metrics, standing: Standing) -> None:
    """Show how the process stands to its log, and how far it follows."""
    metrics.watch("log_owner", lambda: standing.is_owner)
    metrics.watch("log_position", lambda: standing.follower.mark.position)
    metrics.watch("log_lag_seconds", lambda: standing.lag)
    metrics.watch("log_owner_silent_seconds", lambda: standing.silence)
    metrics.watch("log_claims", lambda: standing.follower.claims)


def health_of(standing: Standing) -> Health:
    """Return the health of a standby that waits."""
    return Health(
        gateway="waiting",
        log="unfollowed" if standing.trouble else "followed",
        pending=0,
        reasons=(standing.trouble,) if standing.trouble else (),
        role="standby",
    )
