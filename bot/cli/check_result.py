"""The outcome of one check."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check ended: ``WARN`` works, but perhaps not as wanted, or could not be looked at."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Result:
    """What was found, and what to do about it."""

    name: str
    status: Status
    found: str
    todo: str = ""

    def to_json(self) -> dict[str, str]:
        """Return what ``--json`` writes."""
        return asdict(self)


def fine(name: str, found: str) -> Result:
    """Return the result of a check that found nothing wrong."""
    return Result(name, Status.OK, found)


def warned(name: str, found: str, todo: str = "") -> Result:
    """Return the result of a check that found what may be wrong."""
    return Result(name, Status.WARN, found, todo)


def failed(name: str, found: str, todo: str = "") -> Result:
    """Return the result of a check that found what keeps the bot from working."""
    return Result(name, Status.FAIL, found, todo)
