"""What went wrong with a model, in words of our own: a provider's may quote people, or a part of the key."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    UserError,
)

LONGEST_RETRY_AFTER = 3600.0

EXPECTED = (AgentRunError, UserError, OSError, ValueError)
"""What a model may raise: errors of its provider, of the connection, and of reading what it sent."""

_REASONS: tuple[tuple[type[ModelAPIError], str], ...] = (
    (ModelAuthenticationError, "the key was refused"),
    (ModelNotFoundError, "there is no such model"),
    (ModelContextWindowExceededError, "the prompt was too long"),
    (ModelQuotaExceededError, "the quota is used up"),
    (ModelRateLimitError, "too many requests"),
    (ModelRequestRejectedError, "the request was refused"),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """How one model failed, as in :class:`~bot.responders.protocol.ModelFailed`.

    ``too_long``: a shorter prompt may do.
    """

    reason: str
    retry_after: float | None = None
    permanent: bool = False
    too_long: bool = False


def failure_of(error: Exception, *, began: bool) -> Failure:
    """Return what an error of a model means; ``began``: it had begun to answer."""
    if not isinstance(error, ModelAPIError):
        permanent = isinstance(error, UserError)
        return Failure("the request can't be sent" if permanent else "an answer that can't be read", None, permanent)
    reason = next((reason for kind, reason in _REASONS if isinstance(error, kind)), "")
    if isinstance(error, ModelHTTPError):
        status = f"HTTP {error.status_code}"
        reason = f"{reason} ({status})" if reason else status
    elif not reason and isinstance(error, ModelConnectionError) and not began:
        reason = "no connection"
    elif not reason:
        reason = "the stream was cut" if began else "an answer that can't be read"
    after = None if error.retry_after is None else min(error.retry_after, LONGEST_RETRY_AFTER)
    permanent = isinstance(error, ModelRequestRejectedError | ModelQuotaExceededError)
    return Failure(reason, after, permanent, isinstance(error, ModelContextWindowExceededError))
