"""The errors of the sandbox.

SandboxError   an option, a file or an address is wrong, or the port is taken: for the person at the terminal
ControlError   the control API refuses a call: HTTP 4xx with a sentence
ApiError       Discord refuses a REST call: HTTP status and Discord's JSON error
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

UNAUTHORIZED = (401, 0, "401: Unauthorized")
UNKNOWN_CHANNEL = (404, 10003, "Unknown Channel")
UNKNOWN_GUILD = (404, 10004, "Unknown Guild")
UNKNOWN_MEMBER = (404, 10007, "Unknown Member")
UNKNOWN_MESSAGE = (404, 10008, "Unknown Message")
UNKNOWN_ROLE = (404, 10011, "Unknown Role")
UNKNOWN_EMOJI = (404, 10014, "Unknown Emoji")
UNKNOWN_WEBHOOK = (404, 10015, "Unknown Webhook")
UNKNOWN_INTERACTION = (404, 10062, "Unknown interaction")
MISSING_ACCESS = (403, 50001, "Missing Access")
EMPTY_MESSAGE = (400, 50006, "Cannot send an empty message")
MISSING_PERMISSIONS = (403, 50013, "Missing Permissions")
WRONG_CHANNEL_TYPE = (400, 50024, "Cannot execute action on this channel type")
INVALID_WEBHOOK_TOKEN = (401, 50027, "Invalid Webhook Token")
"""Status, code and message of refusals that several routes make."""


class SandboxError(Exception):
    """Something is wrong; the message says what it is and what to do."""


class ControlError(Exception):
    """Refuse a control call with a status and a sentence."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        """Keep the sentence and the HTTP status."""
        super().__init__(message)
        self.message = message
        self.status = status


class ApiError(Exception):
    """Refuse a REST call as Discord does: HTTP status, JSON error code, message and field errors."""

    def __init__(self, status: int, code: int, message: str, errors: dict[str, Any] | None = None) -> None:
        """Keep the parts of the answer."""
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """Build the JSON body."""
        body: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        return body


def invalid_form(problems: Iterable[tuple[str, str, str]]) -> ApiError:
    """Build 400 50035 from field errors: dotted path (``embeds.0.title``; "" for the body itself), code, message."""
    tree: dict[str, Any] = {}
    for path, code, message in problems:
        node = tree
        for key in filter(None, path.split(".")):
            node = node.setdefault(key, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})
    return ApiError(400, 50035, "Invalid Form Body", tree)


def invalid(path: str, code: str, message: str) -> ApiError:
    """Build 400 50035 for one wrong field."""
    return invalid_form([(path, code, message)])


def first_problem(error: ValidationError) -> str:
    """Say in one sentence what pydantic found wrong first, such as "name must be a valid string."."""
    first = error.errors(include_url=False)[0]
    name, text = ".".join(map(str, first["loc"])), first["msg"]
    if first["type"] == "literal_error":
        expected = first["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        return f"{name} must be one of {expected}."
    if text.startswith("Input should "):
        return f"{name} must {text.removeprefix('Input should ')}."
    return f"{name}: {text}." if name else f"{text.removeprefix('Value error, ')}."
