"""What a process asks of Python's interpreter: to serve a loop beside threads, to leave its collector off a while."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_SECONDS = 0.0001
COLLECT_AFTER = (20_000, 10, 20)


def settle() -> None:
    """Have the interpreter serve a loop that makes many short-lived objects, beside threads that write.

    A thread that waits for the interpreter gets it after a tenth of a millisecond (Python's own: five): beside a busy
    loop the log's writer was seen to wait longer than it wrote. The collector looks for cycles after 20,000 new objects
    instead of 700, and never again among what is imported by now, which lives as long as the process.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the collector from running for the length of a ``with`` block, unless it was off already.

    A page of events makes thousands of objects that all die together, without a cycle among them; the collector counts
    them and goes through everything else the process holds, again and again. Measured: it takes half the time of a long
    replay. It is off for the process, so a block should be short: where two overlap, the first that ends turns it on.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
