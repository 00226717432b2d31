"""Runs one call of a tool within the limits, and sorts how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

import structlog

from bot.background import Background
from bot.core.events import ToolOutcome
from bot.responders.tools import Asking, Calls, FateUnknown, Limits, Misfit, Result, Tool, ToolFailed

UNKNOWN = (
    "It is not known whether this call took effect, because it was cut off in the middle. "
    "The tool can't be called again for this answer: tell the person so."
)

RETURNED = frozenset((ToolOutcome.RETURNED, ToolOutcome.CUT))
"""The outcomes of a call that has a result."""

_log = structlog.get_logger()


class Ended(NamedTuple):
    """How a call ended: what is told of it, and what is kept of that (None: all)."""

    outcome: ToolOutcome
    text: str
    kept: str | None = None
    size: int = 0


def allowed(calls: Calls, name: str) -> Tool:
    """Return the tool of a name; raise Misfit if there is none, or if the answer has had its calls."""
    tool = next((each for each in calls.tools if each.name == name), None)
    if tool is None:
        raise Misfit(f"there is no tool of this name; there are {', '.join(each.name for each in calls.tools)}")
    if calls.spent:
        raise Misfit("no further call is allowed for this answer; answer with what you know")
    return tool


async def run(tool: Tool, given: Mapping[str, object], asking: Asking, limits: Limits, left: Background) -> Ended:
    """Call a tool. ``left`` keeps a call that does not end in time."""
    calling = asyncio.ensure_future(tool.call(given, asking))
    calling.add_done_callback(_heard)
    left.keep(calling)
    try:
        await asyncio.wait((calling,), timeout=limits.seconds)
    finally:
        # One that goes on all the same is left alone.
        calling.cancel()
    if not calling.done():
        _log.warning("tool.failed", tool=tool.name, reason="timeout", message=asking.message_id)
        doubt = "" if tool.idempotent else f" {UNKNOWN}"
        return Ended(ToolOutcome.TIMED_OUT, f"There was no result within {limits.seconds:g} s.{doubt}")
    error = asyncio.CancelledError() if calling.cancelled() else calling.exception()
    if error is not None:
        _log.warning("tool.failed", tool=tool.name, reason=type(error).__name__, message=asking.message_id)
        return _failed(error, limits.result_bytes)
    return _returned(calling.result(), limits.result_bytes)


def _failed(error: BaseException, most: int) -> Ended:
    match error:
        case FateUnknown():
            return Ended(ToolOutcome.UNKNOWN, UNKNOWN)
        case ToolFailed() | Misfit():
            said = _returned(Result(str(error)), most)
            return said._replace(outcome=ToolOutcome.FAILED, text=f"It failed: {said.text}")
    # The words of another error are nobody's to tell.
    return Ended(ToolOutcome.FAILED, f"It failed ({type(error).__name__}).")


def _returned(result: object, most: int) -> Ended:
    text, kept = result if isinstance(result, Result) else (str(result), None)
    data = text.encode(errors="replace")
    if len(data) <= most:
        return Ended(ToolOutcome.RETURNED, data.decode(), kept, len(data))
    return Ended(ToolOutcome.CUT, f"{data[:most].decode(errors='ignore')}…", kept, len(data))


def _heard(calling: asyncio.Future[Result]) -> None:
    """Take the error of a call that nobody waits for any more, so that no log line quotes it."""
    if not calling.cancelled():
        calling.exception()
