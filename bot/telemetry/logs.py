"""Log lines: readable on a terminal, JSON elsewhere. Our own and those of libraries take the same way."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.telemetry.masking import masker

_TIME = "%Y-%m-%d %H:%M:%S.%f"


def configure_logging(level: str, fmt: str, stream: TextIO, secrets: Iterable[str] = ()) -> None:
    """Send every log line of the process to ``stream``; mask ``secrets`` and everything that looks like a token.

    ``level`` and ``fmt`` are the settings ``log_level`` and ``log_format``. Libraries that use the standard logging
    (discord.py, aiohttp, asyncio) are logged from warnings on.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    eyes = fmt == "console" or (fmt == "auto" and stream.isatty())
    before = _before_rendering(eyes=eyes)
    render = _masked(_console(stream) if eyes else structlog.processors.JSONRenderer(), secrets)
    structlog.configure(
        processors=[*before, render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, _name_error, *before],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def _name_error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Reduce a library's exception to its type, because its message or traceback may quote what people wrote."""
    error = event.pop("exc_info", None)
    if isinstance(error, tuple) and error[0] is not None:
        event["error"] = error[0].__name__
    return event


def _before_rendering(*, eyes: bool) -> list[Processor]:
    times = (structlog.processors.TimeStamper(_TIME), _brief) if eyes else (structlog.processors.TimeStamper("iso"),)
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        *times,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]


def _brief(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Write the time as commands show and read it: to the millisecond, with its zone."""
    event["timestamp"] = f"{event['timestamp'][:-3]}Z"
    return event


def _console(stream: TextIO) -> Processor:
    # The default shows the local variables of each frame. People's words and the token may be among them.
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty() and not os.environ.get("NO_COLOR"),
        exception_formatter=structlog.dev.plain_traceback,
    )


def _masked(renderer: Processor, secrets: Iterable[str]) -> Processor:
    """Mask the rendered line. At this last step no part of an event can be missed."""
    mask = masker(secrets)

    def render(logger: WrappedLogger, method: str, event: EventDict) -> str:
        return mask(str(renderer(logger, method, event)))

    return render
