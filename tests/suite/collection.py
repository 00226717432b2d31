"""No garbage is looked for while tests are collected, nor in what they import: it is much to look at."""

from __future__ import annotations

import gc

import pytest


def pytest_configure() -> None:
    """Look for none from now on."""
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Look for it in what the tests themselves make."""
    gc.freeze()
    gc.enable()
