"""A failure of whoever is asked, in our own words: those of a server may quote people, or a part of a key."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from bot.responders.protocol import Trouble

GATEWAYS = frozenset((HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT, 529))
"""Statuses that do not depend on the question: they come from a gateway before the model, or from overload."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How one model, or another answerer, failed.

    ``detail`` describes it in our own words. ``unsure``: the prompt may have been too long, although the server does
    not say so. ``suspect``: the question itself may make the server fail. ``context`` is the size of the context that
    the server names, in tokens (0: it names none). ``unhurried``: another attempt costs the server more than a
    connection. ``shared``: all models of the provider have this failure. ``cut``: the model was lost in the middle of
    its answer.
    """

    trouble: Trouble
    detail: str
    retry_after: float | None = None
    unsure: bool = False
    suspect: bool = False
    context: int = 0
    unhurried: bool = False
    shared: bool = False
    cut: bool = False

    @property
    def reason(self) -> str:
        """Return the description for the log."""
        return self.detail if self.trouble is Trouble.UNREADABLE else f"{self.trouble} ({self.detail})"
