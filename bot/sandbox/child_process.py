"""Child processes that end with their parent, even if it is killed. Only Linux can do that.

Run by its path as ``child_process.py PARENT COMMAND...``, it ties itself to its parent and becomes the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tethered(*command: str) -> tuple[str, ...]:
    """Return the command line that runs a command so that it ends with this process; start it from a lasting thread."""
    # In a process with threads nothing may run between fork and exec. So the child ties itself, with -S in 15 ms.
    return (sys.executable, "-I", "-S", __file__, str(os.getpid()), *command)


def tether(parent: int) -> None:
    """Let the kernel kill this process when its parent ends; ``parent`` is the parent's id."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    tether(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the caller has chosen the command
