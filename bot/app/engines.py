"""The engine that keeps the log, where the settings name one."""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping

from bot.config import Config
from bot.errors import ConfigError
from bot.eventlog.remote.opening import Engine

_POSTGRESQL = "bot.engines.postgresql"


def engine_of(
    config: Config, environ: Mapping[str, str], *, take_over: bool = False, standby: bool = False
) -> Engine | None:
    """Return the engine, None where the log is in its folder; raise ConfigError, which says what is missing.

    ``take_over`` takes the log from an owner that lives, a ``standby`` waits until none does.
    """
    if config.log.engine == "sqlite":
        if take_over or standby:
            raise ConfigError("--standby and --take-over are for a log in an engine: set log.engine.")
        return None
    variable = config.log.postgresql.dsn_env
    dsn = environ.get(variable, "").strip()
    if not dsn:
        raise ConfigError(
            f'log.engine is "postgresql", and {variable} is not set: set it to the address of the database, such as '
            "postgresql://user:password@host/database, in the environment or in the file .env beside the settings."
        )
    try:
        # A driver that nobody asked for is not imported.
        module = importlib.import_module(_POSTGRESQL)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"log.engine needs a package that is not installed ({error.name}): pip install 'echoless[postgresql]'."
        ) from error
    # An owner that gives no sign of life sends nothing after half of the time, and what it has sent by then has ended.
    takeover = max(config.log.takeover, 2 * config.replies.send_timeout).total_seconds()
    return Engine(module.PostgresqlPartition(dsn), time.monotonic, takeover, force=take_over, standby=standby)
