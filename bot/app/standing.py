"""What a process tells of a log in an engine in ``/healthz`` and ``/metrics``, as its standby and as its owner."""

from __future__ import annotations

from bot.eventlog.remote.standing import Standing
from bot.telemetry import Health, Metrics


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
