"""Settings of Python's interpreter: how it shares its time between threads, and when its garbage collector runs."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_SECONDS = 0.0001
COLLECT_AFTER = (20_000, 10, 20)


def settle() -> None:
    """Tune the interpreter for an event loop that makes many short-lived objects, beside threads that write.

    A thread that waits for the interpreter gets it after 0.1 ms (Python's default: 5 ms). With the default, the log's
    writer waited longer beside a busy loop than it wrote. The collector looks for cycles after 20,000 new objects
    instead of 700, and no longer among the objects that exist by now, which live as long as the process.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Turn the collector off within the context, unless it was off already.

    A page of events makes thousands of objects that die together, without cycles. The collector counts them, and goes
    through all other objects of the process again and again. Measured: that takes half the time of a long replay. It is
    off for the whole process, so keep the context short; of two that overlap, the first to end turns it on.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
