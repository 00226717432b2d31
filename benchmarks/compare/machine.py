"""What the figures are measured on: processor, memory, disk, Python; and a short name for it."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import time
from pathlib import Path
from statistics import median
from typing import Any

PROBE_BYTES = 4096
PROBES = 200
SETTLED = "In every Python process that is measured, bot.interpreter.settle() has run"

_CPUS = Path("/sys/devices/system/cpu")
_NOISE = re.compile(r"\((?:r|tm)\)|\b(?:cpu|processor|\d+-core)\b|@.*", re.IGNORECASE)


def machine(folder: Path) -> dict[str, Any]:
    """Return what is measured on, as Linux tells it; the disk is the one that holds ``folder``."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": processor(),
        "cores": _cores(),
        "threads": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "filesystem": _filesystem(folder),
        "sync_p50_ms": round(median(sync_milliseconds(folder, PROBES)), 3),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "synchronous_default": _synchronous_default(folder),
        "interpreter": SETTLED,
    }


def name(here: dict[str, Any]) -> str:
    """Return the short name of a machine, the same on each run: processor, cores, threads, Python's minor version."""
    words = re.findall(r"[a-z0-9]+", _NOISE.sub("", here["processor"]).lower())
    python = ".".join(here["python"].split(".")[:2])
    return "-".join([*words, f"{here['cores']}c{here['threads']}t", f"py{python}"])


def sentence(here: dict[str, Any]) -> str:
    """Describe a machine in one line."""
    return (
        f"{here['processor']}, cores: {here['cores']}, threads: {here['threads']}; {here['filesystem']}, "
        f"a sync takes {here['sync_p50_ms']:.2f} ms (p50); Python {here['python']}"
    )


def processor() -> str:
    """Return the processor's model."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


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


def _cores() -> int:
    """Return the number of physical cores: processors that are threads of one core name the same siblings."""
    siblings = {path.read_text(encoding="ascii") for path in _CPUS.glob("cpu[0-9]*/topology/thread_siblings_list")}
    return len(siblings) or os.cpu_count() or 1


def _filesystem(folder: Path) -> str:
    """Return the type of the filesystem that holds a folder."""
    where = folder.resolve()
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    over = [(mount[1], mount[2]) for mount in mounts if where.is_relative_to(mount[1])]
    return max(over, key=lambda mount: len(mount[0]), default=("", "unknown"))[1]


def _synchronous_default(folder: Path) -> str:
    """Return what SQLite does where a library does not say: some contenders leave it at that."""
    path = folder / "default.db"
    connection = sqlite3.connect(path)
    try:
        (level,) = connection.execute("PRAGMA synchronous").fetchone()
    finally:
        connection.close()
        path.unlink(missing_ok=True)
    return ("off", "normal", "full", "extra")[level]
