"""Discord's memory of message nonces.

Keyed (author, nonce), not by channel (message.mdx:1092). The window is "the past few minutes" in the documents, so it
is a setting. A number and the same digits as a string are the same nonce.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from bot.sandbox.models import Message

CAPACITY = 200_000


class Nonces:
    """Remembers which message was made with which nonce, and when."""

    def __init__(self, window: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with an empty memory; ``window`` in seconds may change later, 0 forgets at once."""
        self.window = window
        self._clock = clock
        self._made: OrderedDict[tuple[int, str], tuple[float, Message]] = OrderedDict()

    def remember(self, message: Message) -> None:
        """Remember the nonce of a new message, if it has one."""
        if message.nonce is None:
            return
        key = (message.author.id, str(message.nonce))
        self._made[key] = (self._clock(), message)
        self._made.move_to_end(key)
        if len(self._made) > CAPACITY:
            self._made.popitem(last=False)

    def find(self, author_id: int, nonce: int | str) -> Message | None:
        """Find the message made with this nonce within the window, deleted or not."""
        made = self._made.get((author_id, str(nonce)))
        if made is None or self._clock() - made[0] >= self.window:
            return None
        return made[1]
