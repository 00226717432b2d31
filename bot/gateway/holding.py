"""What arrives in a channel while something has to be looked up for an arrival before it: it waits, in its order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias

import structlog

from bot.background import Background
from bot.conversations.hot_channels import refuse
from bot.core.events import Recorded

Recording: TypeAlias = asyncio.Future[tuple[Recorded, ...]]
Taking: TypeAlias = Callable[[], Recording | None]
"""Queues for the log what arrived, and returns None where it is not recorded."""

_log = structlog.get_logger()


class Holding:
    """Takes arrivals at once, except those of channels in which an earlier one waits for a look."""

    def __init__(self) -> None:
        self._held: dict[int, deque[tuple[Callable[[], Coroutine[Any, Any, Recording | None]], Recording]]] = {}
        self._background = Background()

    def __contains__(self, channel_id: int) -> bool:
        return channel_id in self._held

    def take(self, channel_id: int, taking: Taking) -> Recording | None:
        """Take an arrival for which nothing has to be looked up, behind those that wait in its channel."""
        if channel_id not in self._held:
            return taking()

        async def taken() -> Recording | None:
            return taking()

        return self.look(channel_id, taken)

    def look(self, channel_id: int, looking: Callable[[], Coroutine[Any, Any, Recording | None]]) -> Recording:
        """Have an arrival looked up and taken, behind those that wait in its channel; an error refuses it."""
        outcome: Recording = asyncio.get_running_loop().create_future()
        held = self._held.get(channel_id)
        if held is None:
            self._held[channel_id] = deque(((looking, outcome),))
            self._background.start(self._serve(channel_id), f"held {channel_id}")
        else:
            held.append((looking, outcome))
        return outcome

    async def stop(self) -> None:
        """Let go of what waits. It is not recorded, so the next start reads it from the history."""
        await self._background.cancel()

    async def _serve(self, channel_id: int) -> None:
        held = self._held[channel_id]
        try:
            while held:
                looking, outcome = held[0]
                try:
                    _follow(outcome, await looking())
                except Exception as error:  # noqa: BLE001 - those behind it have to be taken, too
                    _log.error("arrival.untaken", channel=channel_id, reason=type(error).__name__)
                    refuse(outcome, error)
                held.popleft()
        finally:
            del self._held[channel_id]
            for _, outcome in held:
                outcome.cancel()


def _follow(outcome: Recording, recording: Recording | None) -> None:
    """Give an outcome what becomes of a recording."""
    if recording is not None:
        recording.add_done_callback(partial(_pass_on, outcome))
    elif not outcome.done():
        outcome.set_result(())


def _pass_on(outcome: Recording, recording: Recording) -> None:
    if recording.cancelled():
        outcome.cancel()
    elif (error := recording.exception()) is not None:
        refuse(outcome, error)
    elif not outcome.done():
        outcome.set_result(recording.result())
