"""Several responders in a row: the first one that claims a question answers it, under its own name."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bot.responders.protocol import Question, Responder

_log = structlog.get_logger(__name__)


class Chain:
    """Chooses the one of its members (at least one) that answers a question."""

    def __init__(self, members: Sequence[Responder]) -> None:
        self.members = tuple(members)

    @property
    def first(self) -> Responder:
        """Return the member that is asked first."""
        return self.members[0]

    def choose(self, question: Question, *, addressed: bool) -> Responder | None:
        """Return the first member that claims a question; one that answers everything only if ``addressed``.

        A rule's claim makes a message addressed to the bot. A member that raises an error does not claim the question,
        which has to be recorded in any case.
        """
        for member in self.members:
            try:
                if (addressed or not member.answers_everything) and member.claims(question):
                    return member
            except Exception as error:  # noqa: BLE001 - a responder may raise anything
                _log.warning("responder.failed", responder=member.name, at="claims", reason=type(error).__name__)
        return None

    async def close(self) -> None:
        """Close the connections that members hold, if they hold any."""
        for member in self.members:
            try:
                await member.close()
            except Exception as error:  # noqa: BLE001 - the other members have to be closed, too
                _log.warning("responder.failed", responder=member.name, at="close", reason=type(error).__name__)
