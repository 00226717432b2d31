"""Makes the consumers that the settings name."""

from __future__ import annotations

from collections.abc import Mapping

from bot.config import Config
from bot.consumers.consumer import Consumer
from bot.consumers.load import load
from bot.errors import ConfigError

NUMBER = "{partition}"
OUTWARD = {
    "jsonl": 'folder = "events/{partition}"',
    "kafka": 'topic = "echoless-{partition}"',
    "webhook": 'url = "https://example.org/events/{partition}"',
}
"""What each consumer that writes elsewhere is told to have the number in."""


def consumers_of(config: Config) -> tuple[Consumer, ...]:
    """Return the consumers that the settings name; raise ConfigError, which names all problems."""
    made: list[Consumer] = []
    problems: list[str] = []
    for name, settings in config.consumers.items():
        try:
            made.append(load(name, _of_partition(config, name, settings), config.folder))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return tuple(made)


def _of_partition(config: Config, name: str, settings: Mapping[str, object]) -> Mapping[str, object]:
    """Return the settings of a partition's consumer, with its number; raise ConfigError where it would be mixed up."""
    if config.partition is None:
        return settings
    own = {
        key: value.replace(NUMBER, str(config.partition)) if isinstance(value, str) else value
        for key, value in settings.items()
    }
    if name in OUTWARD and own == settings:
        raise ConfigError(
            f"consumers.{name}: each partition of the log has a consumer of its own, and positions of its own. Write "
            f"{NUMBER} where its number belongs: {OUTWARD[name]}."
        )
    return own
