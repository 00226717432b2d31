"""``python -m tests.fuzz.by_coverage``: inputs that grow by the code that they reach.

libFuzzer changes bytes and keeps those that reach something new (``atheris``, in the extra ``fuzz``). Hypothesis makes
an input of the bytes, so that it is one for the way in. libFuzzer ends the process that it runs in, so each target has
one. Counting what is reached takes time of its own, so no input is called slow here.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from random import Random

import atheris
import structlog
from hypothesis import HealthCheck, given, settings

from tests.fuzz.harness import Outcome, Target, rows

with atheris.instrument_imports(include=["bot"], enable_loader_override=False):
    from tests.fuzz.targets import targets

LONGEST = 4096
"""Bytes of an input. Hypothesis makes nothing of too few, so libFuzzer begins with some of this length."""
SEEDS = 32


def main() -> int:
    """Return 0 if there was no fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.by_coverage", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="of all targets together (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another number, other inputs")
    parser.add_argument("--target", help="only this one, in this process")
    chosen = parser.parse_args()
    if chosen.target:
        fuzz(chosen.target, chosen.inputs, chosen.seed)
    with tempfile.TemporaryDirectory() as folder, targets(Path(folder)) as found:
        names = list(found)
    command = (sys.executable, "-m", "tests.fuzz.by_coverage", "--seed", str(chosen.seed))
    each = ("--inputs", str(chosen.inputs // len(names)))
    codes = [subprocess.run((*command, *each, "--target", name), check=False).returncode for name in names]
    return int(any(codes))


def fuzz(name: str, inputs: int, seed: int) -> None:
    """Fuzz a target, print a row of what became of it, and end the process."""
    warnings.simplefilter("ignore")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    outcome = Outcome(name)
    with tempfile.TemporaryDirectory() as folder, targets(Path(folder)) as found:
        os.chdir(folder)
        dice, corpus = Random(seed), Path("corpus")
        corpus.mkdir()
        for number in range(SEEDS):
            (corpus / str(number)).write_bytes(dice.randbytes(LONGEST))
        options = (
            f"-runs={inputs}",
            f"-seed={seed}",
            f"-max_len={LONGEST}",
            "-len_control=0",
            "-verbosity=0",
            "-print_final_stats=0",
        )
        atheris.Setup(["fuzz", *options, str(corpus)], _taking(found[name], outcome, inputs))
        atheris.Fuzz()


def _taking(target: Target, outcome: Outcome, inputs: int) -> object:
    """Return what libFuzzer calls with bytes; it prints the row with the last of them."""
    given_bytes = 0

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(target.inputs)
    def take(value: object) -> None:
        outcome.take(target, target.fit(value))

    def one(data: bytes) -> None:
        nonlocal given_bytes
        given_bytes += 1
        take.hypothesis.fuzz_one_input(data)  # type: ignore[attr-defined]
        outcome.faults.pop("too slow", None)
        if given_bytes == inputs or outcome.faults:
            sys.stdout.write("\n".join(rows({outcome.target: outcome})[1:]) + "\n")
            sys.stdout.flush()
        if outcome.faults:
            raise AssertionError(*outcome.faults)

    return one


if __name__ == "__main__":
    sys.exit(main())
