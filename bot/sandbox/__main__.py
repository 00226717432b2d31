"""Run a sandbox as its own process: ``python -m bot.sandbox --port 0 --json``."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys

from bot.sandbox.errors import SandboxError
from bot.sandbox.options import SandboxOptions
from bot.sandbox.server import Sandbox


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    try:
        asyncio.run(_serve(SandboxOptions(host=chosen.host, port=chosen.port)))
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 5
    return 0


async def _serve(options: SandboxOptions) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with Sandbox(options) as sandbox:
        sys.stdout.write(json.dumps(sandbox.description()) + "\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    sys.exit(main())
