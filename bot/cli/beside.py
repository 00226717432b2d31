"""``echoless`` as the child of another process, with which it ends: whatever ends that one closes our stdin."""

from __future__ import annotations

import os
import signal
import threading

from bot.cli.main import main


def end_with_parent() -> None:
    """Ask this process to stop, as Ctrl-C does, once nobody holds the other end of its standard input any more."""

    def wait() -> None:
        # Not sys.stdin, whose lock a thread must not hold when the interpreter ends.
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    main()
