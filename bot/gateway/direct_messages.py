"""Direct messages as effects: the private channel is opened, and the outbox sends into it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from bot.core.effects import Absent, Declined, Found, Made, Outcome
from bot.core.events import AbandonReason, EffectEnd
from bot.core.fate import NotYet
from bot.effects.declared import DeclaredEffect, SendDirectMessage
from bot.effects.performer import Intention
from bot.errors import PostAbandoned
from bot.gateway.current import CurrentClient
from bot.gateway.effects import outcome_of
from bot.gateway.requests import timed
from bot.gateway.snowflakes import snowflake

Post: TypeAlias = Callable[[int, str, str], Awaitable[Sequence[int]]]
"""Posts a text in a channel, once for each key, and returns the ids of its messages."""

_ENDS = {
    AbandonReason.FORBIDDEN: EffectEnd.FORBIDDEN,
    AbandonReason.EXPIRED: EffectEnd.EXPIRED,
    AbandonReason.GAVE_UP: EffectEnd.EXPIRED,
    AbandonReason.ERASED: EffectEnd.ERASED,
    AbandonReason.UNKNOWN_FATE: EffectEnd.UNKNOWN_FATE,
}
"""What the end of a post means for its effect; the others were refused."""


class DirectMessages:
    """Sends direct messages by ``post``, which records and looks for them as for every reply."""

    survives = True

    def __init__(self, current: CurrentClient, post: Post) -> None:
        self._current = current
        self._post = post

    def lacks(self, effect: DeclaredEffect) -> str:
        """Return nothing: whether a person takes messages, Discord says."""
        del effect
        return ""

    async def ready(self) -> None:
        """Wait until a client is connected."""
        await self._current.connected.wait()

    async def look(self, intention: Intention) -> Found:
        """Find nothing: the outbox looks by itself."""
        del intention
        return Absent()

    async def perform(self, intention: Intention) -> Outcome:
        """Have the message sent, or find that it is; nothing is sent twice however often this is called."""
        effect, client = intention.effect, self._current.client
        if client is None or not isinstance(effect, SendDirectMessage):
            return NotYet("not connected")
        try:
            async with timed():
                data = await client.http.start_private_message(effect.user_id)
            channel_id = snowflake(data["id"])
        except Exception as error:  # noqa: BLE001 - opening it again does no harm
            return outcome_of(error)
        try:
            return Made(list(await self._post(channel_id, effect.text, f"direct message {intention.token}")))
        except PostAbandoned as error:
            parts = f", {len(error.sent_ids)} of its parts sent" if error.sent_ids else ""
            reason = _ENDS.get(AbandonReason(error.reason), EffectEnd.REFUSED)
            return Declined(EffectEnd.UNKNOWN_FATE if parts else reason, f"{error.detail or error.reason}{parts}")

    async def close(self) -> None:
        """Close nothing: the client is not ours."""
