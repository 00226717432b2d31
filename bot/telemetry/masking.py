"""Keeps secrets out of log lines, in any part of a line and whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

MASK = "[secret]"

BOT_TOKEN = r"\b[\w-]{20,32}\.[\w-]{5,8}\.[\w-]{25,}"  # noqa: S105 - id, time and signature in base64
CALLBACK_TOKEN = re.compile(r"(?<=/)(webhooks|interactions)/(\d+)/[\w-]+", re.ASCII)  # discord.py names limited URLs


def masker(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that masks ``secrets``, and everything that looks like a token, in a line."""
    known = [re.escape(secret) for secret in sorted(filter(None, secrets), key=len, reverse=True)]
    secret = re.compile("|".join([*known, BOT_TOKEN]), re.ASCII)

    def mask(line: str) -> str:
        return CALLBACK_TOKEN.sub(rf"\1/\2/{MASK}", secret.sub(MASK, line))

    return mask
