"""Metrics for Prometheus. The only labels are event types: no ids, no names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.exposition import generate_latest

from bot import __version__
from bot.core.conversation import Conversation
from bot.core.events import Recorded
from bot.times import SECOND

Watched = Literal[
    "hot_channels",
    "pending_replies",
    "writer_queue",
    "gateway_up",
    "log_writable",
    "models_away",
    "backup_failing",
    "backup_timestamp_seconds",
    "unreadable_events",
    "unreadable_channels",
    "retention_failing",
    "retention_timestamp_seconds",
]
WATCHED: dict[Watched, str] = {
    "hot_channels": "Channels whose state is in memory.",
    "pending_replies": "Replies requested or composed, not yet finished.",
    "writer_queue": "Appends that wait for the log's writer.",
    "gateway_up": "1 while Discord's gateway is connected.",
    "log_writable": "1 while the log accepts events.",
    "models_away": "Language models that can't be asked just now.",
    "backup_failing": "1 while the last try to take a backup failed.",
    "backup_timestamp_seconds": "When this process took its last backup, 0 before the first.",
    "unreadable_events": "Events that can't be read and are skipped, as far as they were come upon.",
    "unreadable_channels": "Channels that can't be read from the log just now.",
    "retention_failing": "1 while the last try to erase old words failed.",
    "retention_timestamp_seconds": "When this process last erased old words, 0 before the first time.",
}


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._events = Counter("echoless_events", "Events appended.", ["type"], registry=self._registry)
        self._by_type: dict[str, Counter] = {}
        self._last_event = Gauge(
            "echoless_last_event_timestamp_seconds", "When the last event was recorded.", registry=self._registry
        )
        release = Gauge("echoless_release", "The release that runs.", ["version"], registry=self._registry)
        release.labels(__version__).set(1)

    def observe(self, _channel_id: int, _state: Conversation, new: tuple[Recorded, ...]) -> None:
        """Count newly appended events; loaded and replayed ones are not counted."""
        for entry in new:
            self._counter(entry.event.TYPE).inc()
        if new:
            self._last_event.set(new[-1].recorded_at / SECOND)

    def _counter(self, event_type: str) -> Counter:
        """Return the counter of one type of events; to find it by its label takes longer than to count."""
        counter = self._by_type.get(event_type)
        if counter is None:
            counter = self._by_type[event_type] = self._events.labels(event_type)
        return counter

    def watch(self, name: Watched, read: Callable[[], float]) -> None:
        """Call ``read`` for the gauge ``name`` at each request for the metrics."""
        Gauge(f"echoless_{name}", WATCHED[name], registry=self._registry).set_function(read)

    def render(self) -> tuple[bytes, str]:
        """Return Prometheus' text format and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
