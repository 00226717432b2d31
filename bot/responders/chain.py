"""Several responders in a row: who claims a question first answers it, under its own name."""

from __future__ import annotations

from collections.abc import Sequence

from bot.responders.protocol import Answer, Question, Responder, Streaming, Utterance


class Chain:
    """Ask the members in their order.

    The chain finds out who answers; that is who is recorded with the request, and asked for the answer.
    """

    name = "chain"

    def __init__(self, members: Sequence[Responder]) -> None:
        self.members = tuple(members)
        self.wants_history = any(member.wants_history for member in members)

    def claims(self, question: Question) -> bool:
        """Tell whether a member would answer the question."""
        return claimant(self, question, addressed=True) is not None

    async def compose(self, question: Question, history: Sequence[Utterance]) -> Answer | None:
        """Answer by the first member that claims the question."""
        member = claimant(self, question, addressed=True)
        return await member.compose(question, history) if member else None


def members(responder: Responder) -> tuple[Responder, ...]:
    """Return the members of a chain, or the responder alone."""
    return responder.members if isinstance(responder, Chain) else (responder,)


async def close(responder: Responder) -> None:
    """Close the connections that members hold, if they hold any."""
    for member in members(responder):
        if isinstance(member, Streaming):
            await member.close()


def claimant(responder: Responder, question: Question, *, addressed: bool) -> Responder | None:
    """Return the first of the members that claims a question, of those that answer unless ``addressed`` if it is not.

    A rule's claim makes a message addressed to the bot; a model would answer anything, so that its claim does not.
    """
    for member in members(responder):
        if (addressed or not getattr(member, "only_addressed", False)) and member.claims(question):
            return member
    return None
