"""Children that end with their parent, however that ends: Linux kills them, other systems leave them alone.

Run by its path as ``child_process.py PARENT COMMAND...``, it ties itself to its parent and becomes the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tethered(*command: str) -> tuple[str, ...]:
    """Return what runs a command so that it ends with this process; start it from a thread that lasts."""
    # Nothing may run between fork and exec in a process with threads, so the child ties itself; -S: in 15 ms.
    return (sys.executable, "-I", "-S", __file__, str(os.getpid()), *command)


def tether(parent: int) -> None:
    """Have this process killed when its parent, whose id is given, ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    tether(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - whoever runs this has chosen the command
