"""Several responders in a row: who claims a question first answers it, under its own name."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bot.responders.protocol import Question, Responder

_log = structlog.get_logger(__name__)


class Chain:
    """Chooses who of its members, one at least, answers a question."""

    def __init__(self, members: Sequence[Responder]) -> None:
        self.members = tuple(members)

    @property
    def first(self) -> Responder:
        """Return the one that is asked first."""
        return self.members[0]

    def choose(self, question: Question, *, addressed: bool) -> Responder | None:
        """Return the first member that claims a question; not one that answers everything, unless it is ``addressed``.

        A rule's claim makes a message addressed to the bot. A member whose claim fails has none: whatever it does, the
        question has to be recorded.
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
            except Exception as error:  # noqa: BLE001 - the others have to be closed, too
                _log.warning("responder.failed", responder=member.name, at="close", reason=type(error).__name__)
