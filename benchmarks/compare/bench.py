"""What every measurement is given: where to write, how much, and whom to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.compare.chat import Chat, chat_at
from bot.sandbox.options import SandboxOptions

BURST, QUICK_BURST = 18_000, 1_000
QUEUE = SandboxOptions().queue_limit
LARGEST_BURST = QUEUE - 500
"""What a connection of the sandbox may have waiting, less what else is sent meanwhile."""


@dataclass(slots=True)
class Bench:
    """One run of the benchmark; ``tell`` hears how far a measurement is.

    ``burst``: how many messages Discord holds ready where intake is measured.
    """

    folder: Path
    text: Path
    runs: int
    quick: bool
    big: bool = False
    burst: int = BURST
    tell: Callable[[str, int, int], None] = lambda *_: None
    kept: dict[str, Path] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def pick(self, full: int, quick: int) -> int:
        """Return a size."""
        return quick if self.quick else full

    @property
    def chat(self) -> Chat:
        """Return the text."""
        return chat_at(self.text)

    @property
    def large(self) -> int:
        """Return how many events the large log holds."""
        return self.pick(1_000_000, 20_000)

    def place(self, name: str) -> Path:
        """Return a new, empty folder."""
        return Path(mkdtemp(prefix=f"{name}-", dir=self.folder))

    def rounds(self, name: str) -> Iterator[int]:
        """Count the rounds and tell of each."""
        for number in range(self.runs):
            self.tell(f"{name}, round {number + 1} of {self.runs}", number, self.runs)
            yield number


def checked_burst(burst: int) -> int:
    """Return the size of a burst; raise ValueError if the sandbox would drop the client that it waits for."""
    if not 1 <= burst <= LARGEST_BURST:
        raise ValueError(
            f"a burst of {burst:,} messages can't be kept: the sandbox drops a client for which more than {QUEUE:,} "
            f"events wait; take 1 to {LARGEST_BURST:,}"
        )
    return burst
