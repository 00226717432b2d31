"""What every measurement is given: where to write, how much, and whom to tell; and the disk's own figures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.compare.chat import Chat, chat_at

PROBE_BYTES = 4096


@dataclass(slots=True)
class Bench:
    """One run of the benchmark; ``tell`` hears how far a measurement is."""

    folder: Path
    text: Path
    runs: int
    quick: bool
    big: bool = False
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


def sync_milliseconds(folder: Path, times: int) -> list[float]:
    """Return how long appending 4 KiB and fdatasync take: what one durable write costs here at least."""
    path = folder / "probe"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    data = os.urandom(PROBE_BYTES)
    took = []
    try:
        for _ in range(times):
            began = time.perf_counter()
            os.write(handle, data)
            os.fdatasync(handle)
            took.append((time.perf_counter() - began) * 1000)
    finally:
        os.close(handle)
        path.unlink()
    return took


def filesystem(folder: Path) -> str:
    """Return the type of the filesystem that holds a folder, as Linux tells it."""
    where = folder.resolve()
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    over = [(mount[1], mount[2]) for mount in mounts if where.is_relative_to(mount[1])]
    return max(over, key=lambda mount: len(mount[0]), default=("", "unknown"))[1]
