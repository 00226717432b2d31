"""Erasing in the engines that are not PostgreSQL, by the same test; everywhere.py has all tests of views."""

from __future__ import annotations

import pytest

# The imported test runs here with this module's engines.
from tests.engines.test_views import test_erased_words_go_from_the_engine  # noqa: F401


@pytest.fixture(params=["dynamodb", "kafka"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Name each of those engines in turn."""
    return str(request.param)
