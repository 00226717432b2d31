"""What a process that runs for long asks of the interpreter."""

from __future__ import annotations

import gc
import sys

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
