"""The engine that keeps the log, where the settings name one."""

from __future__ import annotations

import importlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from bot.config import Config
from bot.config.shards import MOST
from bot.errors import ConfigError
from bot.eventlog.remote.opening import Engine
from bot.eventlog.remote.port import Partition
from bot.eventlog.remote.turns import Turns
from bot.gateway.pacing import IDENTIFY_SECONDS
from bot.gateway.turns import SLACK
from bot.loading import Kind

TURNS = MOST
"""The first number of those partitions that hold turns and no events; no log has so many."""
GROUP = "echoless.engines"
"""The group of entry points with which packages provide engines."""

_KIND = Kind(
    noun="engine",
    base=Partition,  # type: ignore[type-abstract]  # nobody makes one of it
    base_name="bot.eventlog.remote.port.Partition",
    group=GROUP,
    setting="log.engine",
    table="log.engines",
    method="append(seq, facts, words)",
)


def engine_of(
    config: Config,
    environ: Mapping[str, str],
    *,
    take_over: bool = False,
    standby: bool = False,
    turn: Callable[[], bool] = lambda: True,
) -> Engine | None:
    """Return the engine of a partition of the log, None where that is in its folder.

    ``take_over`` takes the log from an owner that lives, a ``standby`` waits until none does and it is its ``turn``.
    Raises ConfigError, which says what is missing.
    """
    if config.log.engine == "sqlite":
        if take_over or standby:
            raise ConfigError("--standby and --take-over are for a log in an engine: set log.engine.")
        return None
    # An owner that gives no sign of life sends nothing after half of the time, and what it has sent by then has ended.
    takeover = max(config.log.takeover, 2 * config.replies.send_timeout).total_seconds()
    made, first = _partition(config, environ, config.partition or 0), None
    if config.partition:
        first = _partition(config, environ, 0)
    return Engine(made, time.monotonic, takeover, force=take_over, standby=standby, first=first, turn=turn)


def secrets_of(config: Config, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what of the engine's settings must reach no log line; raise ConfigError as :func:`engine_of` does."""
    match config.log.engine:
        case "postgresql":
            dsn = _postgresql(config, environ)
            given = [*_passwords(dsn), environ.get("PGPASSWORD", "")]
            return (dsn, *(form for each in given for form in (each, unquote(each), quote(each, safe=""))))
        case "dynamodb":
            return tuple(environ.get(name, "") for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))
        case "kafka":
            return (config.log.kafka.password(config.folder, environ),)
    return ()


def turns_of(config: Config, environ: Mapping[str, str]) -> Callable[[int], Awaitable[None]] | None:
    """Return what waits for the turn of a bucket among the processes of the bot; None where it has but one shard.

    With a log in its folder, processes do not know of each other. Raises ConfigError, which says what is missing.
    """
    if config.log.engine == "sqlite" or config.shards.total == 1:
        return None
    made: dict[int, Turns] = {}

    async def among(bucket: int) -> None:
        if bucket not in made:
            partition = _partition(config, environ, TURNS + bucket)
            made[bucket] = Turns(partition, IDENTIFY_SECONDS + SLACK, time.monotonic, lambda: time.time_ns() / 1e9)
        await made[bucket].take()

    return among


def _passwords(dsn: str) -> list[str]:
    try:
        parts = urlsplit(dsn)
        return [parts.password or "", *parse_qs(parts.query).get("password", ())]
    except ValueError:
        return []  # it is no address, and the engine says so


def _partition(config: Config, environ: Mapping[str, str], part: int) -> Partition:
    made: Partition
    is_divided = config.shards.partitions > 1
    match config.log.engine:
        case "postgresql":
            made = _driven("postgresql", "postgresql").PostgresqlPartition(_postgresql(config, environ), part)
        case "dynamodb":
            found = config.log.dynamodb
            made = _driven("dynamodb", "dynamodb.partition").DynamodbPartition(
                found.table, found.region, found.endpoint, part
            )
        case "kafka":
            # Each partition has topics of its own: one of Kafka's own partitions more would not be made by itself.
            topic = f"{config.log.kafka.topic}-{part}" if is_divided else config.log.kafka.topic
            made = _driven("kafka", "kafka.partition").KafkaPartition(_kafka(config, environ), topic)
        case name:
            settings = {**config.log.engines.get(name, {}), **({"part": part} if is_divided else {})}
            made = _KIND.load(name, settings, config.folder, ("sqlite", "postgresql", "dynamodb", "kafka"))
    return made


def _driven(name: str, module: str) -> Any:  # noqa: ANN401 - a module
    """Return the module of an engine; a driver that nobody asked for is not imported."""
    try:
        return importlib.import_module(f"bot.engines.{module}")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"log.engine needs a package that is not installed ({error.name}): pip install 'echoless[{name}]'."
        ) from error


def _postgresql(config: Config, environ: Mapping[str, str]) -> str:
    variable = config.log.postgresql.dsn_env
    dsn = environ.get(variable, "").strip()
    if not dsn:
        raise ConfigError(
            f'log.engine is "postgresql", and {variable} is not set: set it to the address of the database, such as '
            "postgresql://user:password@host/database, in the environment or in the file .env beside the settings."
        )
    return dsn


def _kafka(config: Config, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return with what each client of aiokafka is made."""
    found = config.log.kafka
    if not found.bootstrap:
        raise ConfigError(
            'log.engine is "kafka", and log.kafka names no broker: set bootstrap to one or more addresses, such as '
            '{bootstrap = "kafka1:9092,kafka2:9092"}.'
        )
    return found.options("log.kafka", config.folder, environ)
