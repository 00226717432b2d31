"""What a run over several hosts is made of, and when which link is cut; from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice, product

from benchmarks.chaos_script import CHANNELS, DM_PERSON, Post
from benchmarks.hosts.network import End

LINKS = (("engine",), ("discord",), ("engine", "discord"))
"""What a cut takes from the owner's host."""
USUAL, LATE = (0.2, 2.5), (4.0, 7.0)
"""How long a cut lasts, in takeover times: at least and at most; and where answers wait for its end."""
LONGEST_OFFSET = 0.5
"""Seconds, about as long as a question takes to be recorded and its answer to be sent."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run is made of.

    ``shards``: one process for each of these on every host; each has one partition of the log. ``takeover``: seconds
    without a sign of life after which an owner is replaced.
    """

    kills: int
    cuts: int
    messages: int
    nonce_window: float
    seed: int
    takeover: float
    hosts: int = 2
    shards: int = 1

    @property
    def name(self) -> str:
        """Return what tells it from the others."""
        return f"nonce window {self.nonce_window:g} s"


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut that comes when so much of the run (0 to 1) is over, and lasts for some seconds.

    ``questions`` are asked just before it, ``offset`` seconds: their answers are on the way when the link goes.
    ``kills``: the owner is killed meanwhile, and what it had given to its system is still to be sent. ``late``: Discord
    asks for so many seconds of patience before it takes the first answers, and by then another one owns the log.
    """

    progress: float
    links: Sequence[str]
    end: End
    seconds: float
    questions: Sequence[Post]
    offset: float
    kills: bool
    late: float

    @property
    def name(self) -> str:
        """Return what is cut, and where."""
        return f"{' and '.join(self.links)}, {self.end} end"


def cuts(seed: int, count: int, takeover: float) -> list[Cut]:
    """Return when which link is cut: each as often as every other; some cuts outlast a takeover, some do not."""
    chance = random.Random(f"cuts {seed}")  # noqa: S311 - a script, not a secret
    every = list(product((False, True), LINKS, End))
    kinds = list(islice(cycle(chance.sample(every, len(every))), count))
    chance.shuffle(kinds)
    moments = sorted(chance.random() for _ in range(count))
    return [
        _cut(chance, moment, kills=kills, links=links, end=end, takeover=takeover)
        for moment, (kills, links, end) in zip(moments, kinds, strict=True)
    ]


def _cut(
    chance: random.Random, progress: float, *, kills: bool, links: Sequence[str], end: End, takeover: float
) -> Cut:
    is_late = links == ("engine",) and not kills
    seconds = (chance.uniform(*LATE) if is_late else chance.uniform(*USUAL)) * takeover
    return Cut(
        progress=progress,
        links=links,
        end=end,
        seconds=seconds,
        questions=[Post(channel, DM_PERSON, f"what is {links[0]}?", mention=True, asks=True) for channel in CHANNELS],
        offset=chance.uniform(0, LONGEST_OFFSET),
        kills=kills,
        late=0.9 * seconds if is_late else 0.0,
    )
