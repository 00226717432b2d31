"""What an IDENTIFY may ask for, and the READY that answers it."""

from __future__ import annotations

from bot.sandbox import intents
from bot.sandbox.gateway.connection import GatewayClosed
from bot.sandbox.gateway.protocol import Close
from bot.sandbox.gateway.session import GatewaySession
from bot.sandbox.json_codec import Json
from bot.sandbox.models import Application, Guild
from bot.sandbox.payloads import own_user_payload


def checked_intents(application: Application, value: object) -> int:
    """Read the intents; 4013 or 4014 when they are none, or not granted."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0 or value & ~intents.ALL:
        raise GatewayClosed(Close.INVALID_INTENTS, "Invalid intent(s).")
    if value & intents.denied_bits(application.denied_intents):
        raise GatewayClosed(Close.DISALLOWED_INTENTS, "Disallowed intent(s).")
    return value


def checked_shard(value: object) -> tuple[int, int] | None:
    """Read the shard, number and count; 4010 when it is none."""
    if value is None:
        return None
    pair = value if isinstance(value, list) and len(value) == 2 else [None, None]  # noqa: PLR2004 - [id, count]
    number, count = pair
    if not isinstance(number, int) or not isinstance(count, int) or not 0 <= number < count:
        raise GatewayClosed(Close.INVALID_SHARD, "Invalid shard.")
    return number, count


def ready_payload(session: GatewaySession, guilds: list[Guild], gateway_url: str) -> Json:
    """Build READY; the guilds come one by one after it."""
    application = session.application
    ready: Json = {
        "v": 10,
        "user_settings": {},
        "user": own_user_payload(application.user),
        "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
        "private_channels": [],
        "relationships": [],
        "presences": [],
        "session_id": session.id,
        "session_type": "normal",
        "resume_gateway_url": gateway_url,
        "application": {
            "id": str(application.id),
            "flags": intents.application_flags(application.denied_intents),
        },
    }
    if session.shard is not None:
        ready["shard"] = list(session.shard)
    return ready
