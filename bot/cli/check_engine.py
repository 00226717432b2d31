"""The check of the engine that keeps the log: that it can be used, and that it keeps what it has acknowledged."""

from __future__ import annotations

import os

from bot.app.engines import engine_of
from bot.cli.check_result import Result, failed, fine, warned
from bot.config import Config
from bot.errors import ConfigError, LogError
from bot.eventlog.remote.following import away
from bot.eventlog.remote.port import Unsure

TODO = "See docs/many-hosts.md for what each engine needs."


async def check_engine(config: Config) -> list[Result]:
    """Ask the engine for its settings and for the rights of its user; return nothing where the log is in its folder."""
    try:
        first = config.shards.here[0]
        engine = engine_of(config.of_partition(first), os.environ)
    except ConfigError as error:
        return [failed("engine", problem) for problem in error.problems]
    if engine is None:
        return []
    partition = engine.partition
    try:
        faults = await partition.faults()
    except LogError as error:
        return [failed("engine", str(error), TODO)]
    except Unsure as error:
        return [failed("engine", away(partition, error), TODO)]
    finally:
        await partition.close()
    return [warned("engine", f"{partition.name}: {fault}.", TODO) for fault in faults] or [
        fine("engine", f"{partition.name} can be used, and keeps what it acknowledges as far as it tells")
    ]
