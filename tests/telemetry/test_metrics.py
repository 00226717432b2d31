"""Metrics: what Prometheus reads."""

from __future__ import annotations

from functools import partial

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot import __version__
from bot.core.conversation import Conversation
from bot.core.events import Event, MessageDeleted, Recorded, RepliesPaused
from bot.telemetry import Metrics
from bot.telemetry.metrics import WATCHED


def samples(metrics: Metrics) -> dict[str, float]:
    """Return the value of each series, its labels in its name."""
    text, _ = metrics.render()
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def observe(metrics: Metrics, *events: Event) -> None:
    """Let it see ``events`` as the log records them."""
    new = tuple(Recorded(n, "channel:1", n, n * 1_500_000, event) for n, event in enumerate(events, 1))
    metrics.observe(1, Conversation(), new)


def test_appended_events_are_counted_by_type() -> None:
    """And the time of the last one is kept, in seconds."""
    metrics = Metrics()

    observe(metrics, MessageDeleted(message_id=1), RepliesPaused(by="x"))
    observe(metrics, MessageDeleted(message_id=2))

    found = samples(metrics)
    assert found[f"echoless_events_total{{type={MessageDeleted.TYPE}}}"] == 2
    assert found[f"echoless_events_total{{type={RepliesPaused.TYPE}}}"] == 1
    assert found["echoless_last_event_timestamp_seconds"] == 1.5


def test_watched_numbers_are_read_when_asked_for() -> None:
    """A gauge shows what holds now, not what held when it was made."""
    metrics, hot = Metrics(), [1]
    metrics.watch("hot_channels", lambda: len(hot))
    before = samples(metrics)["echoless_hot_channels"]

    hot.append(2)

    assert (before, samples(metrics)["echoless_hot_channels"]) == (1, 2)


def test_what_nobody_watches_is_not_shown() -> None:
    """No number is better than a wrong one."""
    shown = samples(Metrics())

    assert not [name for name in WATCHED if f"echoless_{name}" in shown]


def test_release_and_process_are_told() -> None:
    """Memory is one of the promises."""
    found = samples(Metrics())

    assert found[f"echoless_release{{version={__version__}}}"] == 1
    assert found["process_resident_memory_bytes"] > 0


@pytest.mark.parametrize("name", WATCHED)
def test_two_processes_in_one_share_nothing(name: str) -> None:
    """Each Metrics has a registry of its own."""
    first, second = Metrics(), Metrics()

    first.watch(name, lambda: 1)  # type: ignore[arg-type]
    second.watch(name, lambda: 2)  # type: ignore[arg-type]

    assert samples(first)[f"echoless_{name}"] == 1
    assert samples(second)[f"echoless_{name}"] == 2


def test_partitions_have_a_label_where_there_are_several() -> None:
    """And what is of the process has none."""
    metrics = Metrics(divided=True)
    for partition in (0, 1):
        part = metrics.of(partition)
        part.watch("hot_channels", partial(float, 5 + partition))
        part.watch_consumer("jsonl", {"consumer_lag_events": lambda: 1})
    shown = metrics.render()[0].decode()

    assert 'echoless_hot_channels{partition="0"} 5.0' in shown
    assert 'echoless_hot_channels{partition="1"} 6.0' in shown
    assert 'echoless_consumer_lag_events{consumer="jsonl",partition="1"} 1.0' in shown
    assert f'echoless_release{{version="{__version__}"}} 1.0' in shown
    assert Metrics().of(0).render()[0].count(b"partition") == 0
