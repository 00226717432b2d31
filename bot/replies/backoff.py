"""Pauses between attempts."""

from __future__ import annotations

from tenacity import RetryCallState, wait_exponential_jitter


def backoff(attempt: int, longest: float) -> float:
    """Return the seconds to wait after attempt number ``attempt``: doubling from one second, with jitter."""
    call = RetryCallState(None, None, (), {})  # type: ignore[arg-type]  # only the attempt's number is read
    call.attempt_number = attempt
    return wait_exponential_jitter(initial=1, max=longest, jitter=1)(call)
