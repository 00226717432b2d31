"""The outcome of one check."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check ended. ``WARN``: it works but perhaps not as wanted, or it could not be checked."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Result:
    """The finding of a check, and what to do about it."""

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
    """Return the result of a check that found a possible problem."""
    return Result(name, Status.WARN, found, todo)


def failed(name: str, found: str, todo: str = "") -> Result:
    """Return the result of a check that found a problem with which the bot can't work."""
    return Result(name, Status.FAIL, found, todo)
