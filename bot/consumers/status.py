"""How a consumer is doing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What a consumer is at."""

    STARTING = "starting"
    CATCHING_UP = "catching up"
    FOLLOWING = "following"
    REBUILDING = "rebuilding"
    PAUSED = "paused"
    WAITING = "waiting"
    STOPPED = "stopped"


@dataclass(slots=True)
class Status:
    """A consumer as of now. ``errors`` counts those of this process, ``trouble`` says why it waits or stopped."""

    name: str
    state: State = State.STARTING
    position: int = 0
    parked: int = 0
    errors: int = 0
    trouble: str = ""
