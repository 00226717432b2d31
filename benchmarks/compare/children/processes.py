"""Starting children and reading what they print."""

from __future__ import annotations

import subprocess
import sys
import time


def printed(module: str, *arguments: object) -> list[float]:
    """Run a child to its end and return the numbers it printed; raise CalledProcessError when it failed."""
    command = [sys.executable, "-m", f"benchmarks.compare.children.{module}", *map(str, arguments)]
    # Ctrl-C is the parent's to hear: it ends once the child has.
    ran = subprocess.run(  # noqa: S603 - our own module
        command, check=True, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    return [float(number) for number in ran.stdout.split()]


def started(*arguments: object) -> float:
    """Return the milliseconds that a starting process took."""
    return printed("starting", time.monotonic(), *arguments)[0]
