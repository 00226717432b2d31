"""A run that stands still is ended, and says where: which test, which tasks, which stacks.

A test that hangs is ended by its own limit (``timeout``). This is for what that can't end: a cleanup that hangs, and
the time between tests. It works in each process of a run with several.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import math
import os
import sys
import time
from threading import Thread

import pytest

from tests.suite.children import kill_descendants
from tests.suite.clock import since_boot

EXIT_CODE = 70
LOOK_EVERY = 1.0
GRACE = 15.0
"""Seconds by which a worker's watchdog, which knows more, goes before that of the process that shares out tests."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting."""
    parser.addini("standstill", "seconds without any news of a test after which the run is ended", default="600")


def pytest_configure(config: pytest.Config) -> None:
    """Watch from now on, until this process ends."""
    worker = hasattr(config, "workerinput")
    shares = getattr(config.option, "numprocesses", None) and not worker
    assert sys.__stderr__ is not None
    # What tests print is captured; this is not to be.
    output = os.dup(sys.__stderr__.fileno())
    watchdog = Watchdog(float(config.getini("standstill")) + (GRACE if shares else 0.0), output, worker=worker)
    config.pluginmanager.register(watchdog, "standstill")
    Thread(target=watchdog.watch, name="watchdog", daemon=True).start()


class Watchdog:
    """Hears of each step of each test, and ends the process when none comes for ``limit`` seconds.

    A ``worker`` that has no test waits for one, or for the end: that is its parent's to watch.
    """

    def __init__(self, limit: float, output: int, *, worker: bool) -> None:
        self.limit = limit
        self._output = output
        self._worker = worker
        self._rest("the collection of the tests")

    def pytest_collection_finish(self) -> None:
        """Note that the tests are known."""
        self._rest("the start of the tests")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note that a test begins."""
        self._note(nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note that a test got through a step."""
        self._note(f"{report.nodeid}, after its {report.when}")

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Note that a test has ended."""
        self._rest(f"{nodeid}, after its end")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Note that all tests have ended."""
        self._rest("the end of the run")

    def pytest_enter_pdb(self) -> None:
        """Leave people who look at a test the time they take."""
        self.limit = math.inf

    def _note(self, where: str) -> None:
        self._where, self._heard = where, since_boot()

    def _rest(self, where: str) -> None:
        self._where, self._heard = where, math.inf if self._worker else since_boot()

    def watch(self) -> None:
        """Look every second, until the process ends or has to be ended."""
        while since_boot() - self._heard < self.limit:
            time.sleep(LOOK_EVERY)
        self._tell(f"\nNothing has moved for {self.limit:g} s: the run stands still at {self._where}\n")
        for task in [each for each in gc.get_objects() if isinstance(each, asyncio.Task) and not each.done()]:
            self._tell(f"{task!r}\n")
        faulthandler.dump_traceback(self._output, all_threads=True)
        kill_descendants(os.getpid())
        os._exit(EXIT_CODE)

    def _tell(self, text: str) -> None:
        os.write(self._output, text.encode(errors="replace"))
