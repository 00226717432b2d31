"""Faults of the gateway: storms, which hit connections, and deliveries that repeat and reorder events."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from bot.sandbox.events import Dispatch
from bot.sandbox.gateway.protocol import Op
from bot.sandbox.json_codec import encode

CLOSE_CODES = (range(1000, 1002), range(4000, 5000))


class Storm(BaseModel):
    """Does the same thing (``does``) to every connection at the same moment (``at``), until it is told to stop.

    ``upgrade`` is instead of the upgrade to a websocket, ``connect`` before Hello, ``hello`` after it, ``identify``
    instead of beginning or resuming a session, ``resume`` instead of resuming one, ``ready`` after READY or RESUMED.
    ``count`` is the number of connections to hit (None: all); ``hits`` were hit.
    """

    at: Literal["upgrade", "connect", "hello", "identify", "resume", "ready"]
    does: Literal["page", "cut", "close", "reconnect", "invalid-session", "silence"]
    code: int = 4000
    resumable: bool = False
    status: int = Field(200, ge=200, le=599)
    count: int | None = Field(None, ge=1)
    hits: int = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.at == "upgrade") != (self.does == "page"):
            raise ValueError("a page is all there is instead of an upgrade, and only there")
        if not any(self.code in codes for codes in CLOSE_CODES):
            raise ValueError("code must be 1000, 1001 or between 4000 and 4999")
        return self

    def strikes(self, moment: str) -> bool:
        """Tell whether a connection is hit at this moment, and count it."""
        if self.at != moment or (self.count is not None and self.hits >= self.count):
            return False
        self.hits += 1
        return True

    def frame(self) -> str | None:
        """Return the gateway message that is sent; None if the storm sends none."""
        if self.does == "reconnect":
            return encode({"op": Op.RECONNECT, "d": None})
        if self.does == "invalid-session":
            return encode({"op": Op.INVALID_SESSION, "d": self.resumable})
        return None


class Delivery:
    """Passes dispatches on: as they come, twice at random, or shuffled across channels.

    Shuffling holds events back until ``size`` of them wait or ``delay`` seconds passed. Then it releases them in random
    order, but keeps the order within each channel.
    """

    def __init__(self, deliver: Callable[[Dispatch], None]) -> None:
        """Begin with normal delivery."""
        self._deliver = deliver
        self._repeat_probability = 0.0
        self._shuffle_size = 0
        self._shuffle_delay = 0.0
        self._random = random.Random(0)  # noqa: S311 - faults, not secrets
        self._held: dict[int, deque[Dispatch]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def repeat(self, probability: float, seed: int) -> None:
        """Deliver each event of a channel a second time with a probability."""
        self._repeat_probability = probability
        self._random.seed(seed)

    def shuffle(self, size: int, delay: float, seed: int) -> None:
        """Begin to shuffle across channels."""
        self._shuffle_size = size
        self._shuffle_delay = delay
        self._random.seed(seed)

    def restore(self) -> None:
        """Deliver normally again, and release the held events."""
        self._repeat_probability = 0.0
        self._shuffle_size = 0
        self.release()

    def accept(self, dispatch: Dispatch) -> None:
        """Take an event from the world."""
        self._pass_on(dispatch)
        if (
            self._repeat_probability
            and dispatch.channel is not None
            and self._random.random() < self._repeat_probability
        ):
            self._pass_on(dispatch)

    def _pass_on(self, dispatch: Dispatch) -> None:
        if not self._shuffle_size or dispatch.channel is None:
            self._deliver(dispatch)
            return
        self._held.setdefault(dispatch.channel.id, deque()).append(dispatch)
        if sum(map(len, self._held.values())) >= self._shuffle_size:
            self.release()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._shuffle_delay, self.release)

    def release(self) -> None:
        """Deliver the held events; choose the next channel at random."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, {}
        while held:
            channel_id = self._random.choice(sorted(held))
            self._deliver(held[channel_id].popleft())
            if not held[channel_id]:
                del held[channel_id]
