"""No test changes how the next one logs.

A log that is attached to a client configures the process's log lines, and so does capturing them, once and for all.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def own_log_lines() -> Iterator[None]:
    """Put back what structlog does by itself."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
