"""Torture of the log: ``python -m tests.torture [COMMAND]``, all commands without one.

Each command is a module with a function ``run(options) -> Outcome``. To add one, write such a module and name it in
``COMMANDS``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping

from rich.console import Console

from tests.torture import archives, copies, flips, grep, restore, tamper
from tests.torture.table import Options, Outcome

COMMANDS: Mapping[str, Callable[[Options], Outcome]] = {
    "flips": flips.run,
    "archives": archives.run,
    "tamper": tamper.run,
    "copies": copies.run,
    "restore": restore.run,
    "grep": grep.run,
}


def main() -> int:
    """Run what was asked for, print a table of each, and return 1 if any reached less than it has to."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("command", nargs="?", choices=[*COMMANDS, "all"], default="all")
    parser.add_argument("--count", type=int, default=10_000, help="changes by flips and archives (default: 10000)")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is random (default: 1)")
    parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object a command")
    given = parser.parse_args()
    options = Options(given.count, given.seed)
    chosen = COMMANDS if given.command == "all" else {given.command: COMMANDS[given.command]}
    good = True
    for name, run in chosen.items():
        outcome = run(options)
        good &= outcome.good
        if given.as_json:
            print(json.dumps({"command": name, **outcome.to_json()}))  # noqa: T201 - the answer
        else:
            Console().print(outcome.table())
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
