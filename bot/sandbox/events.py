"""Events of the gateway (dispatches), before they are given to sessions."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.sandbox import intents
from bot.sandbox.json_codec import Json, encode
from bot.sandbox.message_payloads import content_is_free, without_content
from bot.sandbox.models import Application, Channel, Guild, Message

# Marks a GUILD_CREATE of a guild that the bot was in before. Clients take one without it for a new guild.
BACK_AVAILABLE: Json = {"unavailable": False}


@dataclass(slots=True, eq=False)
class Dispatch:
    """An event, and who may receive it. Its JSON is written once for all sessions.

    ``intent`` 0 means no intent is needed. ``application`` is the only receiver, if it is set. The content of
    ``message`` is private without the content intent.
    """

    name: str
    data: Json
    intent: int = field(default=0, kw_only=True)
    guild: Guild | None = field(default=None, kw_only=True)
    channel: Channel | None = field(default=None, kw_only=True)
    message: Message | None = field(default=None, kw_only=True)
    application: Application | None = field(default=None, kw_only=True)
    _full: str | None = field(default=None, init=False)
    _bare: str | None = field(default=None, init=False)

    def text(self, session_intents: int, user_id: int) -> str:
        """Return the JSON that a session with these intents may see."""
        if self.message is None or session_intents & intents.MESSAGE_CONTENT or content_is_free(self.message, user_id):
            if self._full is None:
                self._full = encode(self.data)
            return self._full
        if self._bare is None:
            self._bare = encode(without_content(self.data))
        return self._bare
