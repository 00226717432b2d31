"""``python -m tests.fuzz``: inputs for every way in, and a table of what became of them."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

import structlog

from tests.fuzz.harness import Outcome, rows, run
from tests.fuzz.targets import targets


def main() -> int:
    """Return 0 if there was no fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="of all targets together (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most, of all targets together")
    parser.add_argument("--seed", type=int, default=0, help="another number, other inputs")
    parser.add_argument("--target", action="append", help="only this one; may be repeated")
    chosen = parser.parse_args()
    # What libraries warn of, they have taken.
    warnings.simplefilter("ignore")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory() as name, targets(Path(name)) as found:
        os.chdir(name)
        names = chosen.target or list(found)
        for target in names:
            outcomes[target] = run(
                found[target],
                chosen.inputs // len(names),
                seconds=chosen.seconds / len(names),
                first=chosen.seed * 100_000,
            )
            sys.stderr.write("\n".join(rows({target: outcomes[target]})[1:]) + "\n")
    sys.stdout.write("\n".join(rows(outcomes)) + "\n")
    return int(any(each.faults for each in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
