"""Who makes the effects of an attached log."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.core.effects import LOOKED_FOR
from bot.core.events import EffectKind
from bot.effects.http_calls import HttpCalls
from bot.effects.performer import Performer
from bot.effects.service import Effects
from bot.eventlog.log import EventLog
from bot.gateway.current import CurrentClient
from bot.gateway.direct_messages import DirectMessages, Post
from bot.gateway.effects import DiscordEffects


def effects_of(log: EventLog, current: CurrentClient, clock: Callable[[], int], post: Post) -> Effects:
    """Return the effects of a log; direct messages are sent by ``post``."""
    in_discord = DiscordEffects(current)
    performers: Mapping[EffectKind, Performer] = {
        **dict.fromkeys(LOOKED_FOR, in_discord),
        EffectKind.DIRECT_MESSAGE: DirectMessages(current, post),
        EffectKind.HTTP_CALL: HttpCalls(clock),
    }
    return Effects(log, performers, clock)
