"""The failures of a model, in our own words: a provider's words may quote people, or a part of the key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelServerError,
    ModelUnavailableError,
    UserError,
)

from bot.backoff import LONGEST_ASKED
from bot.responders.failure import GATEWAYS, Failure
from bot.responders.llm.http import TooMuch
from bot.responders.protocol import WAITS, Trouble

UNREADABLE = "an answer that can't be read"

_TROUBLES: tuple[tuple[type[ModelAPIError], Trouble], ...] = (
    (ModelContextWindowExceededError, Trouble.TOO_LONG),
    (ModelAuthenticationError, Trouble.KEY),
    (ModelNotFoundError, Trouble.UNKNOWN),
    (ModelQuotaExceededError, Trouble.QUOTA),
    (ModelRateLimitError, Trouble.AWAY),
    (ModelUnavailableError, Trouble.AWAY),
    (ModelServerError, Trouble.AWAY),
    (ModelRequestRejectedError, Trouble.REFUSED),
)
_SHARED = frozenset((HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, *GATEWAYS))
"""Statuses that all models of the provider would get."""

_LOADING = re.compile(r"\bloading\b", re.IGNORECASE)
"""How servers say that one model is not ready yet (llama-server and others, with status 503)."""

_OVERFLOW = re.compile(
    r"context[ _-]?(?:size|length|window)|exceed_context|n_ctx|n_keep|context_exceeded|prompt[^.]{0,40}too long"
    r"|too many tokens|maximum[^.]{0,40}tokens|max_tokens must be at least|input length",
    re.IGNORECASE,
)
"""How servers say that a prompt is too long; their words are read, and never shown or logged."""

_SIZES = (
    re.compile(r"n_ctx['\"]?\s*[:=]\s*(\d{2,8})", re.IGNORECASE),
    re.compile(r"context (?:size|length|window)[^\d]{0,40}?(\d{2,8})", re.IGNORECASE),
)
_FILTERED = re.compile(r"content_filter|content_policy|moderation|flagged|invalid_prompt", re.IGNORECASE)
_CAUSES = 10
"""How many errors of a chain of causes are looked at."""

_READ = 4000
"""Characters of a provider's words that are read."""


def failure_of(error: Exception, *, began: bool) -> Failure:
    """Return the failure that an error of a model means; ``began``: the model had begun to answer."""
    if isinstance(error, ContentFilterError):
        return Failure(Trouble.REFUSED, "content filter")
    if isinstance(error, UserError):
        return Failure(Trouble.REFUSED, "the request can't be sent")
    if _too_much(error):
        return Failure(Trouble.UNREADABLE, "an answer without end", unsure=not began)
    if not isinstance(error, ModelAPIError):
        what = "" if isinstance(error, AgentRunError) else f" ({type(error).__name__})"
        return Failure(Trouble.UNREADABLE, f"{UNREADABLE}{what}", unsure=not began)
    if isinstance(error, ModelConnectionError):
        if began:
            return Failure(Trouble.AWAY, "the stream was cut", suspect=True, unhurried=True, shared=True, cut=True)
        # A server that the question makes fail hangs up as well, but only after it has accepted the connection.
        taken = error.phase == "read"
        return Failure(Trouble.AWAY, "no connection", unsure=taken, suspect=taken, shared=True)
    return _refusal(error, began=began)


def _too_much(error: BaseException | None) -> bool:
    """Tell whether an error was caused by breaking off a response that was too long."""
    for _ in range(_CAUSES):
        if error is None or isinstance(error, TooMuch):
            return error is not None
        error = error.__cause__
    return False


def _refusal(error: ModelAPIError, *, began: bool) -> Failure:
    """Return the failure that an error response of a server means."""
    status = error.status_code if isinstance(error, ModelHTTPError) else 0
    said = _said(error)
    trouble = next((trouble for kind, trouble in _TROUBLES if isinstance(error, kind)), None)
    if trouble is Trouble.KEY and status == HTTPStatus.FORBIDDEN and _FILTERED.search(said):
        trouble = Trouble.REFUSED
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or (_may_overflow(trouble, status) and _OVERFLOW.search(said)):
        trouble = Trouble.TOO_LONG
    if trouble is None and status >= HTTPStatus.BAD_REQUEST:
        trouble = Trouble.AWAY if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Trouble.REFUSED
    if trouble is None:
        return Failure(Trouble.UNREADABLE, "the stream was cut" if began else UNREADABLE, unsure=not began)
    return Failure(
        trouble,
        f"HTTP {status}" if status else "said in its answer",
        None if error.retry_after is None else min(error.retry_after, LONGEST_ASKED),
        unsure=trouble is Trouble.REFUSED and not _FILTERED.search(said),
        suspect=trouble is Trouble.AWAY and status not in {*GATEWAYS, HTTPStatus.TOO_MANY_REQUESTS},
        unhurried=status == HTTPStatus.TOO_MANY_REQUESTS,
        context=_size(said) if trouble is Trouble.TOO_LONG else 0,
        shared=_is_shared(trouble, status, said),
    )


def _is_shared(trouble: Trouble, status: int, said: str) -> bool:
    """Tell whether an error response of a server keeps all models of the provider from answering."""
    everybody = trouble is Trouble.QUOTA or (trouble in WAITS and status in _SHARED)
    return everybody and not _LOADING.search(said)


def _may_overflow(trouble: Trouble | None, status: int) -> bool:
    """Tell whether an error of this kind may mean a prompt that is too long; some servers use 500 for it."""
    return trouble in {None, Trouble.REFUSED} or status == HTTPStatus.INTERNAL_SERVER_ERROR


def _said(error: ModelAPIError) -> str:
    """Return the beginning of a server's words, to be read here and never shown or logged."""
    try:
        return (error.message if error.body is None else _flat(error.body))[:_READ]
    except (RecursionError, ValueError):
        return ""


def _flat(body: Any) -> str:  # noqa: ANN401 - anything that a server sent
    return " ".join(f"{name}: {value}" for name, value in body.items()) if isinstance(body, Mapping) else str(body)


def _size(said: str) -> int:
    found = next((found for size in _SIZES if (found := size.search(said))), None)
    return int(found[1]) if found else 0
