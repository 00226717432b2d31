"""Load a consumer: one that comes with Echoless, one of an installed package, or a class named ``module:Class``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name

from bot.consumers.consumer import Consumer
from bot.loading import Kind

GROUP = "echoless.consumers"
"""The group of entry points with which packages provide consumers."""

_OURS = {
    "activity": "bot.consumers.activity.consumer:activity",
    "jsonl": "bot.consumers.jsonl:jsonl",
    "kafka": "bot.consumers.kafka.settings:kafka",
    "search": "bot.consumers.search:search",
    "webhook": "bot.consumers.webhook:webhook",
}
"""The functions that make our own, of name, settings and folder. Imported when used: some need what is optional."""

_KIND = Kind(
    noun="consumer",
    base=Consumer,  # type: ignore[type-abstract]  # nobody makes one of it
    base_name="bot.consumers.Consumer",
    group=GROUP,
    setting="[consumers]",
    table="consumers",
    method="handle(batch)",
)


def load(name: str, settings: Mapping[str, object], folder: Path) -> Consumer:
    """Return the consumer of a name, made with ``settings``; raise ConfigError saying what is wrong and what to do.

    ``module:Class`` is looked for in the installed modules, then in ``folder``, the settings file's. Paths in the
    settings of our own count from there.
    """
    if name in _OURS:
        made: Consumer = resolve_name(_OURS[name])(name, settings, folder)
    else:
        made = _KIND.load(name, settings, folder, _OURS)
    made.name = name
    return made
