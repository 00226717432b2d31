"""Metrics for Prometheus. The only labels are event types and consumers as the settings name them: no ids of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
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
    "log_owner",
    "log_position",
    "log_lag_seconds",
    "log_owner_silent_seconds",
    "log_claims",
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
    "log_owner": "1 while this process owns the log in the engine, 0 while it waits as a standby.",
    "log_position": "The position of the newest event of the log in the engine that this process's folder shows.",
    "log_lag_seconds": "How long ago the folder last showed all that the engine held.",
    "log_owner_silent_seconds": "How long ago the last sign of life of the log's owner was seen, or given.",
    "log_claims": "Claims to the log in the engine that this process has seen or made since it started.",
}
Consumed = Literal["consumer_lag_events", "consumer_parked_events", "consumer_errors", "consumer_up"]
CONSUMED: dict[Consumed, str] = {
    "consumer_lag_events": "Events of the log that a consumer has not seen yet.",
    "consumer_parked_events": "Events that a consumer could not handle.",
    "consumer_errors": "What a consumer raised since the start.",
    "consumer_up": "0 while a consumer waits for what it writes to, or is stopped.",
}


class Metrics:
    """The metrics of one process, in a registry of their own; those of a ``divided`` log have a partition each."""

    def __init__(self, *, divided: bool = False) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._divided = divided
        self._part: dict[str, str] = {}
        self._gauges: dict[str, Gauge] = {}
        part = ["partition"] if divided else []
        self._events = Counter("echoless_events", "Events appended.", ["type", *part], registry=self._registry)
        self._by_type: dict[str, Counter] = {}
        self._last_event = Gauge(
            "echoless_last_event_timestamp_seconds", "When the last event was recorded.", part, registry=self._registry
        )
        release = Gauge("echoless_release", "The release that runs.", ["version"], registry=self._registry)
        release.labels(__version__).set(1)

    def of(self, partition: int) -> Metrics:
        """Return the metrics that one partition tells of itself. They are among these."""
        if not self._divided:
            return self
        part = copy(self)
        part._part, part._by_type = {"partition": str(partition)}, {}  # noqa: SLF001 - a copy of our own kind
        part._last_event = self._last_event.labels(**part._part)  # noqa: SLF001
        return part

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
            counter = self._by_type[event_type] = self._events.labels(type=event_type, **self._part)
        return counter

    def watch(self, name: Watched, read: Callable[[], float]) -> None:
        """Call ``read`` for the gauge ``name`` at each request for the metrics."""
        self._gauge(name, WATCHED[name]).set_function(read)

    def watch_consumer(self, name: str, read: Mapping[Consumed, Callable[[], float]]) -> None:
        """Call the functions in ``read`` for the gauges of a consumer at each request for the metrics."""
        for each, function in read.items():
            self._gauge(each, CONSUMED[each], consumer=name).set_function(function)

    def _gauge(self, name: str, what: str, **labels: str) -> Gauge:
        """Return a gauge with its labels; partitions and consumers share its name."""
        labels |= self._part
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"echoless_{name}", what, [*labels], registry=self._registry)
        return self._gauges[name].labels(**labels) if labels else self._gauges[name]

    def render(self) -> tuple[bytes, str]:
        """Return Prometheus' text format and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
