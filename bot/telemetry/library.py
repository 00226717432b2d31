"""Log lines of the library: they go where those of the bot around it go, by the standard logging."""

from __future__ import annotations

import structlog

from bot.telemetry.masking import masker


def log_with_the_process() -> None:
    """Give log lines to the standard logging, by the names of their modules, unless structlog was configured already.

    Its handlers and levels are the process's own. Everything that looks like a token is masked.
    """
    if structlog.is_configured():
        return
    render, mask = structlog.processors.KeyValueRenderer(key_order=["event"]), masker(())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            lambda logger, method, event: mask(str(render(logger, method, event))),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
